"""Phases of training in one fit: what is updated when, kept features, what is refused."""

import csv
from functools import partial

import pytest
import torch
from helpers.phased import PARTS, PHASES, Watch, phased
from helpers.tensors import assert_same
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger

from lightning_snn import (
    LIF,
    MLP,
    STDP,
    ConstantCurrent,
    Dense,
    Linear,
    RateBounds,
    Ridge,
    SpikingClassifier,
    SpikingLayer,
    Square,
    TrainingPhase,
    WeightPenalty,
)

READOUT, TOP = PARTS["readout"], PARTS["top"]
ALL = [name for names in PARTS.values() for name in names]


def test_only_what_a_phase_trains_is_changed(trainer, data):
    model, watch = phased(), Watch()
    needed = [p.requires_grad for p in model.parameters()]
    trainer(watch, max_epochs=3).fit(model, data)
    assert watch.changed() == [set(READOUT), set(TOP), set(ALL)]
    assert [p.requires_grad for p in model.parameters()] == needed


def test_weight_decay_and_moments_leave_the_rest_alone(trainer, data):
    model, watch = phased(optimizer=partial(torch.optim.AdamW, lr=0.01, weight_decay=0.5)), Watch()
    fit = trainer(watch, max_epochs=3)
    fit.fit(model, data)
    assert watch.changed() == [set(READOUT), set(TOP), set(ALL)]
    (optimizer,) = fit.optimizers
    steps = {g["name"]: int(optimizer.state[g["params"][0]]["step"]) for g in optimizer.param_groups}
    assert steps == {"hidden": 3, "low": 3, "top": 6, "readout": 6}


def test_features_are_kept_until_the_network_is_trained(trainer, data):
    watch = Watch()
    trainer(watch, max_epochs=3).fit(phased(), data)
    assert watch.kept == [True] * 3 + [False] * 6
    late = {"top": TrainingPhase(1, ["top"]), "readout": TrainingPhase(None, ["readout"])}
    watch = Watch()
    trainer(watch, max_epochs=2).fit(phased(late), data)
    assert watch.kept == [False] * 3 + [True] * 3


def test_kept_features_change_nothing(trainer, data):
    kept, shown = (phased(cache=cache) for cache in (True, False))
    trainer(max_epochs=3).fit(kept, data)
    trainer(max_epochs=3).fit(shown, data)
    assert_same(kept.state_dict(), shown.state_dict())


def test_a_first_phase_is_what_a_frozen_network_does(trainer, data):
    frozen, first = (
        phased(None, learned=(), trainable=False),
        phased({"readout": TrainingPhase(2, ["readout"])}),
    )
    trainer(max_epochs=2).fit(frozen, data)
    trainer(max_epochs=2).fit(first, data)
    for name in READOUT:
        assert torch.equal(first.state_dict()[name], frozen.state_dict()[name])


def test_one_phase_of_all_is_no_phase(trainer, data):
    with_phase, without = phased({"all": TrainingPhase()}), phased(None)
    trainer(max_epochs=2).fit(with_phase, data)
    trainer(max_epochs=2).fit(without, data)
    assert_same(with_phase.state_dict(), without.state_dict())


def test_what_is_not_trained_runs_as_in_evaluation(trainer, data):
    seen = []

    class Modes(Watch):
        def on_train_batch_start(self, trainer, pl_module, *_):
            parts = pl_module.network.projections | {"readout": pl_module.readout}
            seen.append([name for name, part in parts.items() if part.training])

    trainer(Modes(), max_epochs=3).fit(phased(readout=MLP), data)
    assert seen[0] == ["readout"]
    assert seen[2] == ["readout"]  # validation has been in between
    assert seen[3:] == [["top"]] * 3 + [["low", "top", "readout"]] * 3


def test_rates_by_phase_and_part(trainer, data, tmp_path):
    watch, logger = Watch(), CSVLogger(tmp_path)
    fit = trainer(watch, LearningRateMonitor("step"), max_epochs=3, logger=logger, log_every_n_steps=1)
    fit.fit(phased(learning_rates={"hidden": 0.001}), data)
    none = {"hidden": 0.0, "low": 0.0, "top": 0.0, "readout": 0.0}
    assert watch.rates[:6] == [none | {"readout": 0.05}] * 3 + [none | {"top": 0.02}] * 3
    full = {"hidden": 0.001, "low": 0.01, "top": 0.05, "readout": 0.005}  # after a warm-up of 2 steps of 3
    assert watch.rates[6] == pytest.approx({name: rate / 2 for name, rate in full.items()})
    assert watch.rates[7] == watch.rates[8] == pytest.approx(full)
    logged = (tmp_path / "lightning_logs" / "version_0" / "metrics.csv").read_text()
    assert "lr-Adam/low" in logged.splitlines()[0]
    assert "train/phase" in logged.splitlines()[0]


def test_each_phase_says_its_name(trainer, data, caplog):
    with caplog.at_level("INFO"):
        trainer(max_epochs=3).fit(phased(), data)
    said = [record.message for record in caplog.records if record.message.startswith("phase")]
    assert said == [
        "phase readout (1 of 3) trains readout", "phase top (2 of 3) trains top",
        "phase finetune (3 of 3) trains all",
    ]  # fmt: skip


def test_few_labels_beside_a_network_that_no_phase_trains(trainer, data):
    only = {"readout": TrainingPhase(None, ["readout"])}
    model = phased(only, few_labels=20)
    trainer(max_epochs=2).fit(model, data)
    with pytest.raises(ValueError, match="few_labels must be none where weights below"):
        phased(few_labels=20)


def test_activity_costs_nothing_while_the_network_stays_as_it_is(trainer, data, tmp_path):
    costs = {"rates": RateBounds(upper=1.0), "weights": WeightPenalty(l2=0.1)}
    watch, logger = Watch(), CSVLogger(tmp_path)
    fit = trainer(watch, max_epochs=3, logger=logger, log_every_n_steps=1)
    fit.fit(phased(regularisers=costs), data)
    assert watch.changed() == [set(READOUT), set(TOP), set(ALL)]
    with open(tmp_path / "lightning_logs" / "version_0" / "metrics.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows if row.get("train/cost_rates")] == list(range(3, 9))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"phases": {"one": TrainingPhase(train=["lwo"])}},
            "phases.one.train must be one of hidden, la",
        ),
        ({"phases": {"one": TrainingPhase(train=["pixels"])}}, "nothing of pixels is trained"),
        ({"trainable": False}, "phases.top.train: nothing of top is trained, which needs trainable: true"),
        ({"scheduler": torch.optim.lr_scheduler.ConstantLR}, "scheduler must be none beside phases"),
        (
            {"trainable": False, "learned": (), "readout": Ridge, "phases": {"one": TrainingPhase()}},
            "phases.one trains nothing",
        ),
        ({"cache": True, "phases": {"one": TrainingPhase()}}, "cache must not be True where weights"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        phased(**changes)


def test_phases_that_are_shorter_or_longer_than_the_training(trainer, data):
    fixed = {"readout": TrainingPhase(1, ["readout"]), "all": TrainingPhase(2)}
    with pytest.raises(ValueError, match="the phases take 3 epochs, and the training goes on"):
        trainer(max_epochs=4).fit(phased(fixed), data)
    with pytest.warns(UserWarning, match=r"ends after 2 epochs \(trainer.max_epochs\), before all ends"):
        trainer(max_epochs=2).fit(phased(fixed), data)


def test_a_model_comes_back_with_its_phases(trainer, data, tmp_path):
    model, fit = phased(), trainer(max_epochs=3)
    fit.fit(model, data)
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = type(model).load_from_checkpoint(tmp_path / "model.ckpt")
    assert_same(again.state_dict(), model.state_dict())
    assert list(again.plan.phases) == list(PHASES)
    assert again.plan.phases["finetune"].lr == PHASES["finetune"].lr


@pytest.mark.filterwarnings("ignore:(layers|connections).* of the units localised after")
def test_waves_wire_first_then_the_phases_follow(classifier, retina, pooling, phase, trainer, data):
    wiring = partial(Dense, rule=STDP(0.3, threshold=3.0, threshold_jump=0.5), gain=40.0, trainable=True)
    layers = {"retina": retina(), "lgn": pooling(projection=wiring)}
    phases = {"readout": TrainingPhase(1, ["readout"]), "finetune": TrainingPhase(lr={"lgn": 0.001})}
    model, watch = classifier(layers, phases=phases), Watch()
    trainer(phase(), watch, max_epochs=2).fit(model, data)
    weight = "network.connections.lgn.projection.weight"
    assert watch.changed() == [set(READOUT), {weight, *READOUT}]
    assert watch.kept == [True] * 3 + [False] * 3
    only_wired = classifier({"retina": retina(), "lgn": pooling()})
    trainer(phase(), max_epochs=1).fit(only_wired, data)
    assert torch.equal(watch.epochs[0][weight], only_wired.state_dict()[weight])


class Scaled(SpikingClassifier):
    """One with a parameter of no part."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def loss(self, output, target, **lengths):
        return super().loss(self.scale * output, target, **lengths)


def named(name, kind=SpikingClassifier, **options):
    """A layer of some name, on 64 pixels."""
    dense = partial(Dense, gain=20.0, trainable=True)
    layers = {
        "pixels": SpikingLayer(Square(64, 8.0), LIF(5.0)),
        name: SpikingLayer(Square(12, 8.0), LIF(5.0), projection=dense),
    }
    return kind(layers, ConstantCurrent(6, gain=5.0), Linear, num_classes=4, image_size=(8, 8), **options)


def test_a_layer_may_be_called_others_beside_parameters_of_no_part(trainer, data):
    model = named("others", Scaled, phases={"all": TrainingPhase()})
    trainer(max_epochs=1).fit(model, data)
    assert model.scale != 1


def test_a_layer_called_readout_is_refused():
    with pytest.raises(ValueError, match="phases must not name two parts alike"):
        named("readout", phases={"readout": TrainingPhase(train=["readout"])})
