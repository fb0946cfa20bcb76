"""Threshold-dependent batch normalisation: statistics, scale, networks, gradients, states."""

from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Maps, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, PLIF, AdaptiveLIF, CurrentLIF, IntegrateFire, Relay, ResonateFire
from lightning_snn.neurons.threshold import threshold_charge
from lightning_snn.synapses import Conv2d, Dense, ExponentialCurrent, Pool2d, TDBatchNorm

CONV = partial(Conv2d, 32, 18, in_shape=(2, 4, 4), kernel_size=2, trainable=True)


def by_hand(charge, channels, scale, eps=1e-5):
    """The norm of ``[T, B, N]`` over all but the channel."""
    values = charge.reshape(*charge.shape[:2], channels, -1)
    mean = values.mean((0, 1, 3), keepdim=True)
    variance = values.var((0, 1, 3), correction=0, keepdim=True)
    return (scale * (values - mean) / (variance + eps).sqrt()).reshape(charge.shape)


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize(
    ("make", "channels"), [(CONV, 2), (partial(Dense, 32, 6, trainable=True), 6)], ids=["conv", "dense"]
)
def test_it_normalises_over_steps_samples_and_places(make, channels, dt):
    plain = make(seed=0)
    projection = make(seed=0, norm=TDBatchNorm(0.5, scale=3.0))
    spikes = spikes_of(7, 4, 32)
    current, _ = projection.transmit(spikes, dt=dt)
    expected = by_hand(plain(spikes), channels, 1.5) / dt
    torch.testing.assert_close(current, expected, rtol=1e-4, atol=1e-4)


def test_evaluation_uses_running_statistics_and_any_split_of_steps():
    projection = CONV(norm=TDBatchNorm(momentum=1.0))
    spikes = spikes_of(7, 4, 32)
    trained, _ = projection.transmit(spikes, dt=1.0)
    projection.eval()
    whole, _ = projection.transmit(spikes, dt=1.0)
    count = 7 * 4 * 9
    torch.testing.assert_close(whole * (count / (count - 1)) ** 0.5, trained, rtol=1e-3, atol=1e-3)
    parts = torch.cat([projection.transmit(part, dt=1.0)[0] for part in spikes.split(3)])
    torch.testing.assert_close(parts, whole)


def test_the_norm_comes_before_the_kinetics():
    kinetics = ExponentialCurrent(4.0)
    projection = CONV(seed=0, norm=TDBatchNorm(), kinetics=kinetics, delay=2.0)
    spikes = spikes_of(7, 4, 32)
    current, _ = projection.transmit(spikes, dt=1.0)
    arrived = torch.cat([torch.zeros_like(spikes[:2]), spikes[:-2]])
    charge = by_hand(CONV(seed=0)(arrived), 2, 1.0)
    expected, _ = kinetics.run(charge, kinetics.rest(4, 18, charge), dt=1.0)
    torch.testing.assert_close(current, expected, rtol=1e-3, atol=1e-3)


def test_gradients_are_those_of_finite_differences():
    projection = CONV(seed=0, norm=TDBatchNorm()).double()
    spikes = torch.rand(3, 2, 32, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: projection.transmit(x, dt=1.0)[0], [spikes])
    charge = projection(spikes).detach()
    norm = projection.norm
    names = ["norm.weight", "norm.bias"]

    def normal(*values):
        return torch.func.functional_call(norm, dict(zip(names, values, strict=True)), (charge,))

    assert torch.autograd.gradcheck(
        normal, [norm.get_parameter(name).detach().clone().requires_grad_() for name in names]
    )


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(
    "neuron",
    [
        LIF(7.0, v_rest=-1.0, resistance=2.0),
        IntegrateFire(3.0),
        CurrentLIF(8.0, tau_syn=4.0),
        PLIF(),
        AdaptiveLIF(),
    ],
    ids=lambda neuron: type(neuron).__name__,
)
def test_the_threshold_is_the_charge_that_just_makes_a_neuron_spike(neuron, dt):
    neuron = neuron.again(dt=dt)
    charge = threshold_charge(neuron, 2)
    for factor, spiking in ((0.99, False), (1.01, True)):
        current = torch.zeros(round(20 / dt), 1, 2)
        current[0] = factor * charge / dt
        spikes, _ = neuron(current)
        assert bool(spikes.any()) == spiking


def network(neuron, norm, dt=0.5, **options):
    return SpikingNetwork(
        {
            "input": SpikingLayer(Maps(2, 4, 4), Relay()),
            "maps": SpikingLayer(
                Maps(3, 4, 4),
                neuron,
                projection=partial(Conv2d, kernel_size=3, padding=1, trainable=True, norm=norm, **options),
            ),
        },
        dt=dt,
        seed=0,
    )


def test_a_network_hands_the_threshold_of_its_neurons():
    thresholds = torch.linspace(1, 2, 48)
    net = network(IntegrateFire(thresholds), TDBatchNorm(0.5))
    found = net.projections["maps"].norm.norm.weight
    torch.testing.assert_close(found.detach(), 0.5 * thresholds.view(3, 16).mean(1))
    given = network(IntegrateFire(thresholds), TDBatchNorm(0.5, scale=4.0))
    torch.testing.assert_close(given.projections["maps"].norm.norm.weight.detach(), torch.full((3,), 2.0))
    spikes, _ = net(spikes_of(9, 2, 32))
    assert 0 < spikes["maps"].mean() < 1
    spikes["maps"].sum().backward()
    assert all(p.grad.any() for p in net.parameters())


def test_parts_have_norms_of_their_own_and_files_bring_them_back():
    norm = TDBatchNorm()
    first, second = network(LIF(), norm), network(LIF(), norm)
    first(spikes_of(9, 2, 32))
    assert first.projections["maps"].norm is not second.projections["maps"].norm
    assert not second.projections["maps"].norm.norm.running_mean.any()
    second.load_state_dict(first.state_dict())
    given = spikes_of(5, 3, 32)
    assert torch.equal(first.eval()(given)[0]["maps"], second.eval()(given)[0]["maps"])


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (1, 3), (4, 1)])
def test_short_and_small_batches(steps, batch):
    dense = Dense(32, 6, trainable=True, norm=TDBatchNorm())
    current, _ = dense.transmit(spikes_of(steps, batch, 32), dt=1.0)
    assert current.isfinite().all()
    if steps * batch > 1:
        torch.testing.assert_close(current.sum((0, 1)), torch.zeros(6), atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    projection = CONV(seed=0, norm=TDBatchNorm())
    spikes = spikes_of(7, 4, 32)
    expected, _ = projection.transmit(spikes, dt=1.0)
    with torch.autocast("cpu", dtype):
        current, _ = projection.transmit(spikes, dt=1.0)
        current.float().sum().backward()
    torch.testing.assert_close(current.float(), expected, atol=0.05, rtol=0.05)


def test_pooled_maps_are_normalised_by_channel():
    pool = Pool2d(32, 8, in_shape=(2, 4, 4), kernel_size=2, mode="sum", norm=TDBatchNorm())
    spikes = torch.rand(3, 2, 32)
    torch.testing.assert_close(
        pool.transmit(spikes, dt=1.0)[0], by_hand(pool(spikes), 2, 1.0), rtol=1e-3, atol=1e-3
    )


def test_what_it_refuses():
    for options in ({"alpha": 0.0}, {"scale": -1.0}, {"momentum": 2.0}, {"eps": 0.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            TDBatchNorm(**options)
    message = r"layers\.maps\.projection: norm: give TDBatchNorm a scale, since ResonateFire does not say"
    with pytest.raises(ValueError, match=message):
        network(ResonateFire(), TDBatchNorm())
    lateral = partial(Dense, trainable=True, norm=TDBatchNorm())
    with pytest.raises(ValueError, match="Dense with norm TDBatchNorm must see a whole sequence at once"):
        SpikingNetwork({"a": SpikingLayer(Square(4, side=2.0), LIF(), lateral=lateral)})
