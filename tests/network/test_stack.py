from functools import partial

import pytest
import torch

from lightning_snn.geometry import Square
from lightning_snn.network import SpikingLayer, SpikingStack
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import STDP, CompetitiveHebbian
from lightning_snn.synapses import Dense

SIZES = {"retina": 30, "lgn": 20, "cortex": 10}


def layer(nodes, projection=None, dt=1.0):
    return SpikingLayer(Square(nodes, side=5.0), LIF(5.0, dt=dt), projection=projection)


def deep_stack(gain=8.0):
    return SpikingStack(
        {
            name: layer(size, partial(Dense, gain=gain, seed=size) if name != "retina" else None)
            for name, size in SIZES.items()
        },
        seed=0,
    )


def drive(steps=40, batch=3):
    return 3 + 8 * torch.randn(steps, batch, 30, generator=torch.Generator().manual_seed(0))


def test_layers_and_projections_go_by_name_bottom_first():
    stack = deep_stack()
    assert stack.names == ["retina", "lgn", "cortex"]
    assert stack.bottom is stack.layer("retina")
    assert stack.top is stack.layer("cortex")
    assert {n: (p.num_pre, p.num_post) for n, p in stack.projections.items()} == {
        "lgn": (30, 20),
        "cortex": (20, 10),
    }
    assert "layers.cortex.projection.weight" in stack.state_dict()


def test_activity_goes_up_layer_by_layer():
    stack, current = deep_stack(), drive()
    spikes, state = stack(current)
    below = current
    for name in stack.names:
        projection = stack.layer(name).projection
        below, end = stack.layer(name)(below if projection is None else projection(below))
        assert spikes[name].shape == (40, 3, SIZES[name])
        assert spikes[name].sum() > 20
        assert torch.equal(spikes[name], below)
        assert torch.equal(state[name].spikes, end.spikes)


@pytest.mark.parametrize("split", [1, 17])
def test_a_run_in_two_parts_equals_one_long_run(split):
    stack, current = deep_stack(), drive()
    whole, end = stack(current)
    first, middle = stack(current[:split])
    second, last = stack(current[split:], middle)
    for name in stack.names:
        assert torch.equal(torch.cat([first[name], second[name]]), whole[name])
        assert torch.equal(last[name].neurons.v, end[name].neurons.v)


def test_one_layer_is_a_stack():
    stack = SpikingStack({"only": layer(30)})
    assert stack.projections == {}
    assert stack.bottom is stack.top
    assert set(stack(drive())[0]) == {"only"}


def test_ascend_runs_what_lies_above_the_first_layer():
    stack = deep_stack()
    whole, end = stack(drive())
    above, states = stack.ascend(whole["retina"])
    assert list(above) == list(states) == ["lgn", "cortex"]
    assert torch.equal(above["cortex"], whole["cortex"])
    assert torch.equal(states["lgn"].neurons.v, end["lgn"].neurons.v)
    part, _ = stack.ascend(whole["retina"], upto="lgn")
    assert list(part) == ["lgn"]
    assert torch.equal(part["lgn"], whole["lgn"])


def test_ascend_with_other_projections():
    stack = deep_stack()
    own, _ = stack(drive())
    other = Dense(30, 20, gain=6.0, seed=99)
    found, _ = stack.ascend(own["retina"], projections={"lgn": other})
    expected, _ = stack.layer("lgn")(other(own["retina"]))
    assert torch.equal(found["lgn"], expected)
    assert not torch.equal(found["lgn"], own["lgn"])
    assert not torch.equal(found["cortex"], own["cortex"])
    again, _ = stack.ascend(own["retina"])
    assert torch.equal(again["cortex"], own["cortex"])


def test_gradients_reach_every_trainable_projection_and_the_input():
    parts = {n: layer(s, partial(Dense, gain=4.0, trainable=True)) for n, s in SIZES.items() if n != "retina"}
    stack = SpikingStack({"retina": layer(30)} | parts)
    current = drive().requires_grad_()
    stack(current)[0]["cortex"].sum().backward()
    assert current.grad.abs().sum() > 0
    for projection in stack.projections.values():
        assert projection.weight.grad.abs().sum() > 0


def wrong_size(num_pre, num_post):
    return Dense(num_pre + 1, num_post)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: {}, "layers must name at least one layer, got none"),
        (lambda: {"retina": layer(9, Dense)}, "layers.retina.projection: the first layer takes currents"),
        (lambda: {"retina": layer(9), "lgn": layer(4)}, "layers.lgn.projection is missing"),
        (
            lambda: {"retina": layer(9), "lgn": layer(4, wrong_size)},
            "layers.lgn.projection leads from 10 to 4 neurons, but the layers have 9 and 4",
        ),
        (
            lambda: {"retina": layer(9), "lgn": layer(4, Dense, dt=0.5)},
            r"one stack shares one dt, got \{'layers.retina.neuron.dt': 1.0, 'layers.lgn.neuron.dt': 0.5\}",
        ),
        (
            lambda: {"retina": layer(9), "lgn": layer(4, partial(Dense, rule=STDP(dt=2.0)))},
            "one stack shares one dt, got .*'layers.lgn.projection.rule.dt': 2.0",
        ),
    ],
)
def test_errors(layers, message):
    with pytest.raises(ValueError, match=message):
        SpikingStack(layers())


def test_a_rule_without_time_constants_fits_any_dt():
    stack = SpikingStack(
        {"retina": layer(9, dt=0.5), "lgn": layer(4, partial(Dense, rule=CompetitiveHebbian()), dt=0.5)}
    )
    assert stack.bottom.dt == 0.5


@pytest.mark.parametrize("name", ["a/b", "a.b", "", "keys", "forward", "1", 1])
def test_names_that_nothing_can_be_called_by(name):
    with pytest.raises(ValueError, match=f"names of layers must be identifiers .*, got {name!r}"):
        SpikingStack({"retina": layer(30), name: layer(20, Dense)})


def test_a_step_that_was_changed_stays_where_neurons_are_drawn_anew():
    cells = Izhikevich("heterogeneous")
    cells.dt = 0.5
    stack = SpikingStack({"retina": SpikingLayer(Square(30, side=5.0), cells)}, seed=0)
    assert stack.bottom.dt == 0.5
