"""Initialisations that draw: the potentials that they promise, whatever the projection, neuron and step."""

from functools import partial

import pytest
import torch

import lightning_snn as snn
from lightning_snn.training.initialisation.membrane import membrane

HIGH = 1e6
"""A threshold that nothing reaches: potentials without resets."""


def network(neuron, projection, *, sources=400, targets=200, **options):
    layers = {
        "below": snn.SpikingLayer(snn.Square(sources, side=1.0), snn.LIF()),
        "here": snn.SpikingLayer(snn.Square(targets, side=1.0), neuron, projection=projection),
    }
    return snn.SpikingNetwork(layers, seed=0, **options)


def potentials(found, rate, time, name="here"):
    """Potentials ``[T, B, N]`` that random spikes at ``rate`` Hz evoke, once they are stationary."""
    projection, neuron = found.projections[name], found.layer("here").neuron
    neuron.set_constant("threshold", HIGH)
    steps = round(time / found.dt)
    generator = torch.Generator().manual_seed(1)
    spikes = torch.rand(steps, 4, projection.num_pre, generator=generator) < rate * found.dt / 1000
    with torch.no_grad():
        current, _ = projection.transmit(spikes.float(), dt=found.dt)
    tap = snn.Tap({"v": "before"})
    neuron(current, tap=tap)
    return tap.taken()["v"][round(100 / found.dt) :]


NEURONS = {
    "lif": partial(snn.LIF, 10.0, threshold=2.0, v_rest=0.5, resistance=3.0),
    "current lif": partial(snn.CurrentLIF, 10.0),
    "of their own": partial(snn.LIF, torch.linspace(5.0, 20.0, 200).tolist()),
}
SYNAPSES = {"charges": {}, "kinetics": {"kinetics": snn.ExponentialCurrent(4.0), "gain": 3.0}}


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("synapses", SYNAPSES)
@pytest.mark.parametrize("neuron", NEURONS)
def test_fluctuation_driven_potentials_have_the_mean_and_the_deviation(neuron, synapses, dt):
    made = partial(snn.Dense, trainable=True, **SYNAPSES[synapses])
    found = network(NEURONS[neuron](), made, dt=dt)
    rest, threshold = (found.layer("here").neuron.value_of(name) for name in ("v_rest", "threshold"))
    snn.initialise(found, snn.FluctuationDriven(2.0, rate=30.0, mean=0.2))
    v = (potentials(found, 30.0, 1500.0).double() - rest) / (threshold - rest)
    units = v.flatten(0, 1)
    assert units.mean().item() == pytest.approx(0.2, abs=0.03)
    assert units.var(0).mean().sqrt().item() == pytest.approx(0.8 / 2.0, rel=0.05)


def test_recurrent_connections_give_their_share():
    dense = partial(snn.Dense, trainable=True)
    layers = {
        "below": snn.SpikingLayer(snn.Square(300, side=1.0), snn.LIF()),
        "here": snn.SpikingLayer(snn.Square(200, side=1.0), snn.LIF(10.0), projection=dense, lateral=dense),
    }
    found = snn.SpikingNetwork(layers, {"again": snn.Connection("below", "here", dense)}, seed=0)
    snn.initialise(found, snn.FluctuationDriven(1.0, rate=20.0, recurrent_share=0.2))
    v = {name: potentials(found, 20.0, 1000.0, name).flatten(0, 1).var(0).mean().item() for name in
         ("here", "here_lateral", "again")}  # fmt: skip
    assert v == {"here": pytest.approx(0.4, rel=0.1), "here_lateral": pytest.approx(0.2, rel=0.1),
                 "again": pytest.approx(0.4, rel=0.1)}  # fmt: skip


def test_input_layers_may_have_a_rate_of_their_own():
    dense = partial(snn.Dense, trainable=True)
    found = network(snn.LIF(), dense)
    snn.initialise(found, snn.FluctuationDriven(rate=10.0, input_rate=40.0))
    fast = found.projections["here"].weight.clone()
    snn.initialise(found, snn.FluctuationDriven(rate=40.0))
    assert torch.equal(fast, found.projections["here"].weight)


PROJECTIONS = {
    "dense": (snn.Dense, (36,), (50,)),
    "conv": (partial(snn.Conv2d, kernel_size=3), (4, 6, 6), (32, 4, 4)),
    "local": (partial(snn.Local, radius=0.4), (36,), (400,)),
}


@pytest.mark.parametrize("kind", PROJECTIONS)
def test_every_projection_counts_its_own_fan_in(kind):
    made, below, here = PROJECTIONS[kind]

    def sheet(shape):
        return snn.Maps(*shape) if len(shape) == 3 else snn.Square(*shape, side=1.0)

    layers = {
        "below": snn.SpikingLayer(sheet(below), snn.LIF()),
        "here": snn.SpikingLayer(sheet(here), snn.LIF(), projection=partial(made, trainable=True)),
    }
    found = snn.SpikingNetwork(layers, seed=0)
    snn.initialise(found, snn.Kaiming(2.0))
    projection = found.projections["here"]
    exists = torch.ones_like(projection.weight) if projection.exists is None else projection.exists[:, None]
    count = exists.expand_as(projection.weight).sum(-1)
    squares = projection.weight.detach().square().sum(-1)  # of variance 2 / count each
    assert (count > 3).all()
    assert (squares / 2).mean().item() == pytest.approx(1.0, rel=0.15)
    assert (projection.weight[exists.expand_as(projection.weight) == 0] == 0).all()


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_kaiming_potentials_of_steady_spikes_have_the_scale(dt):
    neuron = snn.LIF(5.0, threshold=3.0)
    found = network(neuron, partial(snn.Dense, trainable=True, gain=7.0), targets=2000, dt=dt)
    snn.initialise(found, snn.Kaiming(1.5))
    v = potentials(found, 1000 / dt, 200.0)[-1, 0]
    assert (v / 3.0).var().item() == pytest.approx(1.5, rel=0.1)


def test_a_presentation_ends_what_neurons_that_never_forget_add_up():
    dense = partial(snn.Dense, trainable=True)
    found = network(snn.IntegrateFire(), dense)
    with pytest.raises(ValueError, match=r"layers.here.neuron is IntegrateFire, .* give `duration`"):
        snn.initialise(found, snn.Kaiming())
    snn.initialise(found, snn.Kaiming(2.0, duration=20.0))
    assert found.projections["here"].weight.std().item() == pytest.approx((2 / 400) ** 0.5 / 20, rel=0.05)


def test_what_a_spike_evokes_is_the_closed_form():
    found = network(snn.LIF(10.0, resistance=2.0), partial(snn.Dense, gain=3.0), dt=0.5)
    distance, area, energy = membrane(found, "here", found.weighted["here"])
    decay = torch.tensor(-0.05, dtype=torch.float64).exp().item()
    peak = 3.0 * 2.0 * (1 - decay) / 0.5
    assert distance.tolist() == [1.0]
    assert area.item() == pytest.approx(0.5 * peak / (1 - decay), rel=1e-3)
    assert energy.item() == pytest.approx(0.5 * peak**2 / (1 - decay**2), rel=1e-3)


def test_the_seed_and_the_name_decide_alone():
    dense = partial(snn.Dense, trainable=True)

    def weights(seed):
        layers = {
            name: snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF(), projection=below)
            for name, below in {"a": None, "b": dense, "c": dense}.items()
        }
        found = snn.SpikingNetwork(layers, seed=seed)
        snn.initialise(found, snn.FluctuationDriven())
        return found.projections["b"].weight, found.projections["c"].weight

    one, again, other = weights(0), weights(0), weights(1)
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], other[0])


def test_what_a_rule_wires_and_what_is_fixed_stays():
    layers = {
        "a": snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF()),
        "b": snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF(), projection=snn.Dense),
        "c": snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF(), projection=partial(
            snn.Dense, trainable=True, rule=snn.GainControl())),
        "d": snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF(), projection=partial(
            snn.Dense, trainable=True)),
    }  # fmt: skip
    found = snn.SpikingNetwork(layers, seed=0)
    before = {name: p.weight.clone() for name, p in found.weighted.items()}
    snn.initialise(found, snn.Kaiming())
    changed = {name for name, p in found.weighted.items() if not torch.equal(before[name], p.weight)}
    assert changed == {"d"}


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_keep_their_format(dtype):
    found = network(snn.LIF(), partial(snn.Dense, trainable=True)).to(dtype)
    snn.initialise(found, snn.FluctuationDriven())
    assert found.projections["here"].weight.dtype == dtype
    assert found.projections["here"].weight.std() > 1


def test_what_cannot_be_is_said_in_a_sentence():
    dense = partial(snn.Dense, trainable=True)
    with pytest.raises(ValueError, match=r"Kaiming starts the weights of connections with `trainable: true`"):
        snn.initialise(network(snn.LIF(), snn.Dense), snn.Kaiming())
    with pytest.raises(ValueError, match=r"layers.here.neuron is Izhikevich, which has no `threshold`"):
        snn.initialise(network(snn.Izhikevich(), dense), snn.Kaiming())
    with pytest.raises(ValueError, match=r"initialisation.input_rate must be below one spike a step, 2000"):
        snn.initialise(network(snn.LIF(), dense, dt=0.5), snn.FluctuationDriven(rate=2e3))
    with pytest.raises(ValueError, match=r"initialisation.mean = 0.99 leaves no variance .*layers.here.proj"):
        snn.initialise(network(snn.LIF(), dense), snn.FluctuationDriven(mean=0.99, rate=1.0))
    with pytest.raises(ValueError, match=r"mean must lie below 1, the threshold, got 1.5"):
        snn.FluctuationDriven(mean=1.5)
    with pytest.raises(ValueError, match="recurrent_share must lie between 0 and 1, got 2"):
        snn.FluctuationDriven(recurrent_share=2.0)
