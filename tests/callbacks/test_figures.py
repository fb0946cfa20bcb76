"""Figures that a run leaves behind."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from matplotlib.image import imread

from lightning_snn import (
    LIF,
    Columns,
    Connection,
    Conv2d,
    Dense,
    Figures,
    Maps,
    PairSTDP,
    RoundFields,
    SpikingLayer,
    Torus,
    viz,
)

pytestmark = UNWIRED

NETWORK = {"node_layout.png", "receptive_fields_lgn.png", "waves.png", "raster.png"}


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_files_in_the_run_folder(classifier, phase, trainer, data, tmp_path):
    model = classifier()
    run = trainer(phase(), Figures(50), logger=CSVLogger(tmp_path, "", ""), log_every_n_steps=1)
    run.fit(model, data)
    assert names(tmp_path / "figures") == NETWORK
    run.test(model, data, verbose=False)
    assert names(tmp_path / "figures") == NETWORK | {"confusion_matrix.png"}
    for path in (tmp_path / "figures").iterdir():
        assert imread(path).std() > 0.01, path.name  # not blank


def test_without_a_logger_beside_the_checkpoints(classifier, phase, trainer, data, tmp_path):
    trainer(phase(), Figures(50)).fit(classifier(), data)
    assert names(tmp_path / "figures") == NETWORK


def test_a_network_of_one_layer(classifier, phase, trainer, data, retina, tmp_path):
    run = trainer(phase(), Figures(50))
    run.fit(classifier({"retina": retina()}), data)
    assert names(tmp_path / "figures") == NETWORK - {"receptive_fields_lgn.png"}


def test_recurrence_that_is_no_sheet_makes_no_waves(classifier, trainer, data, tmp_path):
    recurrent = SpikingLayer(Torus(36, 12.0), LIF(), lateral=partial(Dense, trainable=True))
    trainer(Figures(50)).fit(classifier({"hidden": recurrent}), data)
    assert names(tmp_path / "figures") == {"node_layout.png"}


def test_filters_are_drawn_when_gradients_have_made_them(classifier, trainer, data, tmp_path, monkeypatch):
    conv = partial(Conv2d, kernel_size=3, trainable=True)
    layers = {
        "image": SpikingLayer(Maps(1, 8, 8), LIF()),
        "edges": SpikingLayer(Maps(2, 6, 6), LIF(), projection=conv),
    }
    model, drawn = classifier(layers), []
    first = model.network.projections["edges"].filters.clone()
    draw = viz.filters
    monkeypatch.setattr(viz, "filters", lambda weight: drawn.append(weight.clone()) or draw(weight))
    trainer(Figures(50)).fit(model, data)
    assert names(tmp_path / "figures") == {"node_layout.png", "filters_edges.png"}
    (shown,) = drawn
    assert torch.equal(shown, model.network.projections["edges"].filters)
    assert not torch.equal(shown, first)


def test_features_of_columns_are_drawn(classifier, phase, trainer, data, retina, pooling, tmp_path):
    columns = partial(Columns, fields=RoundFields(3.0, 9), rule=PairSTDP(), gain=2.0)
    layers = {"retina": retina(), "lgn": pooling(), "v1": SpikingLayer(Torus(36, 12.0), LIF())}
    connections = {"features": Connection("retina", "v1", columns)}
    model = classifier(layers, connections=connections)
    trainer(phase(), Figures(50)).fit(model, data)
    assert names(tmp_path / "figures") == NETWORK | {"features_features.png"}


def test_fast_dev_run(classifier, phase, trainer, data, tmp_path):
    model = classifier()
    run = trainer(phase(), Figures(50), fast_dev_run=True)
    run.fit(model, data)
    run.test(model, data, verbose=False)
    assert names(tmp_path) == set()


def test_without_the_phase(classifier, phase, trainer, data, tmp_path):
    model = classifier()
    trainer(phase()).fit(model, data)
    trainer(Figures(50)).fit(model, data)
    assert names(tmp_path / "figures") == NETWORK


def test_tensorboard_gets_the_figures(classifier, phase, trainer, data, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logger = TensorBoardLogger(tmp_path, "board", "")
    trainer(phase(), Figures(50), logger=logger, log_every_n_steps=1).fit(classifier(), data)
    logger.finalize("success")
    images = accumulator.EventAccumulator(str(tmp_path / "board")).Reload().Tags()["images"]
    assert set(images) == {f"figures/{name.removesuffix('.png')}" for name in NETWORK}


def test_a_figure_that_fails_is_a_warning(classifier, phase, trainer, data, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("no ink")

    monkeypatch.setattr(viz, "wave_frames", fail)
    model = classifier()
    run = trainer(phase(), Figures(50), ModelCheckpoint(tmp_path / "checkpoints", filename="last"))
    with pytest.warns(UserWarning, match="figure waves could not be made: no ink"):
        run.fit(model, data)
    assert names(tmp_path / "figures") == NETWORK - {"waves.png"}
    assert names(tmp_path / "checkpoints") == {"last.ckpt", "self_organization.ckpt"}


def test_confusion_matrix_holds_the_counts(classifier, phase, trainer, data, monkeypatch):
    drawn = []
    monkeypatch.setattr(viz, "confusion_matrix", lambda counts: drawn.append(counts) or 1 / 0)
    model = classifier()
    run = trainer(phase(), Figures(50), max_epochs=5)
    run.fit(model, data)
    with pytest.warns(UserWarning, match="figure confusion_matrix"):
        run.test(model, data, verbose=False)
    whole = data.test_set[torch.arange(30)]
    with torch.no_grad():
        predicted = model(whole.image).argmax(1)
    expected = torch.zeros(4, 4, dtype=torch.int64)
    for true, guess in zip(whole.label.tolist(), predicted.tolist(), strict=True):
        expected[true, guess] += 1
    assert torch.equal(drawn[0], expected)
    assert expected.trace() > 15  # chance: 7 or 8


def test_drawing_changes_nothing(classifier, phase, trainer, data):
    drawn, plain = classifier(), classifier()
    trainer(phase(), Figures(50)).fit(drawn, data)
    trainer(phase()).fit(plain, data)
    for name, value in plain.state_dict().items():
        assert torch.equal(drawn.state_dict()[name], value), name


def test_wrong_wave_steps():
    with pytest.raises(ValueError, match=r"figures.wave_steps must be .* above 0, got 0"):
        Figures(0)
