"""Runs that are interrupted and go on, compared bit by bit with a run that is not."""

import os
import signal
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, SAME_FOLDER, UNWIRED
from helpers.tensors import assert_same
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_snn import (
    LIF,
    MLP,
    STDP,
    ConstantCurrent,
    Control,
    Dense,
    Images,
    SpikingClassifier,
    SpikingLayer,
    SpontaneousWaves,
    Torus,
)
from lightning_snn.callbacks.last_checkpoint import LastCheckpoint
from lightning_snn.development import phase as development_phase
from lightning_snn.development.development import Development
from lightning_snn.trainer.generators import generator_states, restore_generators

pytestmark = [UNWIRED, OTHER_CALLBACKS, SAME_FOLDER]


class Crash(Exception):
    pass


def crash():
    raise Crash


def interrupt():
    raise KeyboardInterrupt


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


class Interrupted(SpontaneousWaves):
    """Spontaneous waves that end the run when a round begins."""

    def __init__(self, round_number, how=crash):
        super().__init__()
        self.round_number = round_number
        self.how = how

    def currents(self, network, connection, *, round_number, **options):
        if round_number == self.round_number:
            self.how()
        return super().currents(network, connection, round_number=round_number, **options)


class RoundsSeen(SpontaneousWaves):
    """Spontaneous waves that remember the numbers of the rounds."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def currents(self, network, connection, *, round_number, **options):
        self.seen.append(round_number)
        return super().currents(network, connection, round_number=round_number, **options)


class StopAtStep(Callback):
    """Ends the run in the middle of the supervised epochs."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise Crash


@pytest.fixture
def whole(classifier, phase, trainer, data):
    """``whole(layers)``: a model after a phase of 8 rounds a projection and two epochs, not interrupted."""

    def run(layers=None):
        model = classifier(layers)
        trainer(phase(), max_epochs=2).fit(model, data)
        return model

    return run


@pytest.fixture
def resume(classifier, phase, trainer, data):
    """``resume(ckpt_path, layers, **changes)``: a fresh model that goes on, and the rounds that it ran."""

    def run(path, layers=None, **changes):
        model, waves = classifier(layers), RoundsSeen()
        fit = trainer(phase(waves, **changes), max_epochs=2)
        fit.fit(model, data, ckpt_path=path, weights_only=True)
        return model, waves.seen

    return run


@pytest.mark.parametrize(
    ("how", "raised"), [(crash, Crash), (interrupt, SystemExit), (terminate, SIGTERMException)]
)
@pytest.mark.parametrize("number", [0, 1, 3, 7])
def test_interrupted_phase(classifier, phase, trainer, data, whole, resume, tmp_path, number, how, raised):
    fit = trainer(phase(Interrupted(number, how)), ModelCheckpoint(tmp_path), max_epochs=2)
    with pytest.raises(raised):
        fit.fit(classifier(), data)
    resumed, rounds = resume(tmp_path / "self_organization.ckpt")
    finished_round = how is terminate  # a signal is looked for between rounds
    assert rounds == list(range(number + finished_round, 8))
    assert_same(resumed.state_dict(), whole().state_dict())


@pytest.mark.parametrize("number", [3, 5])
def test_killed_phase_goes_on_from_the_last_checkpoint(
    classifier, phase, trainer, data, whole, resume, tmp_path, monkeypatch, number
):
    killed = phase(Interrupted(number), every_n_rounds=2)
    monkeypatch.setattr(killed, "on_exception", lambda *_: None)
    with pytest.raises(Crash):
        trainer(killed, ModelCheckpoint(tmp_path), max_epochs=2).fit(classifier(), data)
    resumed, rounds = resume(tmp_path / "self_organization.ckpt")
    assert rounds == list(range(number - 1, 8))
    assert_same(resumed.state_dict(), whole().state_dict())


def test_ctrl_c_in_the_middle_of_a_round(
    classifier, phase, trainer, data, whole, resume, tmp_path, monkeypatch
):
    """The streams are a round ahead of the weights then."""
    learn, calls = STDP.learn, []

    def learn_interrupted(self, *args):
        calls.append(None)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return learn(self, *args)

    monkeypatch.setattr(STDP, "learn", learn_interrupted)
    with pytest.raises(SystemExit):
        trainer(phase(), ModelCheckpoint(tmp_path), max_epochs=2).fit(classifier(), data)
    monkeypatch.undo()
    resumed, rounds = resume(tmp_path / "self_organization.ckpt")
    assert rounds == [4, 5, 6, 7]
    assert_same(resumed.state_dict(), whole().state_dict())


@pytest.mark.parametrize("moment", ["conclude", "save_checkpoint"])
def test_ctrl_c_when_the_phase_has_just_ended(
    moment, classifier, phase, trainer, data, whole, resume, tmp_path, monkeypatch
):
    """Neither between the last round and the checkpoint nor while that is written is the phase lost."""
    owner = Development if moment == "conclude" else Trainer
    original = getattr(owner, moment)

    def interrupted(*args, **kwargs):
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, moment, interrupted)
    with pytest.raises(SystemExit):
        trainer(phase(), ModelCheckpoint(tmp_path), max_epochs=2).fit(classifier(), data)
    resumed, rounds = resume(tmp_path / "self_organization.ckpt")
    assert rounds == []
    assert_same(resumed.state_dict(), whole().state_dict())


def test_interrupted_twice(classifier, phase, trainer, data, whole, resume, tmp_path):
    path = tmp_path / "self_organization.ckpt"
    for number, ckpt_path in ((2, None), (5, path)):
        fit = trainer(phase(Interrupted(number)), ModelCheckpoint(tmp_path), max_epochs=2)
        with pytest.raises(Crash):
            fit.fit(classifier(), data, ckpt_path=ckpt_path, weights_only=True)
    resumed, rounds = resume(path)
    assert rounds == [5, 6, 7]
    assert_same(resumed.state_dict(), whole().state_dict())


@pytest.mark.parametrize("number", [6, 8, 11, 15])
def test_three_layers(classifier, retina, pooling, phase, trainer, data, whole, resume, tmp_path, number):
    def layers():
        return {"retina": retina(), "lgn": pooling(40), "cortex": pooling(10)}

    fit = trainer(phase(Interrupted(number)), ModelCheckpoint(tmp_path), max_epochs=2)
    with pytest.raises(Crash):
        fit.fit(classifier(layers()), data)
    resumed, rounds = resume(tmp_path / "self_organization.ckpt", layers())
    assert rounds == list(range(number, 16))
    assert_same(resumed.state_dict(), whole(layers()).state_dict())


CONTROLS = {
    "random": Control("random"),
    "first": Control("initial", ["lgn"], gain=20.0),
    "grid": Control("grid"),
}


@pytest.mark.parametrize("end", [Interrupted(3), StopAtStep(4)], ids=["phase", "epochs"])
def test_a_seed_that_was_drawn_gives_way_to_that_of_the_run(
    retina, pooling, phase, trainer, data, tmp_path, end
):
    """A script without a seed, started again with a checkpoint of its own."""

    def build(number):
        torch.manual_seed(number)
        layers = {"retina": retina(), "lgn": pooling()}
        readout, sizes = partial(MLP, num_hidden=20), {"num_classes": 4, "image_size": (8, 8)}
        encoder = ConstantCurrent(10, gain=60.0)
        return SpikingClassifier(layers, encoder, readout, controls=CONTROLS, **sizes)

    def fit(number, *callbacks, path=None):
        model = build(number)
        torch.manual_seed(number)
        run = trainer(*callbacks, max_epochs=2, default_root_dir=tmp_path)
        run.fit(model, data, ckpt_path=path, weights_only=True)
        return model

    whole = fit(1, phase())
    in_phase = isinstance(end, Interrupted)
    with pytest.raises(Crash):
        fit(1, LastCheckpoint(), *([phase(end)] if in_phase else [phase(), end]))
    (path,) = tmp_path.rglob("self_organization.ckpt" if in_phase else "last.ckpt")
    other = fit(2, phase(), path=path)
    assert other.hparams.seed == whole.hparams.seed
    assert_same(other.state_dict(), whole.state_dict())


def test_another_number_of_streams(classifier, phase, trainer, data, resume, tmp_path):
    with pytest.raises(Crash):
        trainer(phase(Interrupted(3)), ModelCheckpoint(tmp_path)).fit(classifier(), data)
    with pytest.raises(ValueError, match=r"self_organization.num_streams must be 4 .*got 8"):
        resume(tmp_path / "self_organization.ckpt", num_streams=8)


def test_another_number_of_streams_after_the_phase(classifier, phase, trainer, data, resume, tmp_path):
    model = classifier()
    trainer(phase(), ModelCheckpoint(tmp_path), max_epochs=2).fit(model, data)
    resumed, rounds = resume(tmp_path / "self_organization.ckpt", num_streams=8)
    assert rounds == []
    assert_same(resumed.state_dict(), model.state_dict())


@pytest.mark.parametrize("number", [3, None])
def test_a_used_callback_starts_afresh(classifier, phase, trainer, data, whole, tmp_path, number):
    waves = Interrupted(number)
    used = phase(waves)
    with pytest.raises(Crash) if number else nullcontext():
        trainer(used, ModelCheckpoint(tmp_path), max_epochs=2).fit(classifier(), data)
    waves.round_number = None
    new = classifier()
    trainer(used, max_epochs=2).fit(new, data)
    assert_same(new.state_dict(), whole().state_dict())


def test_interrupted_in_the_measurement_that_ends_the_phase(
    classifier, phase, trainer, data, resume, tmp_path, monkeypatch
):
    interrupted = phase(stop_at=0.0)
    monkeypatch.setattr(development_phase, "wiring_report", lambda *_, **__: crash())
    with pytest.raises(Crash):
        trainer(interrupted, ModelCheckpoint(tmp_path), max_epochs=2).fit(classifier(), data)
    monkeypatch.undo()
    _, rounds = resume(tmp_path / "self_organization.ckpt", stop_at=0.0)
    assert rounds == []  # two rounds were run, which is when the fields are measured


@pytest.mark.parametrize("step", [1, 3, 4])
def test_interrupted_epochs(classifier, phase, trainer, data, whole, resume, tmp_path, step):
    checkpoints = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    with pytest.raises(Crash):
        trainer(phase(), checkpoints, StopAtStep(step), max_epochs=2).fit(classifier(), data)
    resumed, rounds = resume(tmp_path / f"step={step}.ckpt")
    assert rounds == []
    assert_same(resumed.state_dict(), whole().state_dict())


@pytest.fixture
def noisy(classifier):
    """``noisy(trained)``: a readout with dropout; where ``trained``, noise in a trained layer as well."""

    def build(trained):
        torch.manual_seed(3)  # as in another process, which has drawn other numbers before
        layers = None
        if trained:
            retina = SpikingLayer(Torus(160, side=12.0), LIF(), noise=0.5)
            wiring = partial(Dense, trainable=True, gain=40.0)
            layers = {"retina": retina, "lgn": SpikingLayer(Torus(20, 12.0), LIF(), projection=wiring)}
        return classifier(layers, readout=partial(MLP, num_hidden=20))

    return build


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("name", ["step=2", "step=5", "epoch=0"])  # an epoch has three steps
def test_interrupted_epochs_with_chance_in_them(noisy, phase, trainer, data, tmp_path, name, trained):
    whole, resumed = noisy(trained), noisy(trained)
    torch.manual_seed(0)
    steps = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    ends = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1, save_on_train_epoch_end=True)
    trainer(phase(), steps, ends, max_epochs=2).fit(whole, data)
    torch.manual_seed(7)
    path = tmp_path / f"{name}.ckpt"
    trainer(phase(), max_epochs=2).fit(resumed, data, ckpt_path=path, weights_only=True)
    assert_same(resumed.state_dict(), whole.state_dict())
    torch.manual_seed(7)
    other = noisy(trained)
    path_without = tmp_path / "without.ckpt"
    saved = torch.load(path, weights_only=True)
    torch.save({key: value for key, value in saved.items() if key != "generators"}, path_without)
    trainer(phase(), max_epochs=2).fit(other, data, ckpt_path=path_without, weights_only=True)
    output = "readouts.network.output.weight"
    assert not torch.equal(other.state_dict()[output], whole.state_dict()[output])


def test_only_a_fit_that_goes_on_takes_the_generators(noisy, phase, trainer, data, tmp_path):
    trainer(phase(), ModelCheckpoint(tmp_path, filename="some")).fit(noisy(False), data)
    path = tmp_path / "some.ckpt"
    before = torch.manual_seed(5).get_state()
    model = SpikingClassifier.load_from_checkpoint(path)
    torch.set_rng_state(before)
    trainer().test(model, data, ckpt_path=path, weights_only=True, verbose=False)
    trainer().predict(model, data, ckpt_path=path, weights_only=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unfinished_phase_goes_on_with_its_own_settings(phase):
    state = phase(SpontaneousWaves(2.0)).state_dict() | {"streams": [torch.zeros(4, 1)]}
    with pytest.raises(ValueError, match=r"self_organization.stimulus.amplitude: 2.0 there, 3.0 here"):
        phase(SpontaneousWaves()).load_state_dict(state)
    with pytest.raises(ValueError, match=r"self_organization.chunk: 25 there, 50 here"):
        phase(SpontaneousWaves(2.0), chunk=50).load_state_dict(state)
    phase(SpontaneousWaves(2.0), max_steps=1600, stop_at=0.5).load_state_dict(state)
    phase(SpontaneousWaves(), chunk=50).load_state_dict(state | {"streams": []})


class OneOfTwo:
    """A Trainer on one of two processes; the other has drawn ``ahead`` numbers more."""

    def __init__(self, global_rank, ahead=0):
        self.world_size, self.global_rank, self.ahead = 2, global_rank, ahead
        self.strategy = self
        self.root_device = torch.device("cpu")

    def all_gather(self, state):
        other = torch.Generator()
        other.set_state(state.clone())
        torch.rand(self.ahead, generator=other)
        return torch.stack([state, other.get_state()])


def test_every_process_takes_its_own_generator(trainer):
    torch.manual_seed(4)
    saved = generator_states(OneOfTwo(0, ahead=3))
    drawn = torch.rand(5)
    for rank, expected in enumerate((drawn[:2], drawn[3:])):
        torch.manual_seed(0)
        restore_generators(OneOfTwo(rank), saved)
        assert torch.equal(torch.rand(2), expected)
    torch.manual_seed(6)
    expected = torch.rand(2)
    torch.manual_seed(6)
    restore_generators(trainer(), saved)  # on one process the generators stay as they are
    assert torch.equal(torch.rand(2), expected)


class Told(ConstantCurrent):
    def __init__(self, how):
        super().__init__(5)
        self.how = how


def test_what_no_checkpoint_can_hold_is_refused_before_anything_runs(phase, classifier, trainer, data):
    refused = phase(Images(Told(lambda x: x)))
    with pytest.raises(ValueError, match=r"self_organization.stimulus.encoder.how cannot be stored"):
        trainer(refused).fit(classifier(), data)
    assert refused.seconds == 0
