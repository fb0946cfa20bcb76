"""At 1 ms the paper's program bit for bit; at 0.01 ms the paper's equations."""

import math

import numpy as np
import pytest
import torch

from lightning_snn.geometry import Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import Izhikevich
from lightning_snn.neurons.presets import PRESETS
from lightning_snn.ops import backend
from lightning_snn.synapses import LateralKernel


def papers_program(a, b, c, d, current):
    """The 1 ms loop of the paper's MATLAB program in float32, neuron by neuron, from rest."""
    f = np.float32
    v = [f(-65.0)] * current.shape[1]
    u = [b[n] * v[n] for n in range(len(v))]
    fired = np.zeros(current.shape, np.float32)
    for t in range(len(current)):
        for n in range(len(v)):
            i = current[t, n]
            for _ in range(2):
                v[n] = v[n] + f(0.5) * (f(0.04) * v[n] * v[n] + f(5) * v[n] + f(140) - u[n] + i)
            u[n] = u[n] + a[n] * (b[n] * v[n] - u[n])
            if v[n] >= f(30):
                fired[t, n] = 1
                v[n], u[n] = c[n], u[n] + d[n]
    return fired, np.array(v), np.array(u)


def runge_kutta_spikes(a, b, c, d, *, current, duration, h=0.01):
    """Spike times in ms of the equations themselves: classical Runge-Kutta in float64 with the moment of
    the spike interpolated.
    """

    def slope(v, u):
        return 0.04 * v * v + 5 * v + 140 - u + current, a * (b * v - u)

    def step(v, u, h):
        v1, u1 = slope(v, u)
        v2, u2 = slope(v + h / 2 * v1, u + h / 2 * u1)
        v3, u3 = slope(v + h / 2 * v2, u + h / 2 * u2)
        v4, u4 = slope(v + h * v3, u + h * u3)
        return v + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4), u + h / 6 * (u1 + 2 * u2 + 2 * u3 + u4)

    v, u, times = -65.0, b * -65.0, []
    for k in range(round(duration / h)):
        next_v, next_u = step(v, u, h)
        if next_v >= 30:
            share = (30 - v) / (next_v - v)
            times.append((k + share) * h)
            next_v, next_u = step(c, u + share * (next_u - u) + d, (1 - share) * h)
        v, u = next_v, next_u
    return torch.tensor(times)


def rate(preset, **options):
    spikes, _ = Izhikevich(preset, **options)(torch.full((1000, 1, 1), 10.0))
    return spikes.sum().item()


def random_current(steps, batch, neurons, seed=0):
    return 6 + 5 * torch.randn(steps, batch, neurons, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def fine_spikes():
    """Spike times by preset: 1 s at 0.01 ms with an input of 10."""
    a, b, c, d = zip(*PRESETS.values(), strict=True)
    model = Izhikevich(a=a, b=b, c=c, d=d, dt=0.01)
    with torch.inference_mode():
        spikes, _ = model(torch.full((1, 1, 1), 10.0).expand(100_000, 1, len(PRESETS)))
    return {name: 0.01 * (spikes[:, 0, n].nonzero()[:, 0] + 1) for n, name in enumerate(PRESETS)}


def test_equals_the_papers_program_bit_for_bit():
    model = Izhikevich("heterogeneous", num_neurons=40, seed=1)
    current = random_current(400, 1, 40)
    spikes, state = model(current)
    parameters = [getattr(model, name).numpy() for name in "abcd"]
    fired, v, u = papers_program(*parameters, current[:, 0].numpy())
    assert fired.sum() > 200
    assert np.array_equal(spikes[:, 0].numpy(), fired)
    assert np.array_equal(state.v[0].numpy(), v)
    assert np.array_equal(state.u[0].numpy(), u)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_at_a_fine_step_spikes_are_those_of_the_equations(preset, fine_spikes):
    expected = runge_kutta_spikes(*PRESETS[preset], current=10.0, duration=1000.0)
    found = fine_spikes[preset]
    assert len(expected) >= 10
    assert (found[:10] - expected[:10]).abs().max() < 0.5
    assert abs(len(found) - len(expected)) <= 0.01 * len(expected)


@pytest.mark.parametrize(
    ("preset", "plain", "clipped"),
    [("regular_spiking", 20, 22), ("thalamo_cortical", 81, 147)],
)
def test_rates_at_1_ms_and_what_clipping_the_peak_does(preset, plain, clipped):
    assert rate(preset) == plain
    assert rate(preset, clip_peak=True) == clipped


def test_clipping_keeps_v_below_the_peak_before_u_is_updated():
    model = Izhikevich("regular_spiking", clip_peak=True, d=0.0)
    state = model.rest(1, 1, torch.zeros(1))._replace(v=torch.tensor([[29.0]]), u=torch.tensor([[-13.0]]))
    spikes, after = model.advance(torch.tensor([[10.0]]), state)
    assert spikes.item() == 1
    assert after.v.item() == -65
    assert after.u.item() == pytest.approx(-13 + 0.02 * (0.2 * 30 + 13))


def test_presets_are_those_of_the_paper():
    assert PRESETS == {
        "regular_spiking": (0.02, 0.2, -65, 8),
        "intrinsically_bursting": (0.02, 0.2, -55, 4),
        "chattering": (0.02, 0.2, -50, 2),
        "fast_spiking": (0.1, 0.2, -65, 2),
        "low_threshold_spiking": (0.02, 0.25, -65, 2),
        "thalamo_cortical": (0.02, 0.25, -65, 0.05),
        "resonator": (0.1, 0.26, -65, 2),
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_every_neuron_its_parameters(preset):
    model = Izhikevich(preset)
    assert list(model.parameters_of(5).values()) == pytest.approx([*PRESETS[preset], 0.0])
    assert model.sized(7) is model


def test_single_parameters_override_the_preset():
    model = Izhikevich("chattering", d=[1.0, 3.0], a=0.03)
    assert model.parameters_of(1) == pytest.approx({"a": 0.03, "b": 0.2, "c": -50, "d": 3.0, "refractory": 0})


def test_heterogeneous_neurons_lie_between_regular_spiking_and_chattering():
    model = Izhikevich("heterogeneous", seed=2).sized(5000)
    square = (model.c + 65) / 15
    torch.testing.assert_close(model.d, 8 - 6 * square)
    assert square.min() >= 0
    assert square.max() <= 1
    assert square.sqrt().mean() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(model.c, Izhikevich("heterogeneous", seed=2, num_neurons=5000).c)
    assert not torch.equal(model.c, Izhikevich("heterogeneous", seed=3, num_neurons=5000).c)
    assert {model.a.unique().item(), model.b.unique().item()} == {torch.tensor(x).item() for x in (0.02, 0.2)}


@pytest.mark.parametrize("split", [1, 33, 99])
def test_a_run_in_two_parts_equals_one_long_run(split):
    model = Izhikevich("heterogeneous", num_neurons=20)
    current = random_current(100, 2, 20)
    spikes, state = model(current)
    first, middle = model(current[:split])
    second, end = model(current[split:], middle)
    assert spikes.sum() > 50
    assert torch.equal(torch.cat([first, second]), spikes)
    assert all(torch.equal(x, y) for x, y in zip(end, state, strict=True))


def test_a_sample_does_not_depend_on_the_others():
    model = Izhikevich("heterogeneous", num_neurons=20)
    current = random_current(100, 3, 20)
    assert torch.equal(model(current)[0][:, 1:2], model(current[:, 1:2])[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_input_keeps_the_state_in_float32(dtype):
    model = Izhikevich()
    current = torch.full((300, 1, 1), 10.0, dtype=dtype)
    spikes, state = model(current)
    assert (state.v.dtype, state.u.dtype) == (torch.float32, torch.float32)
    assert torch.equal(spikes.float(), model(current.float())[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "regular"}, "preset must be one of chattering, .*, got 'regular'"),
        ({"a": math.nan}, "a must be a finite number, got nan"),
        ({"d": [1.0, math.inf]}, "d must be a finite number, got inf"),
        ({"dt": -1.0}, "dt must be a finite number above 0, got -1.0"),
        ({"num_neurons": 0}, "num_neurons must be a whole number above 0, got 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Izhikevich(**options)


def test_a_heterogeneous_population_without_a_size_cannot_run():
    with pytest.raises(ValueError, match="a heterogeneous population needs num_neurons"):
        Izhikevich("heterogeneous")(torch.ones(3, 1, 4))


INHIBITION = {
    "constant": torch.full((200, 1, 1), -300.0),
    "strong": torch.full((200, 1, 1), -1e4),
    "huge": torch.full((200, 1, 1), -1e6),
    "threshold of the overshoot": torch.full((200, 1, 1), -230.0),
    "pulse": torch.cat([torch.full((1, 1, 1), -185.0), torch.zeros(199, 1, 1)]),
}


@pytest.mark.parametrize("backend_name", ["reference", "numba"])
@pytest.mark.parametrize("clip_peak", [False, True])
@pytest.mark.parametrize("inhibition", INHIBITION.values(), ids=INHIBITION)
def test_inhibition_never_makes_a_neuron_spike(inhibition, clip_peak, backend_name):
    for dtype in (torch.float32, torch.float64):
        for dt in (0.1, 0.5, 1.0, 2.0, 5.0):
            model = Izhikevich(dt=dt, clip_peak=clip_peak)
            with backend.use(backend_name):
                spikes, state = model(inhibition.to(dtype))
            assert spikes.sum() == 0, dt
            assert state.v.isfinite().all()
            assert state.u.isfinite().all()
            assert state.u.abs().max() <= 0.2001 * (62.5 + 75 / dt)


def test_any_state_and_any_drive_stay_finite():
    model = Izhikevich()
    current = torch.tensor([1e4, -1e4, 1e10, -1e10, 0.0]).expand(50, 1, 5).clone()
    current[25:] *= -1
    start = model.rest(1, 5, current)._replace(v=torch.tensor([[-1e3, -1e4, -1e30, -300.0, -1e37]]))
    _, state = model(current, start)
    assert state.v.isfinite().all()
    assert state.u.isfinite().all()


def test_gradients_under_inhibition_are_the_references():
    current = 20 - 300 * torch.rand(30, 2, 40, generator=torch.Generator().manual_seed(0))
    model, found = Izhikevich(dt=1.0), []
    for name in ("reference", "numba"):
        leaf = current.clone().requires_grad_()
        with backend.use(name):
            spikes, state = model(leaf)
        (spikes.sum() + (state.v * 0.01).sum() + state.u.sum()).backward()
        found.append((state.v.detach(), leaf.grad))
    assert (found[0][0] == -137.5).any()
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(*(gradient for _, gradient in found))


def test_waves_keep_the_bits_of_the_papers_program():
    """As it stood before the half-steps were limited: waves never reach the limits."""
    layer = SpikingLayer(
        Square(1500, 28.0, seed=0), Izhikevich("heterogeneous"), lateral=LateralKernel(inhibition_range=5.0)
    )
    network = SpikingNetwork({"sheet": layer})
    lateral = network.connection("sheet_lateral").projection
    noise = 3 * torch.randn(1000, 1, 1500, generator=torch.Generator().manual_seed(0))
    spikes_of, state = network(noise)
    found, end = spikes_of["sheet"], state.layers["sheet"]
    p = layer.neuron
    spikes, v, u = torch.zeros(1, 1500), torch.full((1, 1500), -65.0), p.b * torch.full((1, 1500), -65.0)
    for t in range(1000):
        current = noise[t] + lateral(spikes)
        for _ in range(2):
            v = v + 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + current)
        u = u + p.a * (p.b * v - u)
        fired = v >= 30
        spikes, v, u = fired.float(), torch.where(fired, p.c, v), torch.where(fired, u + p.d, u)
        assert torch.equal(found[t], spikes), t
    assert found.sum() > 3000
    assert torch.equal(end.neurons.v, v)
    assert torch.equal(end.neurons.u, u)


def with_a_clock(current, dt, refractory):
    """Spikes ``[T]`` of a regular spiking neuron that rests at c after each, by a plain loop in float64."""
    a, b, c, d = PRESETS["regular_spiking"]
    v, u, left, spikes = -65.0, -65.0 * b, 0, []
    for i in current:
        if left > 0:
            left, u = left - 1, u + dt * a * (b * v - u)
            spikes.append(0.0)
            continue
        for _ in range(2):
            v += 0.5 * dt * (0.04 * v * v + 5 * v + 140 - u + i)
        u += dt * a * (b * v - u)
        spikes.append(float(v >= 30))
        if v >= 30:
            v, u, left = c, u + d, math.ceil(refractory / dt - 1e-6)
    return spikes


@pytest.mark.parametrize(("dt", "refractory"), [(1.0, 3.0), (0.5, 3.2), (0.25, 5.0), (0.1, 5.0)])
@pytest.mark.parametrize("drive", [10.0, 200.0])
def test_a_refractory_time_holds_v_while_u_goes_on(dt, refractory, drive):
    current = torch.full((round(200 / dt), 1, 1), drive, dtype=torch.float64)
    neuron = Izhikevich(refractory=refractory, dt=dt).double()
    neuron.a, neuron.b = torch.full_like(neuron.a, 0.02), torch.full_like(neuron.b, 0.2)
    spikes, state = neuron(current)
    expected = with_a_clock(current.flatten().tolist(), dt, refractory)
    assert spikes.flatten().tolist() == expected
    assert sum(expected) > 3
    times = torch.tensor(expected).nonzero()[:, 0]
    assert times.diff().min() > refractory / dt
    first, middle = neuron(current[:37])
    second, after = neuron(current[37:], middle)
    assert torch.equal(torch.cat([first, second]), spikes)
    assert all(map(torch.equal, after, state))


def test_a_refractory_sheet_runs_as_its_plain_loop():
    layer = SpikingLayer(
        Square(60, 6.0, seed=0),
        Izhikevich("heterogeneous", refractory=4.0, seed=0),
        lateral=LateralKernel(inhibition_range=4.0),
    )
    network = SpikingNetwork({"sheet": layer}, dt=0.5, seed=0)
    torch.manual_seed(0)
    current = 20 * torch.randn(200, 2, 60)
    spikes, _ = network(current)
    coupling, state = network.projections["sheet_lateral"], layer.neuron.rest(2, 60, current[0])
    sent = [torch.zeros(2, 60)] * 2
    for step, given in enumerate(current):
        fired, state = layer.neuron.advance(given + coupling(sent[-2]) / 0.5, state)
        sent.append(fired)
        torch.testing.assert_close(fired, spikes["sheet"][step])
    assert torch.stack(sent).sum() > 20


def test_a_negative_refractory_time_is_refused():
    with pytest.raises(ValueError, match=r"refractory must be a finite number, 0 or above, got -1.0"):
        Izhikevich(refractory=-1.0)
