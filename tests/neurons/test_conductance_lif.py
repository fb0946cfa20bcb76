import math

import numpy as np
import pytest
import torch
from helpers.kernels import on_both
from helpers.neurons import potentials
from helpers.tensors import assert_equal, rand

from lightning_snn.neurons import LIF, ConductanceLIF
from lightning_snn.ops import backend


def one(value, steps):
    return torch.full((steps, 1, 1), value, dtype=torch.float64)


def test_a_held_conductance_pulls_towards_the_weighted_mean_of_the_reversals():
    model = ConductanceLIF(tau_excitation=1e-3, threshold=-1.0)
    v = potentials(model, one(0.5 / 1e-3, 2000))[-1].item()  # the conductance is 0.5 in every step
    assert v == pytest.approx((-65 + 0.5 * 0) / 1.5, abs=1e-3)


@pytest.mark.parametrize("dt", [0.01, 0.1])
def test_a_fine_step_follows_the_closed_form(dt):
    model = ConductanceLIF(tau_mem=20.0, tau_excitation=1e-6, threshold=-1.0, dt=dt)
    steps = round(30 / dt)
    v = potentials(model, one(0.8 / 1e-6, steps))[:, 0, 0]  # the conductance is 0.8 in every step
    time = dt * torch.arange(1, steps + 1, dtype=torch.float64)
    target = -65 / 1.8
    expected = target + (-65 - target) * torch.exp(-time * 1.8 / 20)
    assert (v - expected).abs().max() < 0.6 * dt


def test_held_inhibition_pulls_towards_its_reversal():
    model = ConductanceLIF(tau_inhibition=1e-3)
    state, nothing = model.rest(1, 1, one(0.0, 1)), one(0.0, 2000)
    _, state = model(nothing, state, inhibition=nothing + 0.5 / 1e-3)
    assert state.v.item() == pytest.approx((-65 - 0.5 * 100) / 1.5, abs=1e-3)
    assert state.inhibition.item() == 500


def test_a_spike_adds_to_the_inhibition_of_all_others_one_step_later():
    model, silent = ConductanceLIF(tau_inhibition=2.0), torch.zeros(1, 1, 3)
    state = model.rest(1, 3, silent)
    state = state._replace(v=torch.tensor([[-52.0, -65.0, -65.0]]))

    def run(current, state, before):
        return model.scan_uniform(current, state, before, 3.0, input="inhibition")

    first, state = run(silent + torch.tensor([5.0, 0.0, 0.0]), state, silent[0])
    assert first.tolist() == [[[1, 0, 0]]]
    assert not state.inhibition.any()
    second, state = run(silent, state, first[0])
    assert state.inhibition.tolist() == [[0, 3, 3]]
    _, state = run(silent, state, second[0])
    assert state.inhibition[0].tolist() == pytest.approx([0, 3 * np.exp(-0.5), 3 * np.exp(-0.5)])


def test_reset_refractory_period_and_rise_of_the_threshold():
    model = ConductanceLIF(threshold=-60.0, refractory=3.0, adaptation=0.5, tau_adaptation=10.0, tau_mem=10.0)
    spikes, _ = model(one(2.0, 40))
    times = spikes[:, 0, 0].nonzero()[:, 0].tolist()
    assert len(times) >= 3
    assert min(np.diff(times)) >= 4
    state = model.rest(1, 1, torch.zeros(1))._replace(v=torch.tensor([[-50.0]]))
    spike, state = model.advance(torch.zeros(1, 1), state)
    assert spike.item() == 1
    assert (state.v.item(), state.refractory.item(), state.adaptation.item()) == (-65, 3, 0.5)
    for left in (2, 1, 0):
        spike, state = model.advance(torch.full((1, 1), 100.0), state)
        assert (spike.item(), state.v.item(), state.refractory.item()) == (0, -65, left)
    assert state.adaptation.item() == pytest.approx(0.5 * np.exp(-0.3))


def test_thresholds_can_be_raised_where_the_model_has_one_that_adapts():
    model, rise = ConductanceLIF(), torch.tensor([1.0, 2.0])
    state = model.raise_thresholds(model.rest(3, 2, torch.zeros(1)), rise)
    assert torch.equal(state.adaptation, rise.expand(3, 2))
    raised = LIF().raise_thresholds(LIF().rest(3, 2, torch.zeros(1)), rise)
    assert torch.equal(raised.adaptation, rise.expand(3, 2))


@pytest.mark.parametrize("coupled", [False, True], ids=["alone", "coupled"])
@pytest.mark.parametrize("inhibited", [False, True], ids=["", "inhibited"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3, 50), (63, 1, 51), (63, 3, 50), (20, 2, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_kernel_gives_the_references_bits(shape, dtype, inhibited, coupled):
    steps, batch, nodes = shape
    model = ConductanceLIF(10.0, refractory=2.0, tau_adaptation=50.0, dt=0.5)
    drive = (rand(*shape, dtype=dtype) < 0.3) * 4 * rand(*shape, seed=1, dtype=dtype)
    others = {"inhibition": 0.3 * rand(*shape, seed=4, dtype=dtype)} if inhibited else {}
    before = (rand(batch, nodes, seed=3) < 0.1).to(dtype)
    state = model.rest(batch, nodes, drive)
    state = state._replace(v=state.v + 13 * rand(batch, nodes, seed=2, dtype=dtype))

    def scan(state, spikes):
        if coupled:
            return model.scan_uniform(drive, state, spikes, 0.2, input="inhibition", **others)
        return model(drive, state, **others)

    def run():
        spikes, end = scan(state, before)
        again, last = scan(end, spikes[-1])
        return [spikes, *end, again, *last]

    plain, fused = on_both(run)
    assert steps * batch * nodes < 1000 or 0.001 < plain[0].mean() < 0.5
    assert_equal(plain, fused)
    assert {value.dtype for value in fused} == {dtype}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_inhibition_of_all_others_equals_a_loop_written_out(dtype, batch):
    """Diehl and Cook's network, 400 units: in a winner's wake the others are silent."""
    model, shape = ConductanceLIF(), (100, batch, 400)
    drive = (rand(*shape, dtype=dtype) < 0.3) * 50 * rand(*shape, seed=1, dtype=dtype)
    first = (rand(batch, 400, seed=2) < 0.02).to(dtype)
    state = model.rest(batch, 400, drive)
    v, g_e, g_i, clock, rise = (value.clone() for value in state)
    step, decay_e, decay_i, fade = 1 / 100, math.exp(-1 / 1), math.exp(-1 / 2), math.exp(-1 / 1e7)
    mean_e, mean_i = -math.expm1(-1), -math.expm1(-1 / 2) * 2
    spikes, expected = first, []
    for t in range(100):
        g_e = g_e * decay_e + drive[t]
        g_i = g_i * decay_i + 60.0 * (spikes.sum(1, keepdim=True) - spikes)
        v = (v + step * (-65 + mean_e * g_e * 0.0 + mean_i * g_i * -100)) / (
            1 + step * (1 + mean_e * g_e + mean_i * g_i)
        )
        v = torch.where(clock > 0, -65.0, v)
        spikes = ((clock <= 0) & (v - (-52 + rise) >= 0)).to(dtype)
        v = torch.where(spikes > 0, -65.0, v)
        clock = torch.where(spikes > 0, 5.0, (clock - 1).clamp_min(0))
        rise = rise * fade + 0.05 * spikes
        expected.append(spikes)
    found, end = model.scan_uniform(drive, state, first, 60.0, input="inhibition")
    assert found.sum() > 20
    assert_equal([found, *end], [torch.stack(expected), v, g_e, g_i, clock, rise])


def test_transposed_and_expanded_input():
    model = ConductanceLIF(10.0)
    drive = rand(3, 20, 10)
    for view in (
        drive.transpose(0, 1)[:, :, :],
        drive[:1].expand(30, -1, -1),
        drive.transpose(0, 1)[:, :, ::2],
    ):
        state = model.rest(*view.shape[1:], view)
        with backend.use("reference"):
            expected = model(view, state)[0]
        assert expected.any()
        assert torch.equal(model(view, state)[0], expected)


def test_gradients_reach_the_inputs_through_the_plain_loop():
    drive, inhibition = 0.2 * rand(30, 2, 4), 0.1 * rand(30, 2, 4, seed=1)
    inputs = drive.requires_grad_(), inhibition.requires_grad_()
    spikes, end = ConductanceLIF()(drive, inhibition=inhibition)
    excited, inhibited = torch.autograd.grad(spikes.sum() + end.v.sum(), inputs)
    assert (excited >= 0).all()
    assert excited.any()
    assert (inhibited <= 0).all()
    assert inhibited.any()


def test_gradients_pass_through_the_spikes_that_inhibit():
    model, shape = ConductanceLIF(10.0, adaptation=1.0), (20, 2, 5)
    drive, first = 2 * rand(*shape, dtype=torch.float64), torch.zeros(2, 5, dtype=torch.float64)
    weight = rand(*shape, seed=1, dtype=torch.float64)

    def loop(current):
        state, spikes, found = model.rest(2, 5, current), first, []
        for step in current:
            sent = 0.3 * (spikes.sum(1, keepdim=True) - spikes)
            spikes, state = model.advance(step, state, inhibition=sent)
            found.append(spikes)
        return torch.stack(found)

    def fast(current):
        return model.scan_uniform(current, model.rest(2, 5, current), first, 0.3, input="inhibition")[0]

    found = []
    for run in (loop, fast):
        leaf = drive.clone().requires_grad_()
        spikes = run(leaf)
        (gradient,) = torch.autograd.grad((spikes * weight).sum(), leaf)
        found.append((spikes.detach(), gradient))
    assert found[0][0].sum() > 10
    assert_equal(*found)
    alone = drive.clone().requires_grad_()
    model(alone)[0][:, :, 0].sum().backward()
    assert not alone.grad[:, :, 1:].any()
    (through,) = torch.autograd.grad(fast(leaf)[:, :, 0].sum(), leaf)
    assert (through[:, :, 1:] < 0).any()


def test_state_is_split_without_a_trace():
    model, drive = ConductanceLIF(10.0), rand(40, 2, 10)
    whole, end = model(drive)
    first, middle = model(drive[:13])
    second, last = model(drive[13:], middle)
    assert whole.any()
    assert torch.equal(torch.cat([first, second]), whole)
    assert isinstance(last, ConductanceLIF.State)
    assert all(torch.equal(a, b) for a, b in zip(last, end, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_mem": 0.0}, "tau_mem must be a finite number above 0"),
        ({"adaptation": -1.0}, "adaptation must be a finite number, 0 or above"),
        ({"threshold": -70.0}, "threshold must lie above v_rest and v_reset"),
        ({"v_rest": -120.0}, "not below reversal_inhibition"),
        ({"reversal_excitation": -55.0}, "reversal_excitation must lie above threshold = -52.0, got -55.0"),
        ({"surrogate": "boxcar"}, "surrogate must be one of"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        ConductanceLIF(**options)


def test_a_parameter_is_a_number_or_one_a_neuron():
    with pytest.raises(ValueError, match="tau_mem must be a number, or one a neuron, got '100'"):
        ConductanceLIF("100")
    drive = (rand(60, 2, 2) < 0.3) * 8 * rand(60, 2, 2, seed=1)
    options = {"tau_mem": [10.0, 40.0], "adaptation": [0.5, 3.0]}
    found, end = ConductanceLIF(**options, threshold=-58.0)(drive)
    for n in range(2):
        alone = {name: values[n] for name, values in options.items()}
        expected, state = ConductanceLIF(**alone, threshold=-58.0)(drive[..., n : n + 1])
        assert expected.any()
        assert_equal([found[..., n : n + 1], *(x[:, n : n + 1] for x in end)], [expected, *state])
