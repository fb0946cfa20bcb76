"""Phases, their order and their rates, without a Trainer."""

import math

import pytest
import torch

from lightning_snn import TrainingPhase
from lightning_snn.training.plan import Plan
from lightning_snn.training.schedule import PhaseSchedule

PARTS = {"retina": False, "features": True, "readout": True}


def plan(**phases):
    return Plan({name: TrainingPhase(**options) for name, options in phases.items()})


TWO = {"readout": {"epochs": 2, "train": ["readout"]}, "all": {}}


def test_which_phase_an_epoch_is_in():
    assert [plan(**TWO).at(epoch).name for epoch in range(4)] == ["readout", "readout", "all", "all"]
    place = plan(**TWO).at(25, unit=10, last=50)
    assert (place.number, place.first, place.end) == (2, 20, 50)


def rates(of, count, **options):
    """The rates of ``features`` and ``readout`` in each step."""
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    names = ("features", "readout")
    groups = [{"params": [p], "name": name} for p, name in zip(parameters, names, strict=True)]
    optimizer = torch.optim.SGD(groups, lr=0.5)
    schedule, found = PhaseSchedule(optimizer, of), []
    schedule.begin(**options)
    for _ in range(count):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return found, schedule


def test_rates_of_parts_through_the_phases():
    phases = plan(
        readout={"epochs": 1, "train": ["readout"], "lr": 0.1},
        finetune={"epochs": 1, "lr": {"features": 0.01}, "schedule": "linear"},
        last={"schedule": "cosine", "warmup": 0.5},
    )
    found, _ = rates(phases, 8, steps_per_epoch=2, steps=8)
    half = (1 + math.cos(math.pi / 3)) / 2
    low = (1 + math.cos(math.pi * 2 / 3)) / 2
    expected = [
        [0, 0.1], [0, 0.1], [0.01, 0.5], [0.005, 0.25], [0.5, 0.5], [0.5, 0.5], [0.5 * half, 0.5 * half],
        [0.5 * low, 0.5 * low],
    ]  # fmt: skip
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected))


def test_warm_up_rises_in_equal_steps_to_the_rate_itself():
    found, _ = rates(plan(only={"warmup": 2, "lr": 1.0}), 5, steps_per_epoch=2)
    assert [rate for rate, _ in found] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_schedule_goes_on_from_its_state():
    phases = plan(**TWO | {"all": {"schedule": "cosine"}})
    found, whole = rates(phases, 10, steps_per_epoch=2, steps=12)
    _, first = rates(phases, 7, steps_per_epoch=2, steps=12)
    _, again = rates(phases, 0, steps_per_epoch=2, steps=12)
    again.load_state_dict(first.state_dict())
    again.optimizer.load_state_dict(first.optimizer.state_dict())
    assert [group["lr"] for group in again.optimizer.param_groups] == found[7]
    for _ in range(3):
        again.optimizer.step()
        again.step()
    assert again.get_last_lr() == whole.get_last_lr()


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ({"one": {"train": ["reedout"]}}, "phases.one.train must be one of features, readout, retina, got"),
        ({"one": {"train": ["retina"]}}, "phases.one.train: nothing of retina is trained, which needs train"),
        ({"one": {"lr": {"feature": 0.1}}}, "phases.one.lr must be one of"),
        (
            {"one": {"train": ["readout"], "lr": {"features": 0.1}}},
            "phases.one.lr.features is for a part",
        ),
        ({"one": {}, "two": {}}, "phases.one.epochs must be given: only the last phase takes the rest"),
        ({}, "phases must hold at least one phase by name"),
        ({"one": {"epochs": 0}}, "epochs must be a whole number above 0, got 0"),
        ({"one": {"train": []}}, "train must name what the phase trains"),
        ({"one": {"train": "readout"}}, "train must be a list of layers, connections and readout, or"),
        ({"one": {"lr": -1.0}}, "lr must be a finite number above 0"),
        ({"one": {"lr": {"readout": 0.0}}}, "lr.readout must be a finite number above 0"),
        ({"one": {"schedule": "cosin"}}, "schedule must be one of constant, cosine, linear, got 'cosin'"),
        ({"one": {"epochs": 1, "warmup": 2}}, "warmup must be at most the 1 epochs of the phase, got 2"),
    ],
)
def test_what_is_refused(phases, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        plan(**phases).check(PARTS)


def test_a_phase_that_trains_nothing():
    with pytest.raises(ValueError, match=r"phases\.one trains nothing"):
        plan(one={}).check(dict.fromkeys(PARTS, False))


def test_phases_and_the_length_of_the_training():
    one, two = {"epochs": 1}, {"epochs": 2}
    assert plan(a=one, b=two).check_epochs(3) is None
    assert plan(a=one, b={}).check_epochs(3) is None
    assert plan(a=one, b={}).check_epochs(math.inf) is None
    assert "ends after 2 epochs (trainer.max_epochs), before b ends" in plan(a=one, b=two).check_epochs(2)
    assert "before b begins" in plan(a=one, b=two).check_epochs(1)
    assert "before b begins" in plan(a=one, b={}).check_epochs(1)
    assert "before b begins" in plan(a=one, b=two).check_epochs(0.5)
    with pytest.raises(ValueError, match=r"take 3 epochs, and .* \(4 epochs; .*leave out phases.b.epochs"):
        plan(a=one, b=two).check_epochs(4)
    with pytest.raises(ValueError, match="without end"):
        plan(a=one, b=two).check_epochs(math.inf)
    with pytest.raises(ValueError, match=r"phases\.b\.schedule must be constant where nothing ends"):
        plan(a=one, b={"schedule": "cosine"}).check_epochs(math.inf)
