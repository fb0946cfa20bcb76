"""The main job from Python: fit, test, the table and the results file."""

import json

import pytest
from helpers.expected_warnings import UNWIRED
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import CSVLogger

from lightning_snn import GaussianNoise, Shift
from lightning_snn.data import BatchLoader, PerturbedSet
from lightning_snn.development.report import measure_fields
from lightning_snn.experiment.run import run_experiment

pytestmark = UNWIRED


@pytest.fixture
def experiment(classifier, phase, trainer, data, tmp_path):
    """``experiment(layers, ...)``: run it; returns the model, the Trainer and the results."""

    def run(layers=None, callbacks=None, controls=("random", "grid", "pixels"), few_labels=None, **options):
        model = classifier(layers, controls=list(controls), few_labels=few_labels)
        callbacks = [phase()] if callbacks is None else callbacks
        logger = CSVLogger(tmp_path, "run", "")
        run = trainer(*callbacks, logger=logger, log_every_n_steps=1, **{"max_epochs": 10, **options})
        run_experiment(run, model, data)
        path = tmp_path / "run" / "results.json"
        return model, run, json.loads(path.read_text()) if path.exists() else None

    return run


def lines(printed, *names):
    """The cells of the table's rows that begin with ``names``."""
    rows = [line.strip("│ \n").split("│") for line in printed.splitlines() if "│" in line]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    return [cells[name] for name in names]


def test_results_are_those_of_the_test(experiment, phase):
    model, trainer, results = experiment()
    scores = trainer.callback_metrics
    networks = results["networks"]
    assert list(networks) == ["network", "random", "grid", "pixels"]
    for name in ("random", "grid", "pixels"):
        assert networks[name]["accuracy"] == scores[f"test/accuracy_{name}"].item()
    assert networks["network"]["accuracy"] == scores["test/accuracy"].item()
    assert networks["network"]["macro_f1"] == scores["test/macro_f1"].item()
    fields = measure_fields(
        model.network.projections["lgn"],
        model.network.layer("retina").geometry,
        target_share=phase().settings.target_share,
    )
    assert {key: networks["network"][f"lgn/{key}"] for key in fields} == fields
    assert networks["random"]["lgn/field_size"] == fields["field_size"]  # the controls share the fan-in
    assert networks["grid"]["lgn/field_size"] == round(fields["field_size"])
    assert networks["network"]["lgn/rms_radius"] < networks["random"]["lgn/rms_radius"]
    assert networks["network"]["accuracy"] > 0.5  # chance: 0.25
    assert "lgn/field_size" not in networks["pixels"]


def test_table(experiment, capsys):
    _, _, results = experiment()
    printed = capsys.readouterr().out
    assert "Test on 30 held-out samples" in printed
    own, pixels = lines(printed, "self-organised", "raw pixels")
    row = results["networks"]["network"]
    assert own[:3] == [f"{row['accuracy']:.1%}", f"{row['macro_f1']:.1%}", f"{row['lgn/field_size']:.0f}"]
    assert pixels[2:] == ["-"] * 4
    assert lines(printed, "random wiring", "hand-made grid")


def test_the_columns_are_the_tests_where_there_are_several(experiment, data, capsys):
    sets = [
        PerturbedSet(data.test_set, Shift(1), name="moved_about"),
        PerturbedSet(data.test_set, Shift(2), name="moved_about", first=False),
        PerturbedSet(data.test_set, GaussianNoise(0.3), name="noise"),
    ]
    tests = [data.test_dataloader(), *(BatchLoader(part, batch_size=30, shuffle=False) for part in sets)]
    data.test_dataloader = lambda: tests
    _, trainer, results = experiment(few_labels=[20, 4])
    scores, rows = trainer.callback_metrics, results["networks"]
    for key, stage in {"moved_about_2": "test_moved_about_2", "20_labels": "test_20_labels"}.items():
        assert rows["network"][key] == scores[f"{stage}/accuracy"].item()
        assert rows["grid"][f"{key}/macro_f1"] == scores[f"{stage}/macro_f1_grid"].item()
    printed = capsys.readouterr().out
    first, second = printed.split("localised")
    own = rows["network"]
    expected = [own[key] for key in ("accuracy", "moved_about", "noise", "20_labels")]
    assert lines(first, "self-organised") == [[f"{value:.1%}" for value in expected]]
    assert [name in first for name in ("clean", "moved about", "20 labels", "macro F1", "4 labels")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert lines(second, "self-organised")[0][0] == f"{own['lgn/field_size']:.0f}"
    assert lines(second, "raw pixels") == [["-"] * 4]


def test_seconds(experiment):
    _, _, results = experiment()
    seconds = results["seconds"]
    assert seconds.keys() == {"self-organise", "encode", "train", "test"}
    assert all(0 < value < 60 for value in seconds.values())


def test_without_controls(experiment, capsys):
    _, _, results = experiment(controls=[])
    assert list(results["networks"]) == ["network"]
    assert lines(capsys.readouterr().out, "self-organised")


def test_a_trial_writes_nothing(experiment, tmp_path, capsys):
    _, _, results = experiment(fast_dev_run=True)
    assert results is None
    assert lines(capsys.readouterr().out, "self-organised")
    assert list(tmp_path.iterdir()) == []


def test_two_wired_layers(experiment, retina, pooling, capsys):
    layers = {"retina": retina(), "lgn": pooling(40), "cortex": pooling(20)}
    _, _, results = experiment(layers)
    row = results["networks"]["grid"]
    assert row["lgn/field_size"] > 1
    assert row["cortex/field_size"] > 1
    (cells,) = lines(capsys.readouterr().out, "hand-made grid")
    assert cells[2] == f"{row['lgn/field_size']:.0f}"  # the table shows the first


def test_a_callback_that_is_missing(experiment):
    with pytest.raises(MisconfigurationException, match="layers lgn have a learning rule but are not wired"):
        experiment(callbacks=[])


def test_without_test_images_the_fields_are_kept(experiment, capsys):
    _, _, results = experiment(limit_test_batches=0, max_epochs=1)
    assert results["networks"]["pixels"] == {}
    assert results["networks"]["network"].keys() > {"lgn/field_size", "lgn/localised_share"}
    (cells,) = lines(capsys.readouterr().out, "self-organised")
    assert cells[:2] == ["-", "-"]
    assert cells[2] == f"{results['networks']['network']['lgn/field_size']:.0f}"


def test_results_are_written_before_the_table(experiment, monkeypatch, tmp_path):
    monkeypatch.setattr("lightning_snn.experiment.run.results_tables", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        experiment(max_epochs=1)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["networks"]["network"]["accuracy"] >= 0
