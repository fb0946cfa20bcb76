"""What a stack saved, by the names of a network."""

import pytest
import torch

from lightning_snn import Images, SpontaneousWaves
from lightning_snn.core.config import to_config
from lightning_snn.trainer.stacked import connected, without_streams

ONE, TWO = torch.ones(2, 3), torch.full((2, 2), 2.0)
WIRED, UNWIRED = torch.tensor(True), torch.tensor(False)


def test_projections_become_connections():
    stack = {
        "stack.seed": torch.tensor(4),
        "stack.layers.lgn.positions": TWO,
        "stack.layers.lgn.projection.weight": ONE,
        "stack.layers.lgn.projection.variables.threshold": TWO,
        "readouts.stack.weight": ONE,
    }
    names = [
        "network.seed", "network.layers.lgn.positions", "network.connections.lgn.projection.weight",
        "network.connections.lgn.projection.variables.threshold", "readouts.stack.weight",
    ]  # fmt: skip
    found = connected(stack)
    assert list(found) == names
    assert all(found[name] is value for name, value in zip(names, stack.values(), strict=True))
    assert connected(found) == found


def test_pooling_has_no_weights():
    pool = {
        "stack.layers.pool.projection.weight": torch.ones(4, 0),
        "stack.layers.pool.projection.wired": WIRED,
    }
    assert connected(pool) == {}


@pytest.mark.parametrize("wired", [WIRED, UNWIRED])
def test_learned_inhibition_says_whether_it_is_wired(wired):
    stack = {
        "stack.layers.lgn.projection.weight": ONE,
        "stack.layers.lgn.projection.wired": wired,
        "stack.layers.lgn.lateral.weight": TWO,
    }
    found = connected(stack)
    assert found["network.connections.lgn_lateral.projection.weight"] is TWO
    assert bool(found["network.connections.lgn_lateral.projection.wired"]) is bool(wired)


def test_later_connections_of_a_control_have_the_inhibition_that_they_used():
    stack = {f"stack.layers.{name}.lateral.weight": TWO for name in ("lgn", "cortex")}
    copies = {f"controls.random.copies.{name}.wired": WIRED for name in ("lgn", "cortex")}
    found = connected(stack | copies | {"controls.other.copies.lgn.wired": WIRED})
    new = sorted(found.keys() - copies.keys())
    assert [name for name in new if "_lateral" in name and "controls" in name] == [
        "controls.random.copies.cortex_lateral.weight", "controls.random.copies.cortex_lateral.wired",
    ]  # fmt: skip
    assert torch.equal(found["controls.random.copies.cortex_lateral.weight"], TWO)


@pytest.mark.parametrize(
    ("stimuli", "kept"),
    [
        ({"stimulus": Images()}, False),
        ({"lgn": Images(), "cortex": Images()}, False),
        ({"stimulus": SpontaneousWaves()}, True),
        ({"lgn": SpontaneousWaves(), "cortex": Images()}, True),
        ({}, True),
    ],
)
def test_streams_are_gone_on_from_where_they_go_on(stimuli, kept):
    settings = {name: to_config(stimulus) for name, stimulus in stimuli.items()}
    phase = {"round": 3, "streams": [ONE], "settings": {"chunk": 10, **settings}}
    without_streams(phase)
    assert bool(phase["streams"]) is kept
    assert phase["round"] == 3
