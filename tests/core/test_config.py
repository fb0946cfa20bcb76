import copy
import json
import pickle
from functools import partial
from pathlib import Path

import pytest
import torch

from lightning_snn.core.config import Configurable, to_config
from lightning_snn.geometry import Points, Square
from lightning_snn.network import SpikingLayer
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import STDP
from lightning_snn.synapses import Dense


class Wheel(Configurable):
    def __init__(self, spokes=8, *, hub=None):
        self.spokes = spokes
        self.hub = hub


class Ramp(Configurable):
    _functions = ("shape",)

    def __init__(self, shape="steep", *, foot=None):
        self.shape = shape
        self.foot = foot


def slowly(x):
    return x / 2


def test_arguments_are_recorded_under_their_names_as_given():
    assert Wheel()._init_args == {}
    assert Wheel(12)._init_args == {"spokes": 12}
    assert Wheel(12, hub="steel")._init_args == {"spokes": 12, "hub": "steel"}


def test_wrong_arguments_are_reported_by_the_constructor():
    with pytest.raises(TypeError, match="unexpected keyword argument 'tyre'"):
        Wheel(tyre=1)


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "words", [1, [2.0]], {"a": {"b": None}}])
def test_plain_values_stay_as_they_are(value):
    assert to_config(value) == value


def test_paths_become_texts():
    assert to_config({"root": Path("data") / "digits"}) == {"root": str(Path("data", "digits"))}


def test_tensors_and_tuples_become_lists():
    assert to_config({"place": torch.tensor([[1.0, 2.0]]), "size": (3, 4)}) == {
        "place": [[1.0, 2.0]],
        "size": [3, 4],
    }


@pytest.mark.parametrize("value", [Wheel, partial(Wheel), Wheel()])
def test_a_class_a_partial_and_an_object_are_written_alike(value):
    assert to_config(value) == {"class_path": f"{__name__}.Wheel", "init_args": {}}


def test_partials_keep_their_keywords():
    assert to_config(partial(Wheel, hub=Wheel(3)))["init_args"] == {
        "hub": {"class_path": f"{__name__}.Wheel", "init_args": {"spokes": 3}}
    }


def test_a_partial_that_carries_its_class_as_last_argument_is_written_like_the_class():
    def build(prefix, cls, **kwargs):
        return prefix, cls, kwargs

    assert to_config(partial(build, "x", Wheel, spokes=5)) == {
        "class_path": f"{__name__}.Wheel",
        "init_args": {"spokes": 5},
    }


def test_a_whole_layer_becomes_json():
    layer = SpikingLayer(
        Square(9, side=3.0), LIF(10.0, dt=0.5), projection=partial(Dense, rule=STDP(dt=0.5), gain=2.0)
    )
    config = json.loads(json.dumps(to_config(layer)))
    assert config["class_path"] == "lightning_snn.SpikingLayer"
    assert config["init_args"]["neuron"]["init_args"] == {"tau_mem": 10.0, "dt": 0.5}
    projection = config["init_args"]["projection"]
    assert projection["class_path"] == "lightning_snn.Dense"
    assert projection["init_args"]["rule"]["init_args"] == {"dt": 0.5}


def test_recorded_arguments_build_an_equal_object():
    first = Points([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]], area=6.0)
    second = Points(**to_config(first)["init_args"])
    assert torch.equal(first.positions, second.positions)
    assert second.area == 6.0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))])
def test_copies_remember_their_arguments(duplicate):
    neuron = LIF(10.0, reset="soft")
    assert to_config(duplicate(neuron)) == to_config(neuron)
    assert to_config(neuron)["init_args"] == {"tau_mem": 10.0, "reset": "soft"}


@pytest.mark.parametrize(
    "value", [Ramp(slowly), Ramp(shape=slowly), partial(Ramp, shape=slowly), Ramp(f"{__name__}.slowly")]
)
def test_a_function_becomes_its_path_where_its_class_takes_one(value):
    assert to_config(value) == {
        "class_path": f"{__name__}.Ramp",
        "init_args": {"shape": f"{__name__}.slowly"},
    }


def test_other_values_where_a_function_may_stand_stay():
    assert to_config([Ramp(), Ramp("flat", foot=Ramp(slowly))])[1]["init_args"] == {
        "shape": "flat",
        "foot": {"class_path": f"{__name__}.Ramp", "init_args": {"shape": f"{__name__}.slowly"}},
    }


def test_a_function_inside_another_is_refused_with_what_may_be_given():
    def local(x):
        return x

    with pytest.raises(ValueError, match=r"Give a function that can be imported, .* or its dotted path\.$"):
        to_config(Ramp(local))


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (Ramp(lambda x: x), r"model\.shape"),
        ({"ramps": [Ramp(lambda x: x)]}, r"model\.ramps\[0\]\.shape"),
        (Ramp(foot=slowly), r"model\.foot"),
        (Wheel(slowly), r"model\.spokes"),
        ({"readout": lambda: None}, r"model\.readout"),
        ({"layers": [1, {"rule": object()}]}, r"model\.layers\[1\]\.rule"),
        (partial(Wheel, hub=lambda: None), r"model\.hub"),
        (partial(Wheel, 8), "model"),
    ],
)
def test_what_cannot_be_written_down_is_named(value, key):
    with pytest.raises(ValueError, match=f"^{key} cannot be stored in a checkpoint"):
        to_config(value, key="model")
