"""Inhibition that was an argument of neurons: when it becomes a connection, and what stays as it is."""

import sys

import pytest

from lightning_snn import ConductanceLIF
from lightning_snn.core.upgrade import upgraded


class Handing(ConductanceLIF):
    """Neurons of a user's that hand their arguments on."""

    def __init__(self, **options):
        super().__init__(**options)


class WithInhibition(ConductanceLIF):
    """Neurons of a user's with an argument of their own by that name."""

    def __init__(self, inhibition=1.0):
        super().__init__()
        self.strength = inhibition


@pytest.fixture
def mine(monkeypatch):
    """The name under which this module can be imported."""
    monkeypatch.setitem(sys.modules, "mine_of_test_inhibition", sys.modules[__name__])
    return "mine_of_test_inhibition"


def layer(class_path="lightning_snn.ConductanceLIF", **arguments):
    return {"geometry": {}, "neuron": {"class_path": class_path, "init_args": arguments}}


def connection(name, strength):
    return {
        "class_path": "lightning_snn.Connection",
        "init_args": {
            "source": name,
            "target": name,
            "input": "inhibition",
            "projection": {
                "class_path": "lightning_snn.UniformInhibition",
                "init_args": {"strength": strength},
            },
        },
    }


@pytest.mark.parametrize("path", ["lightning_snn.ConductanceLIF", "ConductanceLIF"])
def test_it_becomes_a_connection_of_the_layer_to_itself(path):
    given = {"layers": {"a": layer(path, inhibition=60.0, dt=0.5), "b": layer("LIF")}, "num_classes": 3}
    present = {
        "layers": {"a": layer(path, dt=0.5), "b": layer("LIF")},
        "num_classes": 3,
        "connections": {"a_lateral": connection("a", 60.0)},
    }
    assert upgraded(given) == present
    assert given["layers"]["a"]["neuron"]["init_args"]["inhibition"] == 60.0
    assert upgraded(present) == present


def test_layers_as_classes_and_below_other_keys():
    as_class = {"class_path": "lightning_snn.SpikingLayer", "init_args": layer(inhibition=3.0)}
    found = upgraded({"model": {"init_args": {"layers": {"a": as_class}}}})["model"]["init_args"]
    assert found["layers"]["a"]["init_args"] == layer()
    assert found["connections"] == {"a_lateral": connection("a", 3.0)}


def test_other_connections_stay_and_a_name_that_is_taken_is_not():
    given = {"layers": {"a": layer(inhibition=3.0) | {"lateral": {}}}, "connections": {"skip": {}}}
    assert upgraded(given)["connections"] == {"skip": {}, "a_inhibition": connection("a", 3.0)}


def test_none_is_no_connection():
    assert upgraded({"layers": {"a": layer(inhibition=0.0)}}) == {"layers": {"a": layer()}}


def test_a_default_only_where_one_is_given():
    silent = {"layers": {"a": layer(), "b": {"geometry": {}, "neuron": "lightning_snn.ConductanceLIF"}}}
    assert upgraded(silent) == silent
    found = upgraded(silent, inhibition=17.0)["connections"]
    assert found == {"a_lateral": connection("a", 17.0), "b_lateral": connection("b", 17.0)}
    named = upgraded({"layers": {"a": layer(inhibition=0.0)}}, inhibition=17.0)
    assert named == {"layers": {"a": layer()}}


@pytest.mark.parametrize(
    "theirs",
    [
        {"layers": {"a": {"neuron": layer(inhibition=3.0)["neuron"]}}},  # changes a layer of another file
        {"layers": {"a": layer("lightning_snn.LIF", inhibition=3.0)}},
        {"layers": {"a": layer("nobody.Knows", inhibition=3.0)}},
        {"layers": [layer(inhibition=3.0)]},
        {"layers": {"a": 3, "b": None}},
    ],
)
def test_what_stays(theirs):
    assert upgraded(theirs, inhibition=17.0) == theirs


def test_neurons_of_the_users(mine):
    found = upgraded({"layers": {"a": layer(f"{mine}.Handing", inhibition=3.0)}})
    assert found["layers"] == {"a": layer(f"{mine}.Handing")}
    assert found["connections"] == {"a_lateral": connection("a", 3.0)}
    own = {"layers": {"a": layer(f"{mine}.WithInhibition", inhibition=3.0)}}
    assert upgraded(own, inhibition=17.0) == own
