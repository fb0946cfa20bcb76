"""Options that keep a run of ``mnist_pooling``, and of ``mnist``, small and quiet, for tests of commands."""

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
SMALL_SHEETS = [
    "--model.layers.retina.geometry.num_nodes=160",
    "--model.layers.retina.geometry.side=12",
    "--model.layers.lgn.geometry.num_nodes=20",
    "--model.layers.lgn.geometry.side=12",
]
SMALL_FIELDS = [
    *SMALL_SHEETS[:2],
    "--model.layers.pooling.geometry.num_nodes=20",
    "--model.layers.pooling.geometry.side=12",
    "--model.layers.features.geometry.num_nodes=40",
    "--model.layers.features.geometry.side=12",
    "--model.connections.columns.projection.fields.size=12",
]
SMALL_NETWORK = [
    *SMALL_SHEETS,
    "--model.encoder.num_steps=10",
    "--model.cache=false",
    "--self_organization.max_steps=400",
    "--self_organization.chunk=25",
]
SHORT = [*QUIET, *FEW_BATCHES, "--trainer.limit_predict_batches=1", "--data.eval_batch_size=50"]
SMALL = [*SHORT, *SMALL_NETWORK, "--trainer.max_epochs=1"]
