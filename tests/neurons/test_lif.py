import math

import pytest
import torch
from helpers.neurons import potentials
from helpers.tensors import randn

from lightning_snn.neurons import LIF, IntegrateFire, Izhikevich

NEVER = 1e9
"""A threshold that nothing reaches."""


def constant(value, steps, dtype=torch.float64):
    return torch.full((steps, 1, 1), value, dtype=dtype)


def spike_steps(model, current):
    """Numbers of the steps, from 1, at whose end the one neuron spikes."""
    spikes, _ = model(current)
    return (spikes[:, 0, 0].nonzero()[:, 0] + 1).tolist()


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0, 7.3])
@pytest.mark.parametrize(("v_rest", "resistance"), [(0.0, 1.0), (-0.5, 2.5)])
def test_potential_follows_the_closed_form(dt, v_rest, resistance):
    model = LIF(20.0, v_rest=v_rest, resistance=resistance, threshold=NEVER, dt=dt)
    steps = round(60 / dt)
    v = potentials(model, constant(1.7, steps))[:, 0, 0]
    time = dt * torch.arange(1, steps + 1, dtype=torch.float64)
    expected = v_rest + resistance * 1.7 * (1 - torch.exp(-time / 20.0))
    torch.testing.assert_close(v, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dt", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("current", [1.01, 1.5, 4.0])
def test_inter_spike_interval_is_the_formula_rounded_up_to_steps(dt, current):
    model = LIF(20.0, resistance=1.2, dt=dt)
    drive = 1.2 * current
    interval = math.ceil(20.0 * math.log(drive / (drive - 1)) / dt)
    assert spike_steps(model, constant(current, 5 * interval)) == [k * interval for k in range(1, 6)]


def test_no_spike_below_rheobase():
    assert spike_steps(LIF(20.0), constant(0.999, 2000)) == []


@pytest.mark.parametrize(
    ("refractory", "dt", "clamped"), [(0.0, 1.0, 0), (3.0, 1.0, 3), (2.5, 1.0, 3), (0.3, 0.1, 3)]
)
def test_refractory_period_is_whole_steps_clamped_at_the_reset(refractory, dt, clamped):
    model = LIF(20.0, refractory=refractory, v_reset=-0.3, dt=dt)
    current = constant(100.0 / dt, 20)
    period = clamped + 1
    steps = spike_steps(model, current)
    assert steps == list(range(1, 21, period))
    quiet = [k for k in range(20) if k + 1 not in steps]
    assert potentials(model, current)[quiet].eq(-0.3).all()


def test_refractory_neurons_ignore_their_input():
    model = LIF(20.0, refractory=5.0)
    current = constant(100.0, 7)
    current[1:6] = randn(5, 1, 1, dtype=torch.float64) * 1e6
    assert spike_steps(model, current) == [1, 7]


def test_hard_reset_forgets_the_overshoot_and_soft_reset_keeps_it():
    current = constant(30.0, 1)
    overshoot = 30.0 * (1 - math.exp(-1 / 20))
    assert overshoot > 1
    assert potentials(LIF(20.0, v_reset=0.2), current).item() == pytest.approx(0.2)
    soft = LIF(20.0, v_reset=0.2, reset="soft")
    assert potentials(soft, current).item() == pytest.approx(overshoot - 1)


def test_soft_reset_lowers_by_the_threshold_that_was_crossed():
    model = LIF(20.0, reset="soft", adaptation=0.7)
    state = LIF.State(*(torch.tensor([[value]]) for value in (1.9, 0.0, 0.5)))
    spikes, after = model.advance(torch.tensor([[1.9]]), state)
    assert spikes.item() == 1
    assert after.v.item() == pytest.approx(0.4)


def test_adaptation_rises_at_spikes_and_decays_between():
    model = LIF(20.0, adaptation=0.5, tau_adaptation=80.0, dt=2.0)
    current = constant(1.45, 200)
    state, expected, spikes_seen = model.rest(1, 1, current), 0.0, 0
    for step in current:
        spikes, state = model.advance(step, state)
        expected = expected * math.exp(-2.0 / 80.0) + 0.5 * spikes.item()
        spikes_seen += int(spikes.item())
        assert state.adaptation.item() == pytest.approx(expected, abs=1e-12)
    assert spikes_seen >= 3
    assert spikes_seen < len(spike_steps(LIF(20.0, dt=2.0), current)) / 2


def test_adaptation_raises_the_threshold():
    model = LIF(20.0, adaptation=0.5)
    for rise, fires in ((0.0, 1), (0.4, 1), (0.6, 0)):
        state = LIF.State(*(torch.tensor([[value]]) for value in (1.5, 0.0, rise)))
        spikes, _ = model.advance(torch.tensor([[1.5]]), state)
        assert spikes.item() == fires


def test_gradient_below_threshold_is_that_of_the_closed_form():
    model = LIF(20.0, resistance=1.5, dt=0.5)
    current = (0.1 * randn(12, 2, 3, dtype=torch.float64)).requires_grad_()
    found = torch.autograd.grad(potentials(model, current)[-1].sum(), current)[0]
    decay = math.exp(-0.5 / 20)
    expected = 1.5 * (1 - decay) * decay ** torch.arange(11, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(found, expected[:, None, None].expand_as(found), rtol=1e-10, atol=1e-12)


def test_gradcheck_of_the_membrane_through_spikes_resets_and_refractoriness():
    model = LIF(20.0, refractory=2.0, adaptation=0.3)
    current = (15 + 15 * randn(8, 1, 4, dtype=torch.float64)).requires_grad_()
    spikes, _ = model(current)
    assert 4 <= spikes.sum() <= 20
    assert torch.autograd.gradcheck(lambda i: potentials(model, i), current, eps=1e-7)


@pytest.mark.parametrize("name", ["atan", "fast_sigmoid", "triangle"])
def test_gradient_of_a_spike_is_the_surrogate_at_its_distance_to_threshold(name):
    model = LIF(20.0, surrogate=name, threshold=2.0)
    current = torch.linspace(0, 80, 9, dtype=torch.float64).reshape(1, 1, 9).requires_grad_()
    spikes, _ = model(current)
    found = torch.autograd.grad(spikes.sum(), current)[0].flatten()
    gain = 1 - math.exp(-1 / 20)
    x = ((current.detach().flatten() * gain - 2) / 2).tolist()
    shape = {
        "atan": lambda x: 1 / (1 + (math.pi * x) ** 2),
        "fast_sigmoid": lambda x: 1 / (1 + 10 * abs(x)) ** 2,
        "triangle": lambda x: max(0.0, 1 - abs(x)),
    }[name]
    expected = torch.tensor([shape(value) * gain / 2 for value in x], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_gradient_reaches_the_input_of_every_step(reset):
    current = (0.5 + randn(20, 2, 3)).requires_grad_()
    spikes, _ = LIF(5.0, reset=reset)(current)
    (found,) = torch.autograd.grad(spikes[-1].sum(), current)
    assert found.isfinite().all()
    assert found[-1].gt(0).all()
    assert found.flatten(1).any(1).sum() >= 5


@pytest.mark.parametrize("split", [1, 17, 39])
def test_a_run_in_two_parts_equals_one_long_run(split):
    model = LIF(20.0, refractory=2.0, adaptation=0.3)
    current = 3 + 10 * randn(40, 2, 30)
    spikes, state = model(current)
    first, middle = model(current[:split])
    second, end = model(current[split:], middle)
    assert spikes.sum() > 100
    assert torch.equal(torch.cat([first, second]), spikes)
    assert all(torch.equal(a, b) for a, b in zip(end, state, strict=True))


def test_the_given_state_is_not_modified():
    model = LIF(20.0, refractory=2.0, adaptation=0.3)
    state = model.rest(1, 5, randn(1))
    before = [value.clone() for value in state]
    model(20 * randn(10, 1, 5).abs(), state)
    assert all(torch.equal(a, b) for a, b in zip(state, before, strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_input_keeps_the_state_in_float32(dtype):
    model = LIF(20.0)
    current = constant(1.5, 100, dtype)
    _, state = model(current)
    assert {value.dtype for value in state} == {torch.float32}
    assert spike_steps(model, current) == spike_steps(model, current.float())


def test_parameters_of_a_neuron():
    assert LIF(15.0, threshold=2.0).parameters_of(3) == {
        "tau_mem": 15.0, "v_rest": 0.0, "v_reset": 0.0, "threshold": 2.0, "resistance": 1.0,
        "refractory": 0.0, "adaptation": 0.0, "tau_adaptation": 100.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_mem": 0.0}, "tau_mem must be a finite number above 0, got 0.0"),
        ({"threshold": -1.0}, "v_reset must lie below threshold = -1.0, got 0.0"),
        ({"threshold": math.inf}, "threshold must be a finite number, got inf"),
        ({"scale": 0.0}, "scale must be a finite number above 0, got 0.0"),
        ({"resistance": 0.0}, "resistance must be a finite number above 0"),
        ({"tau_adaptation": math.inf}, "tau_adaptation must be a finite number above 0"),
        ({"refractory": -1.0}, "refractory must be a finite number, 0 or above"),
        ({"adaptation": -1.0}, "adaptation must be a finite number, 0 or above"),
        ({"reset": "firm"}, "reset must be one of hard, soft, got 'firm'"),
        (
            {"surrogate": "step"},
            "surrogate must be one of atan, .*, triangle, or the dotted path of .*, got 'step'",
        ),
        ({"v_rest": math.nan}, "v_rest must be a finite number, got nan"),
        ({"v_reset": 1.0}, "v_reset must lie below threshold = 1.0, got 1.0"),
        ({"dt": 0.0}, "dt must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        LIF(**options)


@pytest.mark.parametrize("current", [torch.ones(4, 3), torch.ones(0, 1, 3), torch.ones(4, 1, 3).long()])
def test_current_must_be_a_floating_point_sequence(current):
    with pytest.raises(ValueError, match=r"current must be floating point, \[T, B, N\]"):
        LIF()(current)


def test_a_changed_step_or_constant_acts_in_every_path():
    current = torch.ones(1, 1, 1)
    model = LIF(20.0)
    assert model(current)[1].v.item() == pytest.approx(1 - math.exp(-1 / 20))
    model.dt = 5.0
    for _, state in (model(current), model.advance(current[0], model.rest(1, 1, current))):
        assert state.v.item() == pytest.approx(1 - math.exp(-5 / 20))
    model.tau_mem = 10.0
    assert model(current)[1].v.item() == pytest.approx(1 - math.exp(-5 / 10))
    each = LIF([20.0])
    each(current)
    each.tau_mem[0] = 10.0
    assert each(current)[1].v.item() == pytest.approx(1 - math.exp(-1 / 10))
    sheet = model.scan_sheet(current, model.rest(1, 1, current), torch.zeros(1, 1), torch.zeros(1, 1))[1]
    assert sheet.v.item() == pytest.approx(1 - math.exp(-5 / 10))


def test_parameters_that_need_a_gradient_are_refused():
    for value in (torch.nn.Parameter(torch.tensor([20.0])), torch.tensor(20.0, requires_grad=True)):
        with pytest.raises(ValueError, match="tau_mem must be fixed, got a tensor that needs a gradient"):
            LIF(value)
        with pytest.raises(ValueError, match="a must be fixed, got a tensor that needs a gradient"):
            Izhikevich(a=value)
        with pytest.raises(ValueError, match="threshold must be fixed, got a tensor that needs a gradient"):
            IntegrateFire(value)
