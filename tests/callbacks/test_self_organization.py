"""The phase inside a Trainer: when it runs, on what, for how long, and what it leaves behind."""

import csv
import logging
from functools import partial

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, SAME_FOLDER, UNWIRED
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger
from torch import distributed
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lightning_snn import (
    LIF,
    STDP,
    ConstantCurrent,
    Dense,
    Images,
    PairSTDP,
    RewardedImages,
    RewardSTDP,
    SelfOrganization,
    SpikingClassifier,
    SpontaneousWaves,
    TargetRate,
)
from lightning_snn.callbacks.self_organization import _InTrainer
from lightning_snn.development.rewiring import random_wiring
from lightning_snn.trainer.streams import ProcessStreams

pytestmark = UNWIRED


class Counted(SpontaneousWaves):
    """Spontaneous waves that remember the steps of every round, over all streams."""

    def __init__(self):
        super().__init__()
        self.rounds = []

    def currents(self, network, connection, *, steps, streams, round_number):
        self.rounds.append(steps * len(list(streams)))
        options = {"steps": steps, "streams": streams, "round_number": round_number}
        return super().currents(network, connection, **options)


class FirstBatch(Callback):
    """Remembers what is wired when the first batch arrives."""

    def on_train_batch_start(self, trainer, pl_module, *_):
        if trainer.global_step == 0:
            self.wired = {name: bool(p.wired) for name, p in pl_module.network.weighted.items() if p.rule}
            self.weight = pl_module.network.projections["lgn"].weight.clone()


def lgn(model):
    return model.network.projections["lgn"]


def test_wires_before_the_first_batch(classifier, phase, trainer, data):
    model, first = classifier(), FirstBatch()
    before = lgn(model).weight.clone()
    trainer(phase(), first).fit(model, data)
    assert first.wired == {"lgn": True}
    assert not torch.equal(first.weight, before)
    assert torch.equal(lgn(model).weight, first.weight)  # the readout's training leaves it alone


def test_waves_localise_the_fields(classifier, phase, trainer, data):
    model = classifier()
    trainer(phase(max_steps=4000)).fit(model, data)
    size = lgn(model).connected.sum(1).float()
    assert size.min() > 10
    assert size.mean() < 60  # of 160 nodes; all were connected at first or nearly so
    assert (lgn(model).initial_weight() > 0.3).float().mean() > 0.6


@pytest.mark.parametrize("max_steps", [800, 100, 60, 4])
def test_max_steps_over_all_streams(classifier, phase, trainer, data, max_steps):
    waves = Counted()
    trainer(phase(waves, max_steps=max_steps)).fit(classifier(), data)
    assert sum(waves.rounds) == max_steps
    assert max(waves.rounds) <= 100  # 25 steps in 4 streams


def test_stops_when_enough_units_are_localised(classifier, phase, trainer, data, caplog):
    waves = Counted()
    with caplog.at_level(logging.INFO):
        trainer(phase(waves, stop_at=0.0)).fit(classifier(), data)
    assert len(waves.rounds) == 2  # check_every_n_rounds
    assert "units localised after 200 steps" in caplog.text


@pytest.mark.filterwarnings("default:layers.lgn")
def test_warns_when_max_steps_ends_the_phase(classifier, phase, trainer, data):
    with pytest.warns(
        UserWarning, match=r"layers.lgn.projection: .*Raise self_organization.max_steps \(now 100\)"
    ):
        trainer(phase(max_steps=100)).fit(classifier(), data)


def test_a_wired_network_is_not_rewired(classifier, phase, trainer, data):
    model, waves = classifier(), Counted()
    trainer(phase()).fit(model, data)
    before = lgn(model).weight.clone()
    trainer(phase(waves)).fit(model, data)
    assert waves.rounds == []
    assert torch.equal(lgn(model).weight, before)


def test_only_unwired_projections(classifier, retina, pooling, phase, trainer, data):
    model = classifier({"retina": retina(), "lgn": pooling(), "cortex": pooling()})
    lgn(model).wired.fill_(True)
    before = {name: p.weight.clone() for name, p in model.network.weighted.items()}
    waves = Counted()
    with pytest.warns(UserWarning, match="layers.cortex"):
        trainer(phase(waves)).fit(model, data)
    assert len(waves.rounds) == 8
    assert torch.equal(lgn(model).weight, before["lgn"])
    assert model.network.projections["cortex"].wired


def test_a_used_callback_wires_a_new_network(classifier, phase, trainer, data):
    waves = Counted()
    used = phase(waves)
    trainer(used).fit(classifier(), data)
    new = classifier()
    trainer(used).fit(new, data)
    assert len(waves.rounds) == 16
    assert lgn(new).wired


def test_same_seed_same_bits(classifier, phase, trainer, data):
    one, two, other = classifier(), classifier(), classifier()
    trainer(phase()).fit(one, data)
    trainer(phase()).fit(two, data)
    trainer(phase(SpontaneousWaves(seed=1))).fit(other, data)
    assert torch.equal(lgn(one).weight, lgn(two).weight)
    assert not torch.equal(lgn(one).weight, lgn(other).weight)


@pytest.mark.parametrize("every_n_rounds", [0, 1])
def test_fast_dev_run(classifier, phase, trainer, data, tmp_path, every_n_rounds):
    waves = Counted()
    model = classifier()
    callbacks = phase(waves, every_n_rounds=every_n_rounds), ModelCheckpoint(tmp_path)
    trainer(*callbacks, fast_dev_run=True).fit(model, data)
    assert sum(waves.rounds) == 80  # 20 steps a stream
    assert not lgn(model).wired  # a later, real fit wires it
    assert torch.equal(lgn(model).weight, lgn(model).initial_weight())
    assert list(tmp_path.iterdir()) == []


def test_limit_train_batches_1_organises_only(classifier, phase, trainer, data):
    model = classifier()
    fit = trainer(phase(), limit_train_batches=1, limit_val_batches=0)
    fit.fit(model, data)
    assert lgn(model).wired
    assert fit.global_step == 1


@pytest.mark.parametrize("limit", [{"max_epochs": 0}, {"max_steps": 0}, {"limit_train_batches": 0}])
def test_warns_where_the_phase_cannot_run(classifier, phase, trainer, data, limit):
    model = classifier()
    with pytest.warns(UserWarning, match="the self-organisation does not run.*limit_train_batches=1"):
        trainer(phase(), **limit).fit(model, data)
    assert not lgn(model).wired


def rows(folder):
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["self_organization/step"]]


def test_logs_to_every_logger(classifier, phase, trainer, data, tmp_path):
    loggers = [CSVLogger(tmp_path, "csv", ""), TensorBoardLogger(tmp_path, "board", "")]
    trainer(phase(), logger=loggers, log_every_n_steps=1, max_epochs=2).fit(classifier(), data)
    logged = rows(tmp_path / "csv")
    assert [int(row["step"]) for row in logged] == [200, 400, 600, 800]
    assert [float(row["self_organization/step"]) for row in logged] == [200, 400, 600, 800]
    for key in ("localised_share", "field_size", "rms_radius", "coverage", "compactness", "spikes_per_step"):
        values = [float(row[f"self_organization/lgn/{key}"]) for row in logged]
        assert all(value >= 0 for value in values), key
    field_size = [event.value for event in scalars(tmp_path / "board", "self_organization/lgn/field_size")]
    expected = [float(row["self_organization/lgn/field_size"]) for row in logged]
    assert field_size == pytest.approx(expected)
    assert expected[-1] < expected[0]


class Recorded(SpontaneousWaves):
    """Spontaneous waves that remember their noise in each round."""

    def __init__(self):
        super().__init__()
        self.noise = []

    def currents(self, network, connection, **options):
        self.noise.append(super().currents(network, connection, **options))
        return self.noise[-1]


def test_logs_the_spikes_of_the_layer_and_of_the_one_below(classifier, phase, trainer, data, tmp_path):
    waves, won = Recorded(), []

    class Watched(STDP):
        def learn(self, activity, wiring, state):
            proposal, state = super().learn(activity, wiring, state)
            won.append(proposal["spikes"].sum().item() / len(activity.pre) / 4)  # four streams
            return proposal, state

    model = classifier()
    lgn(model).rule = Watched(0.3, threshold=3.0, threshold_jump=0.5)
    logger = CSVLogger(tmp_path, "csv", "")
    trainer(phase(waves), logger=logger, log_every_n_steps=1).fit(model, data)
    logged = rows(tmp_path / "csv")
    own = [float(row["self_organization/lgn/spikes_per_step"]) for row in logged]
    below = [float(row["self_organization/lgn/spikes_per_step_below"]) for row in logged]
    assert own == pytest.approx(won[1::2])
    assert 0 < own[-1] <= 1  # one winner at most
    per_step, state = [], None
    for noise in waves.noise:
        spikes, state = model.network.run(noise, state, layers=["retina"], developing=True)
        per_step.append(spikes["retina"].sum(2).mean().item())
    assert below == pytest.approx(per_step[1::2])


def scalars(folder, name):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload().Scalars(name)
    assert [event.step for event in events] == [200, 400, 600, 800]
    return events


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_logs_to_wandb_offline(classifier, phase, trainer, data, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    logger = WandbLogger(project="test", save_dir=tmp_path)
    trainer(phase(), logger=logger, log_every_n_steps=1).fit(classifier(), data)
    summary = dict(logger.experiment.summary)
    wandb.finish()
    assert summary["self_organization/step"] == 800
    assert 0 < summary["self_organization/lgn/field_size"] < 160
    assert summary["train/loss"] > 0


def test_leaves_a_checkpoint_of_the_wired_network(classifier, phase, trainer, data, tmp_path):
    model = classifier()
    trainer(phase(), ModelCheckpoint(tmp_path / "checkpoints")).fit(model, data)
    path = tmp_path / "checkpoints" / "self_organization.ckpt"
    assert torch.load(path, weights_only=True)["global_step"] == 0
    loaded = SpikingClassifier.load_from_checkpoint(path)
    assert lgn(loaded).wired
    for name, value in lgn(model).state_dict().items():
        assert torch.equal(lgn(loaded).state_dict()[name], value), name


def test_streams_must_divide_among_processes(monkeypatch):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    own = ProcessStreams(6)
    assert (own.first, own.count) == (2, 2)
    with pytest.raises(ValueError, match=r"self_organization.num_streams must be a multiple .*\(3\), got 4"):
        ProcessStreams(4)


class Plain(LightningModule):
    def training_step(self, *_):
        raise AssertionError

    def configure_optimizers(self):
        raise AssertionError


def test_needs_a_network(phase, trainer, data):
    with pytest.raises(ValueError, match="needs a module with a SpikingNetwork named `network`, got Plain"):
        trainer(phase()).fit(Plain(), data.train_dataloader())


def test_needs_lateral_coupling(classifier, retina, pooling, phase, trainer, data):
    model = classifier({"retina": retina(lateral=None), "lgn": pooling()})
    with pytest.raises(ValueError, match=r"spontaneous waves need lateral coupling: .*`lateral`"):
        trainer(phase()).fit(model, data)


def test_an_unwired_network_needs_the_callback(classifier, trainer, data):
    message = r"layers lgn have a learning rule .* add the SelfOrganization callback to the Trainer$"
    with pytest.raises(MisconfigurationException, match=message):
        trainer().fit(classifier(), data)


@OTHER_CALLBACKS
@pytest.mark.parametrize("finder", [LearningRateFinder, BatchSizeFinder])
def test_a_finder_needs_a_wired_network(classifier, phase, trainer, data, finder):
    message = rf"layers lgn are not wired yet, and {finder.__name__} runs before the self-organisation: train"
    with pytest.raises(MisconfigurationException, match=message):
        trainer(phase(), finder()).fit(classifier(), data)


@OTHER_CALLBACKS
def test_a_finder_on_a_wired_network(classifier, phase, trainer, data, tmp_path):
    trainer(phase(), ModelCheckpoint(tmp_path), limit_train_batches=1).fit(classifier(), data)
    path, model = tmp_path / "self_organization.ckpt", classifier()
    finder = LearningRateFinder(num_training_steps=30, min_lr=1e-4, max_lr=1.0)
    fit = trainer(phase(), finder, max_epochs=20)
    fit.fit(model, data, ckpt_path=path, weights_only=True)
    found = finder.optimal_lr.suggestion()
    assert 1e-4 < found < 1
    assert model.lr == found == fit.optimizers[0].param_groups[0]["lr"]
    sizes = BatchSizeFinder(max_trials=4)
    trainer(phase(), sizes).fit(model, data)
    assert data.batch_size == sizes.optimal_batch_size == 16


class Rewards(RewardedImages):
    """Remembers the classes that it showed."""

    def reward(self, post, streams, round_number):
        found = super().reward(post, streams, round_number)
        self.seen = self.scene.labels(self.shown(streams, round_number)).tolist()
        return found


@pytest.mark.parametrize("labelled", [True, False])
def test_rewards_for_images_of_a_users_own(classifier, phase, trainer, data, retina, pooling, labelled):
    batch = data.train_set[torch.arange(60)]
    own = TensorDataset(batch.image, *[batch.label.to(torch.int32)] * labelled)
    wiring = partial(Dense, rule=RewardSTDP(0.01), gain=10.0)
    model = classifier({"retina": retina(), "lgn": pooling(projection=wiring)})
    rewards = Rewards(ConstantCurrent(25, gain=60.0))
    fit = trainer(phase(rewards, max_steps=400), num_sanity_val_steps=0)
    if not labelled:
        with pytest.raises(
            ValueError, match="rewards need images with labels, and the training data has none"
        ):
            fit.fit(model, *[DataLoader(own, batch_size=20)] * 2)
        return
    fit.fit(model, *[DataLoader(own, batch_size=20)] * 2)
    assert rewards.seen == batch.label[rewards.shown(range(4), 3)].tolist()
    assert lgn(model).wired


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("num_streams", 0),
        ("chunk", 0),
        ("max_steps", -1),
        ("target_share", 1.5),
        ("stop_at", 2.0),
        ("check_every_n_rounds", 0),
        ("every_n_rounds", -1),
    ],
)
def test_wrong_options(option, value):
    with pytest.raises(ValueError, match=f"self_organization.{option} must .*got {value}"):
        SelfOrganization(**{option: value})


def plastic(retina, pooling):
    """A layer that learns from the spikes of its own neurons, its thresholds set by homeostasis."""
    wiring = partial(Dense, rule=PairSTDP(0.001, 0.0005), homeostasis=[TargetRate(20.0, 0.05)])
    return {"retina": retina(), "lgn": pooling(projection=wiring)}


def test_controls_keep_their_weights_and_get_thresholds_of_their_own(
    classifier, phase, trainer, data, retina, pooling
):
    model = classifier(plastic(retina, pooling), controls=["random"])
    trainer(phase()).fit(model, data)
    own, control = lgn(model), model.controls["random"].projections["lgn"]
    assert control.wired
    assert not torch.equal(own.weight, own.initial_weight())
    expected = random_wiring(own, model.network.layer("retina").geometry, int(model.network.seed), "lgn")
    assert torch.equal(control.weight, expected)
    rises = own.threshold_rise, control.threshold_rise
    assert rises[0].any()
    assert rises[1].any()
    assert not torch.equal(*rises)


@SAME_FOLDER
def test_interrupted_while_the_controls_settle_the_wiring_is_kept(
    classifier, phase, trainer, data, retina, pooling, tmp_path, monkeypatch
):
    def crash(*_, **__):
        raise KeyboardInterrupt

    fit = trainer(phase(), ModelCheckpoint(tmp_path))
    model = classifier(plastic(retina, pooling), controls=["random"])
    monkeypatch.setattr("lightning_snn.development.phase.Phase.wire_controls", crash)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        fit.fit(model, data)
    monkeypatch.undo()
    resumed = classifier(plastic(retina, pooling), controls=["random"])
    path = tmp_path / "self_organization.ckpt"
    state = torch.load(path, weights_only=True)["state_dict"]
    assert state["network.connections.lgn.projection.wired"]
    assert not state["controls.random.copies.lgn.wired"]
    trainer(phase(), ModelCheckpoint(tmp_path)).fit(resumed, data, ckpt_path=path)
    assert torch.equal(lgn(resumed).weight, state["network.connections.lgn.projection.weight"])
    assert resumed.controls["random"].projections["lgn"].threshold_rise.any()


class Quick(PairSTDP):
    """Wired at the first check."""

    converged_below = 1.0

    def convergence(self, wiring):
        del wiring
        return 0.0


@SAME_FOLDER
def test_interrupted_while_the_controls_settle_they_get_the_same_thresholds(
    classifier, phase, trainer, data, retina, pooling, tmp_path, monkeypatch
):
    wiring = partial(Dense, rule=Quick(0.001, 0.0005), homeostasis=[TargetRate(20.0, 0.05)])

    def build():
        return classifier({"retina": retina(), "lgn": pooling(projection=wiring)}, controls=["random"])

    def rise(model):
        return model.controls["random"].projections["lgn"].threshold_rise

    options = {"max_steps": 8000, "check_every_n_rounds": 3}
    whole = build()
    trainer(phase(**options)).fit(whole, data)
    polled, poll = [], _InTrainer.before_round

    def stop(self):
        polled.append(self)
        if len(polled) == 5:  # three rounds of the network, one of the control
            self.callback.save(self.trainer)
            raise KeyboardInterrupt
        poll(self)

    monkeypatch.setattr(_InTrainer, "before_round", stop)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trainer(phase(**options), ModelCheckpoint(tmp_path)).fit(build(), data)
    monkeypatch.undo()
    path = tmp_path / "self_organization.ckpt"
    saved = torch.load(path, weights_only=True)["state_dict"]
    halfway = saved["controls.random.copies.lgn.variables.threshold_rise"]
    assert halfway.any()
    resumed = build()
    trainer(phase(**options), ModelCheckpoint(tmp_path)).fit(resumed, data, ckpt_path=path)
    assert torch.equal(rise(resumed), rise(whole))
    assert not torch.equal(rise(whole), halfway)


def test_a_short_phase_in_which_nothing_spiked_warns(classifier, phase, trainer, data, retina, pooling):
    deaf = partial(Dense, rule=STDP(threshold=1e6))
    model = classifier({"retina": retina(), "lgn": pooling(projection=deaf)})
    with pytest.warns(UserWarning, match=r"layers\.lgn: no neuron spiked in the 300 steps of every stream"):
        trainer(phase(max_steps=1200)).fit(model, data)


def test_a_silent_layer_ends_the_phase_with_its_name_the_step_and_a_hint(
    classifier, phase, trainer, data, retina, pooling
):
    deaf = partial(Dense, rule=STDP(threshold=1e6))
    model = classifier({"retina": retina(), "lgn": pooling(projection=deaf)})
    message = r"layers\.lgn: no neuron spiked in the 1000 steps of every stream up to step 4000 .*too weak"
    with pytest.raises(ValueError, match=message):
        trainer(phase(max_steps=8000)).fit(model, data)


def test_a_saturated_layer_ends_the_phase(classifier, phase, trainer, data, retina, pooling):
    wiring = partial(Dense, rule=PairSTDP(1e-6, 1e-6), gain=1e6)
    layers = {"retina": retina(noise=0.0), "lgn": pooling(projection=wiring)}
    layers["retina"].neuron = LIF(threshold=1e-6, v_reset=-1e-6, v_rest=1.0)
    model = classifier(layers)
    with pytest.raises(ValueError, match=r"layers\.\w+: all neurons spiked in every step .*too strong"):
        trainer(phase(max_steps=8000)).fit(model, data)


def test_stimuli_by_connection(classifier, phase, trainer, data, retina, pooling):
    model = classifier({"retina": retina(), "lgn": pooling()})
    images = Images(ConstantCurrent(25, gain=60.0), seed=1)
    trainer(phase({"lgn": images})).fit(model, data)
    assert lgn(model).wired
    assert images.scene.num_images == len(data.train_set)
    with pytest.raises(
        ValueError, match=r"stimulus must name connections that a rule wires, \['lgn'\], got \['cortex'\]"
    ):
        trainer(phase({"cortex": images})).fit(classifier(), data)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.rand(1, 8, 8), 0)] * 40)


def test_images_without_numbers_are_refused_and_waves_do_without(classifier, phase, trainer):
    loader = DataLoader(Stream(), batch_size=20)
    model = classifier()
    trainer(phase(until="steps")).fit(model, loader, loader)
    assert lgn(model).wired
    with pytest.raises(ValueError, match="samples by their number, which Stream has none of: give"):
        trainer(phase(Images())).fit(classifier(), loader, loader)


class Broken(SpontaneousWaves):
    """Waves in which one neuron of one stream breaks at a given call."""

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.calls = 0

    def currents(self, network, connection, **options):
        found = super().currents(network, connection, **options)
        self.calls += 1
        if self.calls == self.at:
            found["retina"][-1, 1, 7] = float("nan")
        return found


class Exploding(STDP):
    """Its third merge makes a weight infinite."""

    merges = 0

    def merge(self, wiring, proposal, streams, steps):
        self.merges += 1
        merged = super().merge(wiring, proposal, streams, steps)
        merged["weight"][3, 5] = float("inf") if self.merges == 3 else 0.5
        return merged


def test_what_is_not_finite_ends_the_phase_with_layer_and_step(
    classifier, phase, trainer, data, retina, pooling, tmp_path
):
    message = r"layers\.retina: its state must stay finite, got NaN or infinity up to step 300 of"
    saves = ModelCheckpoint(tmp_path)
    with pytest.raises(ValueError, match=message):
        trainer(phase(Broken(at=3), every_n_rounds=2), saves).fit(classifier(), data)
    saved = torch.load(tmp_path / "self_organization.ckpt", weights_only=True)
    (callback,) = (state for name, state in saved["callbacks"].items() if "SelfOrganization" in name)
    assert callback["steps"] == 200  # the last good one stays
    wiring = partial(Dense, rule=Exploding(0.3, threshold=3.0, threshold_jump=0.5))
    message = r"layers\.lgn\.projection: its wiring must stay finite, got NaN or infinity up to step 300 of"
    with pytest.raises(ValueError, match=message):
        trainer(phase()).fit(classifier({"retina": retina(), "lgn": pooling(projection=wiring)}), data)


def test_so_it_does_while_controls_settle(classifier, phase, trainer, data, retina, pooling):
    model = classifier(plastic(retina, pooling), controls=["random"])
    with pytest.raises(ValueError, match=r"layers\.retina: its state must stay finite, .* up to step 200 of"):
        trainer(phase(Broken(at=8 + 2))).fit(model, data)
