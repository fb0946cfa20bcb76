"""E-prop: equal to autograd in which the spikes that neurons send to each other are detached."""

from functools import partial

import pytest
import torch
from helpers.online import difference, recurrent, spikes_of, trains
from torch import nn

from lightning_snn import (
    LIF,
    PLIF,
    STDP,
    AdaptiveLIF,
    AdEx,
    Columns,
    Conv2d,
    CurrentLIF,
    Dense,
    ExponentialCurrent,
    Izhikevich,
    LeakyIntegrator,
    Local,
    Maps,
    NeuronModel,
    Parameter,
    Relay,
    RoundFields,
    SpikingLayer,
    SpikingNetwork,
    Square,
    constant,
)
from lightning_snn.training.online.collected import collected
from lightning_snn.training.online.shown import Shown, Sum
from lightning_snn.training.online.signals import Feedback


class Own(NeuronModel):
    """A user's model: a membrane, and a slow current that its spikes feed."""

    state = {"v": 0.0, "slow": 0.0}
    tau_mem: Parameter = constant(default=10.0, above=0.0)
    feed: Parameter = constant(default=0.1)

    def step(self, current, state, p, dt):
        v = state.v + dt / p.tau_mem * (current - state.v - state.slow**2)
        spikes = self.spike(v - 0.5)
        return spikes, self.State(v * (1 - spikes), 0.9 * state.slow + p.feed * spikes + 0.01 * v)


NEURONS = {
    "LIF, one trace": LIF(10.0, threshold=0.5, reset="soft"),
    "LIF": LIF(10.0, threshold=0.5, refractory=2.0),
    "LIF, gradient of the reset": LIF(10.0, threshold=0.5, detach_reset=False),
    "AdaptiveLIF": AdaptiveLIF(10.0, 50.0, 2.0, threshold=0.5, refractory=2.0),
    "CurrentLIF": CurrentLIF(5.0, 4.0, threshold=0.5),
    "PLIF, learned": PLIF(threshold=0.4),
    "AdaptiveLIF, learned": AdaptiveLIF(
        10.0, 50.0, 2.0, threshold=0.5, learn=["beta", "tau_mem", "threshold"]
    ),
    "LIF, one a neuron": LIF([5.0, 10.0, 15.0, 20.0, 25.0], threshold=0.5, learn=["tau_mem"]),
    "AdEx": AdEx(),
    "Izhikevich": Izhikevich(preset="regular_spiking"),
    "a user's own": Own(learn=["feed"]),
}


def gradients(network, sent, *, output=True, sums=True):
    """Of a loss of potentials that leak, and of mean spikes: as e-prop has them, and as autograd does."""
    linear = nn.Linear(5, 2, bias=False).double()
    leaky = LeakyIntegrator(8.0)
    leaky.dt = network.dt
    target = torch.linspace(-1, 1, 2 * sent[..., 0].numel()).double().view(*sent.shape[:2], 2)
    trained = [p for p in network.parameters() if p.requires_grad]
    parameters = [*trained, *([linear.weight] if output else [])]
    shares = torch.full((len(sent), 1), 1 / len(sent), dtype=torch.float64)
    shown = Shown(
        {"input": sent / network.dt}, network.names, "rec", linear.weight if output else None,
        [Sum("rec", shares)] if sums else [],
    )  # fmt: skip

    def loss(arriving, means):
        of_output = (leaky(arriving)[0] - target).square().mean() if output else 0.0
        return of_output + (means[0].square().mean() if sums else 0.0)

    spikes = spikes_of(network, sent, {"back"})["rec"]
    expected = torch.autograd.grad(loss(linear(spikes), [spikes.mean(0)]), parameters)
    assert spikes.sum() > 3
    return torch.autograd.grad(loss(*collected(network, shown, Feedback({}))), parameters), expected


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("name", NEURONS)
def test_equals_autograd_with_recurrent_spikes_detached(name, dt):
    scale = {"AdEx": 600.0, "Izhikevich": 15.0}.get(name, 1.0)
    trained = partial(Dense, trainable=True)
    network = recurrent(
        NEURONS[name].again(), dt=dt,
        projection=partial(trained, gain=8.0 * scale), lateral=partial(trained, gain=3.0 * scale),
    )  # fmt: skip
    assert difference(*gradients(network, trains(60 if scale > 1 else 30))) < 1e-10


@pytest.mark.parametrize(
    "options", [{"kinetics": ExponentialCurrent(3.0)}, {"delay": 2.0}, {"dropout": 0.0, "gain": 9.0}]
)
def test_follows_kinetics_and_delays_exactly(options):
    network = recurrent(
        AdaptiveLIF(10.0, 50.0, 2.0, threshold=0.5),
        projection=partial(Dense, trainable=True, **{"gain": 4.0} | options),
        lateral=partial(Dense, trainable=True, **options),
    )
    assert difference(*gradients(network, trains())) < 1e-10


PROJECTIONS = {
    "Conv2d": (Maps(2, 5, 5), Maps(3, 3, 3), partial(Conv2d, kernel_size=3, gain=6.0)),
    "Local": (Square(25, side=5.0), Square(16, side=5.0), partial(Local, radius=2.0, gain=8.0)),
    "Columns": (
        Square(25, side=5.0),
        Square(12, side=5.0),
        partial(Columns, fields=RoundFields(radius=2.0, num_fields=4), gain=8.0),
    ),
    "a share of a field": (Square(25, side=5.0), Square(4, side=5.0), partial(Dense, rule=STDP(), gain=20.0)),
}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_every_projection_with_weights(name):
    below, here, projection = PROJECTIONS[name]
    layers = {
        "input": SpikingLayer(below, Relay()),
        "rec": SpikingLayer(here, LIF(10.0, threshold=0.3), projection=partial(projection, trainable=True)),
    }
    network = SpikingNetwork(layers, seed=0).double()
    sent = trains(size=below.num_nodes)
    shares = torch.linspace(0, 1, len(sent), dtype=torch.float64)[:, None]
    (trace,) = collected(
        network, Shown({"input": sent}, network.names, "rec", None, [Sum("rec", shares)]), Feedback({})
    )[1]
    spikes = spikes_of(network, sent, set())["rec"]
    expected = torch.autograd.grad(
        (spikes * shares[..., None]).sum(0).square().sum(), network.connection("rec").projection.weight
    )
    found = torch.autograd.grad(trace.square().sum(), network.connection("rec").projection.weight)
    assert spikes.sum() > 3
    assert difference(found, expected) < 1e-10


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize(("output", "sums"), [(True, False), (False, True)])
def test_of_outputs_or_sums_alone_and_of_one_sample(steps, output, sums):
    network = recurrent(LIF(10.0, threshold=0.2))
    sent = trains(max(steps, 1), 1, share=0.9)
    if steps == 1:
        network.connection("back").projection.weight.requires_grad_(False)  # whose spikes come a step later
    found, expected = gradients(network, torch.cat([sent] * 3, 1), output=output, sums=sums)
    assert difference(found, expected) < 1e-10
