"""Recordings that a run leaves behind."""

from functools import partial

import numpy as np
import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, SAME_FOLDER, UNWIRED
from helpers.tensors import assert_same
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from matplotlib.image import imread

from lightning_snn import Dense, PairSTDP, Poisson, Record, Recorder, Recording
from lightning_snn.callbacks import recorder
from lightning_snn.presentation.recording import record_input

pytestmark = [UNWIRED, OTHER_CALLBACKS, SAME_FOLDER]

WANTED = {"retina": ["spikes"], "lgn": [Record(["spikes"]), Record(["v"], every=5, neurons=[3, 1])]}


def files(folder):
    return sorted(path.stem for path in (folder / "recordings").glob("*"))


def read(folder, name):
    return dict(np.load(folder / "recordings" / f"{name}.npz"))


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Drawing takes longest: only where figures are looked at."""
    if "figures" not in request.node.name:
        monkeypatch.setattr(recorder, "publish", lambda *_: None)


@pytest.fixture
def recorded(classifier, phase, trainer, data):
    """``recorded(recorder, **options)``: the model after a run."""

    def run(recorder, model=None, **changes):
        model = model or classifier()
        trainer(phase(), recorder, **changes).fit(model, data)
        return model

    return run


def test_files_of_every_phase(recorded, data, tmp_path):
    recorded(Recorder(WANTED, every_n_batches=2, every_n_rounds=3))
    data.setup("fit")
    batches = len(data.train_dataloader())
    train = [f"train_{number:06d}" for number in range(0, batches, 2)]
    rounds = [f"lgn_{number:06d}" for number in (0, 3, 6)]
    assert files(tmp_path) == sorted([*rounds, *train, "validate_000000"])
    found = read(tmp_path, "train_000000")
    assert found["retina/spikes"].shape == (10, 1, 160)
    assert found["lgn/v"].shape == (2, 1, 2)
    assert found["lgn/v/times"].tolist() == [0, 5]
    assert found["lgn/v/neurons"].tolist() == [3, 1]
    assert found["retina/spikes"].sum() > 0


def test_a_recorded_batch_is_what_the_network_does_with_it(classifier, phase, trainer, data, tmp_path):
    shown = []

    class Keep(Callback):
        def on_train_batch_start(self, _, module, batch, batch_idx):
            if batch_idx == 0:
                recording = Recording({"lgn": ["v"]})
                shown.append(record_input(batch[0], module.network, module.encoders, recording, samples=2))

    trainer(phase(), Keep(), Recorder({"lgn": ["v"]}, samples=2)).fit(classifier(), data)
    assert np.array_equal(read(tmp_path, "train_000000")["lgn/v"], shown[0]["lgn"]["v"].numpy())
    assert shown[0]["lgn"]["v"].std() > 0


def test_a_round_has_the_winners(recorded, tmp_path):
    recorded(Recorder({"retina": ["spikes", "u"]}, every_n_rounds=1, samples=3))
    found = [read(tmp_path, f"lgn_{number:06d}") for number in range(8)]
    assert all(one["units"].shape == (20,) for one in found)
    assert sum(one["units"].sum() for one in found) > 0
    assert found[0]["retina/spikes"].shape == found[0]["retina/u"].shape == (25, 3, 160)
    assert "units/spikes" not in found[0]  # the rule decides which units spike


def test_a_round_has_the_spikes_of_neurons_that_learn_from_their_own(
    recorded, classifier, retina, pooling, tmp_path
):
    layers = {"retina": retina(), "lgn": pooling(projection=partial(Dense, rule=PairSTDP(), gain=2.0))}
    recorded(Recorder({"lgn": ["spikes"]}, every_n_rounds=1, samples=4), classifier(layers))
    found = read(tmp_path, "lgn_000005")
    assert found["units/spikes"].shape == (25, 4, 20)
    assert np.array_equal(found["units/spikes"], found["lgn/spikes"])
    assert np.array_equal(found["units"], found["units/spikes"].sum((0, 1)))
    assert found["units"].sum() > 0


def test_recording_changes_nothing(classifier, trainer, phase, data):
    """Also where input and layers draw at random while they are recorded."""
    states = []
    for callbacks in ([], [Recorder(WANTED, every_n_batches=1, every_n_rounds=1, samples=2)]):
        model = classifier(encoder=Poisson(10, seed=None), cache=False)
        trainer(phase(), *callbacks).fit(model, data)
        states.append(model.state_dict())
    assert_same(*states)


def test_figures_of_the_last_recordings(recorded, tmp_path):
    recorded(Recorder(WANTED))
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {
        "recording_lgn_raster.png",
        "recording_train_raster.png",
        "recording_train_traces.png",
        "recording_validate_raster.png",
        "recording_validate_traces.png",
    }
    for name in names:
        assert imread(tmp_path / "figures" / name).std() > 0.01, name


def test_so_many_of_each_phase(recorded, tmp_path):
    recorded(Recorder(WANTED, every_n_batches=1, every_n_rounds=1, most=2))
    assert files(tmp_path) == [
        "lgn_000000", "lgn_000001", "train_000000", "train_000001", "validate_000000", "validate_000001",
    ]  # fmt: skip


def test_so_many_bytes(recorded, tmp_path):
    each = 25 * 160 * 4 / 1e6  # and some numbers beside
    with pytest.warns(UserWarning, match="nothing more is recorded: .* of recorder.limit_mb = 0.08 MB"):
        recorded(Recorder({"retina": ["spikes"]}, every_n_rounds=1, limit_mb=5 * each))
    assert len(files(tmp_path)) == 4
    assert sum(path.stat().st_size for path in (tmp_path / "recordings").iterdir()) < 6 * each * 1e6


def test_so_much_memory(recorded, tmp_path):
    with pytest.warns(
        UserWarning, match="a round would take more than recorder.limit_mb = 0.05 MB of memory"
    ):
        recorded(Recorder({"retina": ["spikes"]}, limit_mb=0.05))
    with pytest.warns(UserWarning, match="nothing more is recorded: record would take .* limit_mb is 0.005"):
        recorded(Recorder({"retina": ["spikes"]}, every_n_rounds=0, limit_mb=0.005))
    assert files(tmp_path) == []


class Crash(Exception):
    pass


class StopAtBatch(Callback):
    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 4:
            raise Crash


def test_a_run_that_goes_on_records_as_one_that_was_not_interrupted(
    classifier, phase, trainer, data, tmp_path
):
    def options(folder):
        return {"max_epochs": 2, "default_root_dir": tmp_path / folder}

    def recorder():
        return Recorder(WANTED, every_n_batches=2, every_n_rounds=3, most=3)

    trainer(phase(), recorder(), **options("whole")).fit(classifier(), data)
    checkpoint = ModelCheckpoint(tmp_path, every_n_train_steps=1, save_last=True)
    with pytest.raises(Crash):
        trainer(phase(), recorder(), StopAtBatch(), checkpoint, **options("parts")).fit(classifier(), data)
    fit = trainer(phase(), recorder(), **options("parts"))
    fit.fit(classifier(), data, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    for name in files(tmp_path / "whole"):
        for key, value in read(tmp_path / "whole", name).items():
            assert np.array_equal(value, read(tmp_path / "parts", name)[key]), (name, key)


def test_a_try_leaves_nothing(recorded, tmp_path):
    recorded(Recorder(WANTED), fast_dev_run=True)
    assert not (tmp_path / "recordings").exists()


def test_what_is_not_there_is_a_sentence_before_anything_runs(recorded, tmp_path):
    for record, message in (
        ({"v1": ["v"]}, r"record must name layers \(retina, lgn\) or connections \(retina_lateral, lgn\)"),
        ({"lgn": ["u"]}, r"record.lgn must name some of spikes, current, v, refractory, adaptation, got 'u'"),
        ({"lgn": Record(["v"], neurons=[20])}, r"record.lgn.neurons must lie in 0 to 19, got 20"),
    ):
        with pytest.raises(ValueError, match=message):
            recorded(Recorder(record))
    assert not (tmp_path / "recordings").exists()
    with pytest.raises(ValueError, match=r"recorder.most must be a whole number above 0, got 0"):
        Recorder(WANTED, most=0)
    with pytest.raises(ValueError, match=r"recorder.limit_mb must be a finite number above 0"):
        Recorder(WANTED, limit_mb=0)


def test_a_lateral_connection_is_recorded_where_it_acts(recorded, tmp_path):
    recorded(
        Recorder({"retina_lateral": ["current"], "connections.lgn": ["current"]}, every_n_rounds=1, samples=4)
    )
    assert read(tmp_path, "lgn_000007")["retina_lateral/current"].std() > 0
    evoked = read(tmp_path, "train_000000")
    assert {key for key in evoked if key.count("/") == 1} == {"connections.lgn/current"}
    assert torch.from_numpy(evoked["connections.lgn/current"]).std() > 0
