"""Rules of older checkpoints: which get an argument, and what stays as it is."""

import sys

import pytest

from lightning_snn import STDP, PairSTDP
from lightning_snn.core.upgrade_rules import as_they_learned


class Handing(PairSTDP):
    """A rule of a user's that hands its arguments on."""

    def __init__(self, **options):
        super().__init__(**options)


class Fixed(PairSTDP):
    """A rule of a user's with arguments of its own only."""

    def __init__(self, strength=0.1):
        super().__init__(strength)


@pytest.fixture
def mine(monkeypatch):
    """The name under which this module can be imported."""
    monkeypatch.setitem(sys.modules, "mine_of_test_rules", sys.modules[__name__])
    return "mine_of_test_rules"


def layers(path, **arguments):
    rule = {"class_path": path, "init_args": arguments}
    dense = {"class_path": "lightning_snn.Dense", "init_args": {"rule": rule}}
    return {"layers": [{"geometry": {}}, {"projection": dense}]}


@pytest.mark.parametrize("name", ["PairSTDP", "TripletSTDP", "RewardSTDP"])
def test_a_coincidence_potentiates_as_it_did(name):
    path = f"lightning_snn.{name}"
    assert as_they_learned(layers(path, w_max=2.0)) == layers(path, w_max=2.0, coincidence="potentiate")
    named = layers(path, coincidence="none")
    assert as_they_learned(named) == named
    assert as_they_learned({"class_path": path}) == {
        "class_path": path,
        "init_args": {"coincidence": "potentiate"},
    }


@pytest.mark.parametrize("name", ["STDP", "CompetitiveHebbian"])
def test_units_compete_in_the_steps_in_which_they_did(name):
    path = f"lightning_snn.{name}"
    assert as_they_learned(layers(path), dt=0.5) == layers(path, window=0.5)
    assert as_they_learned(layers(path, dt=0.25)) == layers(path, dt=0.25, window=0.25)
    for dt in (1.0, 2.0):
        assert as_they_learned(layers(path), dt=dt) == layers(path)
    assert STDP(window=0.25).at(0.25, "rule.dt").window == 0.25


def test_rules_of_users(mine):
    assert as_they_learned(layers(f"{mine}.Handing")) == layers(f"{mine}.Handing", coincidence="potentiate")
    for path in (f"{mine}.Fixed", f"{mine}.Missing", "no_such_module.Rule", "lightning_snn.PostsynapticSTDP"):
        assert as_they_learned(layers(path, strength=0.2)) == layers(path, strength=0.2)
