"""Every number that a public constructor takes: what is no number, not finite or no seed is refused."""

import inspect
import math

import pytest

import lightning_snn
from lightning_snn import LIF, ConstantCurrent, Dense, Linear, RoundFields, SpikingLayer, Square

SHEET = Square(9, side=3.0)
WHOLE = {"in_features": 4, "num_classes": 2}
LEAST = {
    "AdaptiveThreshold": {"jump": 1.0},
    "Connection": {"source": "a", "target": "a", "projection": Dense},
    "Control": {"kind": "random"},
    "FoundFields": {"connection": "a", "size": 3},
    "NetworkState": {"layers": {}, "connections": {}},
    "SpikingModule": {
        "layers": {"a": SpikingLayer(SHEET, LIF())},
        "encoder": ConstantCurrent(),
        "readout": Linear,
        "out_features": 2,
    },
    "SpikingNetwork": {"layers": {"a": SpikingLayer(SHEET, LIF())}},
    "Columns": {"num_pre": 9, "num_post": 8, "fields": RoundFields(radius=2.0, num_fields=4), "below": SHEET},
    "Conv2d": {"num_pre": 16, "num_post": 8, "in_shape": (1, 4, 4), "kernel_size": 3},
    "DelayedDense": {"num_pre": 4, "num_post": 3, "max_delay": 4.0},
    "Dense": {"num_pre": 4, "num_post": 3},
    "Damaged": {"sheet": SHEET, "share": 0.1},
    "Disk": {"num_nodes": 9, "radius": 3.0},
    "ExponentialCurrent": {"tau": 5.0},
    "FashionMNIST": {"root": "."},
    "FirstSpikeSTDP": {"threshold": 3.0},
    "Local": {"num_pre": 9, "num_post": 9, "below": SHEET, "here": SHEET, "radius": 2.0},
    "Maps": {"channels": 1, "height": 2, "width": 2},
    "OnOff": {"height": 4, "width": 4},
    "OneToOne": {"num_pre": 4, "num_post": 4},
    "Points": {"positions": [[0.0, 0.0], [1.0, 1.0]], "area": 2.0},
    "Pool2d": {"num_pre": 16, "num_post": 4, "in_shape": (1, 4, 4), "kernel_size": 2},
    "ListedFields": {"nodes": [[0, 1]]},
    "RateBounds": {"upper": 50.0},
    "Record": {"variables": ["v"]},
    "Tap": {"wanted": {"v": "after"}},
    "Recorded": {"tensors": {}, "times": {}, "neurons": {}},
    "Recorder": {"record": {"a": ["spikes"]}},
    "Recording": {"wanted": {}},
    "RoundFields": {"radius": 1.0, "num_fields": 4},
    "Scrambled": {"sheet": SHEET},
    "Sequences": {"values": [[0.0]], "lengths": [1]},
    "SpikingAutoencoder": {"layers": {"a": SpikingLayer(SHEET, LIF())}},
    "SpikingClassifier": {"layers": {"a": SpikingLayer(SHEET, LIF())}},
    "SpikingLayer": {"geometry": SHEET, "neuron": LIF()},
    "SpikingRegressor": {"layers": {"a": SpikingLayer(SHEET, LIF())}},
    "Square": {"num_nodes": 9, "side": 3.0},
    "SynapticScaling": {"rate": 5.0},
    "TargetRate": {"rate": 5.0},
    "TEBN": {"num_steps": 4},
    "Torus": {"num_nodes": 9, "side": 3.0},
    "WeightPenalty": {"l2": 0.1},
    "WeightNormalisation": {"total": 3.0},
    **dict.fromkeys(
        (
            "MLP",
            "Linear",
            "ExtremeLearningMachine",
            "ClassAssignment",
            "LeakyReadout",
            "Ridge",
            "SpikingDelta",
            "SpikingReadout",
            "Votes",
        ),
        WHOLE,
    ),
}
"""The least arguments of the public classes that need any."""

NO_CONSTRUCTOR = {"Node"}
PUBLIC = {name: getattr(lightning_snn, name) for name in lightning_snn.__all__}
CLASSES = {name: found for name, found in PUBLIC.items() if isinstance(found, type)}
BUILT = [
    name
    for name, cls in CLASSES.items()
    if not inspect.isabstract(cls) and name not in NO_CONSTRUCTOR | {"Readout"}
]
ARGUMENTS = [
    (name, argument.name, str(argument.annotation))
    for name in BUILT
    for argument in list(inspect.signature(CLASSES[name].__init__).parameters.values())[1:]
]
FLOATS = [
    (name, key, kind)
    for name, key, kind in ARGUMENTS
    if "float" in kind and "Sequence[Homeostasis]" not in kind
]
INTS = [(name, key) for name, key, kind in ARGUMENTS if kind in ("<class 'int'>", "int | None")]
SEEDS = [(name, key) for name, key, _ in ARGUMENTS if "seed" in key]


def build(name, **changes):
    return CLASSES[name](**LEAST.get(name, {}) | changes)


@pytest.mark.parametrize("name", BUILT)
def test_the_least_arguments_are_enough(name):
    assert isinstance(build(name), CLASSES[name])


@pytest.mark.parametrize(("name", "key", "kind"), FLOATS)
def test_a_number_is_finite(name, key, kind):
    for value in (math.nan, math.inf, -math.inf, *([] if "Tensor" in kind else ["much"])):
        with pytest.raises(ValueError, match=r"must|may"):
            build(name, **{key: value})


@pytest.mark.parametrize(("name", "key"), INTS)
def test_a_whole_number_is_whole(name, key):
    for value in (math.nan, 1.5, True, "some", -1):
        with pytest.raises(ValueError, match="must"):
            build(name, **{key: value})


@pytest.mark.parametrize(("name", "key"), SEEDS)
def test_a_seed_is_a_whole_number_from_0(name, key):
    for value in (-1, 0.5, True, "1"):
        with pytest.raises(ValueError, match=rf"{key} must be a whole number, 0 or above, got {value}"):
            build(name, **{key: value})
    build(name, **{key: 3})
