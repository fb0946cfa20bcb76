"""Options that keep a run of a recipe small and quiet, for tests of the command line."""

QUIET = [
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]
FEW_BATCHES = [
    "--trainer.limit_train_batches=2",
    "--trainer.limit_val_batches=1",
    "--trainer.limit_test_batches=1",
]
SMALL_RETINA = [
    "--model.layers.retina.geometry.num_nodes=160",
    "--model.layers.retina.geometry.side=12",
]
SMALL_SHEETS = [
    *SMALL_RETINA,
    "--model.layers.lgn.geometry.num_nodes=20",
    "--model.layers.lgn.geometry.side=12",
]
"""Of ``mnist_pooling``, as all below but ``SMALL_COLUMNS``."""
SMALL_COLUMNS = [
    *SMALL_RETINA,
    "--model.layers.pooling.geometry.num_nodes=4",
    "--model.layers.pooling.geometry.side=12",
    "--model.layers.features.geometry.num_nodes=8",
    "--model.layers.features.geometry.side=12",
    "--model.connections.columns.projection.fields.size=30",
    "--model.connections.columns.projection.rule.horizon=400",
    "--model.encoder.num_steps=10",
    "--self_organization.max_steps.fields=400",
    "--self_organization.max_steps.columns=400",
    "--self_organization.chunk=25",
]
"""Of ``mnist``: 4 fields of 30 nodes with 2 units in each, 2 rounds for each of the connections."""
SMALL_NETWORK = [
    *SMALL_SHEETS,
    "--model.encoder.num_steps=10",
    "--model.cache=false",
    "--self_organization.max_steps=400",
    "--self_organization.chunk=25",
]
SHORT = [*QUIET, *FEW_BATCHES, "--trainer.limit_predict_batches=1", "--data.eval_batch_size=50"]
SMALL = [*SHORT, *SMALL_NETWORK, "--trainer.max_epochs=1"]
