"""What an image delivers in a time does not depend on dt: pulses are charges, currents are held."""

import pytest
import torch

from lightning_snn.core.batches import Sequences
from lightning_snn.encoders import ConstantCurrent, Frames, Latency, Poisson
from lightning_snn.geometry import Maps
from lightning_snn.neurons import LIF, Relay

DTS = (1.0, 0.5, 0.25, 0.1)
TIME = 400
VALUES = torch.linspace(0.1, 1, 50).expand(8, 50)

at_every_dt = pytest.mark.parametrize("dt", DTS)


def potential(current, dt):
    """Mean potential over time of neurons with a leak, whose steady state is the mean current."""
    neuron = LIF(20.0, threshold=1e6, dt=dt)
    state, total = neuron.rest(*current.shape[1:], current), 0.0
    for step in current:
        _, state = neuron.advance(step, state)
        total = total + dt * state.v
    return total / TIME


@at_every_dt
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("seed", [0, None])
def test_poisson_pulses_deliver_their_amplitude(dt, dtype, seed):
    torch.manual_seed(0)
    encoder = Poisson(round(TIME / dt), max_rate=100.0, amplitude=3.0, seed=seed)
    current = encoder(VALUES.to(dtype), dt=dt)
    assert set(current.unique().tolist()) == {0.0, torch.tensor(3.0 / dt).to(dtype).item()}
    charge = dt * current.double().sum(0).mean(0)
    expected = 3.0 * 0.1 * TIME * VALUES[0].double()  # 100 Hz are .1 a ms
    assert charge.sum() == pytest.approx(expected.sum().item(), rel=0.06)
    assert torch.corrcoef(torch.stack([charge, expected]))[0, 1] > (0.9 if seed is None else 0.8)
    spikes, _ = Relay(dt=dt)(current / 3.0)
    if dtype != torch.bfloat16:
        assert set(spikes.unique().tolist()) == {0.0, 1.0}


@at_every_dt
def test_a_leaky_neuron_is_driven_alike_by_pulses_at_any_dt(dt):
    current = Poisson(round(TIME / dt), max_rate=100.0, amplitude=3.0, seed=None)
    torch.manual_seed(1)
    found = potential(current(torch.full((20, 50), 0.8), dt=dt), dt).mean().item()
    assert found == pytest.approx(3.0 * 0.08, rel=0.07)  # less the time of the rise, 5 %


@at_every_dt
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_a_latency_pulse_is_a_charge_of_1_at_its_time(dt, dtype):
    values = torch.tensor([[1.0, 0.7, 0.3, 0.0]], dtype=dtype)
    current = Latency(round(20 / dt))(values, dt=dt)
    charge = dt * current.double().sum(0)
    torch.testing.assert_close(charge, torch.tensor([[1.0, 1, 1, 0]]).double(), rtol=0.01, atol=0)
    time = dt * current[:, 0, :3].double().argmax(0)
    assert ((time - 20 * (1 - values[0, :3].double())).abs() <= dt + 0.1).all()


@at_every_dt
@pytest.mark.parametrize("lengths", [None, [3, 1]])
def test_frames_without_a_time_are_charges(dt, lengths):
    frames = torch.tensor([[[1.0, -0.5], [0.0, 2.0], [0.25, 0.0]]]).expand(2, 3, 2)
    given = frames if lengths is None else Sequences(frames, torch.tensor(lengths))
    once = Frames(2.0, bias=0.5).encode(given, Maps(1, 1, 2), dt=1.0)
    current = Frames(2.0, bias=0.5).encode(given, Maps(1, 1, 2), dt=dt)
    torch.testing.assert_close(dt * current, once)
    sent, _ = Relay(dt=dt)(current)
    torch.testing.assert_close(sent, once)


@at_every_dt
def test_frames_with_a_time_are_currents(dt):
    frames = torch.rand(2, 5, 4, generator=torch.Generator().manual_seed(0))
    encoder = Frames(3.0, bias=1.0, frame_time=4.0)
    current = encoder.encode(frames, Maps(1, 2, 2), dt=dt)
    assert len(current) == encoder.steps(frames, dt=dt) == round(20 / dt)
    expected = (1 + 3 * frames).transpose(0, 1)
    torch.testing.assert_close(current[:: round(4 / dt)], expected)
    torch.testing.assert_close(dt * current.sum(0), 4 * expected.sum(0), rtol=1e-5, atol=1e-5)


@at_every_dt
def test_a_constant_current_is_one_whatever_the_step(dt):
    encoder = ConstantCurrent(round(TIME / dt), gain=2.0, bias=0.5)
    found = potential(encoder(VALUES, dt=dt), dt)
    held = 0.5 + 2 * VALUES
    error = (found / (held * (1 - 20 / TIME)) - 1).abs().max().item()  # 1 - tau / T of the rise
    assert error < 0.0015 * dt + 1e-4
