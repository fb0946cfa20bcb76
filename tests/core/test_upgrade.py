"""Settings by former names: what becomes of them, and what is the user's and stays."""

import sys

import pytest

from lightning_snn import NeuronModel, SpikingLayer
from lightning_snn.core.upgrade import upgraded, upgraded_options


class Own(SpikingLayer):
    """A layer of a user's that hands its arguments on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class WithCoupling(NeuronModel):
    """A neuron model with an argument of its own by a name that layers had."""

    def __init__(self, coupling="always"):
        super().__init__()
        self.coupling = coupling


@pytest.fixture
def mine(monkeypatch):
    """The name under which this module can be imported."""
    monkeypatch.setitem(sys.modules, "mine_of_test_upgrade", sys.modules[__name__])
    return "mine_of_test_upgrade"


def test_a_layer_of_the_users_that_hands_its_arguments_on(mine):
    given = {"bottom": {"class_path": f"{mine}.Own", "init_args": {"coupling": "development"}}}
    assert upgraded(given)["bottom"]["init_args"] == {"lateral_active": "development"}


@pytest.mark.parametrize(
    "theirs",
    [
        {"layers": {"a": {"coupling": 1}}},
        {"coupling": "sometimes"},
        {"root": "lightning_snn.runs.MNIST"},
        {"root": "lightning_snn.data._PUBLIC"},
        {"text": "lightning_snn.data of MNIST"},
        {"coupling": ["always"]},
    ],
)
def test_what_is_the_users_stays(theirs):
    assert upgraded(theirs) == theirs


def test_an_argument_of_a_class_of_the_users_by_an_old_name_stays(mine):
    theirs = {"class_path": f"{mine}.WithCoupling", "init_args": {"coupling": "always"}}
    assert upgraded({"neuron": theirs}) == {"neuron": theirs}
    options = ["--model.layers.retina.neuron.coupling=always", "--model.readout.layers.a.coupling=always"]
    assert upgraded_options(options) == options


@pytest.mark.parametrize(
    ("older", "present"),
    [
        ("lightning_snn.encoding.Poisson", "lightning_snn.Poisson"),
        ("lightning_snn.plasticity.pair.PairSTDP", "lightning_snn.PairSTDP"),
        ("lightning_snn.LIF", "lightning_snn.LIF"),
        ("lightning_snn.encoding.Poison", "lightning_snn.encoding.Poison"),
        ("mine.encoding.Poisson", "mine.encoding.Poisson"),
        ("lightning_snn", "lightning_snn"),
    ],
)
def test_classes_by_the_files_that_held_them(older, present):
    assert upgraded(older) == present
    assert upgraded([{"encoder": {"class_path": older}}]) == [{"encoder": {"class_path": present}}]
