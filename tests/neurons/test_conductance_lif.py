import numpy as np
import pytest
import torch
from helpers.neurons import potentials
from helpers.tensors import rand

from lightning_snn.dynamics.conductance_lif import ConductanceLIFState
from lightning_snn.neurons import LIF, ConductanceLIF
from lightning_snn.ops import backend


def one(value, steps):
    return torch.full((steps, 1, 1), value, dtype=torch.float64)


def test_a_held_conductance_pulls_towards_the_weighted_mean_of_the_reversals():
    model = ConductanceLIF(tau_excitation=1e-3, threshold=-1.0, inhibition=0.0)
    v = potentials(model, one(0.5, 2000))[-1].item()  # the conductance is 0.5 in every step
    assert v == pytest.approx((-65 + 0.5 * 0) / 1.5, abs=1e-3)


@pytest.mark.parametrize("dt", [0.01, 0.1])
def test_a_fine_step_follows_the_closed_form(dt):
    model = ConductanceLIF(tau_mem=20.0, tau_excitation=1e-6, threshold=-1.0, dt=dt)
    steps = round(30 / dt)
    v = potentials(model, one(0.8, steps))[:, 0, 0]
    time = dt * torch.arange(1, steps + 1, dtype=torch.float64)
    target = -65 / 1.8
    expected = target + (-65 - target) * torch.exp(-time * 1.8 / 20)
    assert (v - expected).abs().max() < 0.6 * dt


def test_a_spike_adds_to_the_inhibition_of_all_others_one_step_later():
    model = ConductanceLIF(inhibition=3.0, tau_inhibition=2.0)
    state = model.rest(1, 3, torch.zeros(1))
    state = state._replace(v=torch.tensor([[-52.0, -65.0, -65.0]]))
    first, state = model.step(torch.zeros(1, 3) + torch.tensor([5.0, 0.0, 0.0]), state)
    assert first.tolist() == [[1, 0, 0]]
    assert not state.inhibition.any()
    _, state = model.step(torch.zeros(1, 3), state)
    assert state.inhibition.tolist() == [[0, 3, 3]]
    _, state = model.step(torch.zeros(1, 3), state)
    assert state.inhibition[0].tolist() == pytest.approx([0, 3 * np.exp(-0.5), 3 * np.exp(-0.5)])


def test_reset_refractory_period_and_rise_of_the_threshold():
    model = ConductanceLIF(threshold=-60.0, refractory=3.0, adaptation=0.5, tau_adaptation=10.0, tau_mem=10.0)
    spikes, _ = model(one(2.0, 40))
    times = spikes[:, 0, 0].nonzero()[:, 0].tolist()
    assert len(times) >= 3
    assert min(np.diff(times)) >= 4
    state = model.rest(1, 1, torch.zeros(1))._replace(v=torch.tensor([[-50.0]]))
    spike, state = model.step(torch.zeros(1, 1), state)
    assert spike.item() == 1
    assert (state.v.item(), state.refractory.item(), state.adaptation.item()) == (-65, 3, 0.5)
    for left in (2, 1, 0):
        spike, state = model.step(torch.full((1, 1), 100.0), state)
        assert (spike.item(), state.v.item(), state.refractory.item()) == (0, -65, left)
    assert state.adaptation.item() == pytest.approx(0.5 * np.exp(-0.3))


def test_thresholds_can_be_raised_where_the_model_has_one_that_adapts():
    model, rise = ConductanceLIF(), torch.tensor([1.0, 2.0])
    state = model.raise_thresholds(model.rest(3, 2, torch.zeros(1)), rise)
    assert torch.equal(state.adaptation, rise.expand(3, 2))
    raised = LIF().raise_thresholds(LIF().rest(3, 2, torch.zeros(1)), rise)
    assert torch.equal(raised.adaptation, rise.expand(3, 2))


@pytest.mark.parametrize("shape", [(1, 1, 1), (63, 3, 50), (20, 2, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_kernel_gives_the_references_bits(shape, dtype):
    steps, batch, nodes = shape
    model = ConductanceLIF(10.0, inhibition=0.2, refractory=2.0, tau_adaptation=50.0, dt=0.5)
    drive = (rand(*shape, dtype=dtype) < 0.3) * 2 * rand(*shape, seed=1, dtype=dtype)
    state = model.rest(batch, nodes, drive)
    state = state._replace(
        v=state.v + 13 * rand(batch, nodes, seed=2, dtype=dtype),
        spikes=(rand(batch, nodes, seed=3) < 0.1).to(dtype),
    )
    found = []
    for name in ("reference", "numba"):
        with backend.use(name):
            spikes, end = model(drive, state)
            again, last = model(drive, end)
            found.append([spikes, *end, again, *last])
    assert steps * batch * nodes < 100 or 0.001 < found[0][0].mean() < 0.5
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype == dtype
        assert torch.equal(a, b)


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


def test_gradients_reach_the_drive_through_the_plain_loop():
    drive = (0.2 * rand(30, 2, 4)).requires_grad_()
    spikes, end = ConductanceLIF()(drive)
    (gradient,) = torch.autograd.grad(spikes.sum() + end.v.sum(), drive)
    assert gradient.isfinite().all()
    assert gradient.any()


def test_state_is_split_without_a_trace():
    model, drive = ConductanceLIF(10.0), rand(40, 2, 10)
    whole, end = model(drive)
    first, middle = model(drive[:13])
    second, last = model(drive[13:], middle)
    assert whole.any()
    assert torch.equal(torch.cat([first, second]), whole)
    assert isinstance(last, ConductanceLIFState)
    assert all(torch.equal(a, b) for a, b in zip(last, end, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_mem": 0.0}, "tau_mem must be a finite number above 0"),
        ({"inhibition": -1.0}, "inhibition must be a finite number, 0 or above"),
        ({"threshold": -70.0}, "threshold must lie above v_rest and v_reset"),
        ({"v_rest": -120.0}, "not below reversal_inhibition"),
        ({"reversal_excitation": -55.0}, "reversal_excitation must lie above threshold = -52.0, got -55.0"),
        ({"surrogate": "boxcar"}, "surrogate must be one of"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        ConductanceLIF(**options)


@pytest.mark.parametrize("value", [[100.0, 50.0], torch.tensor([100.0, 50.0]), "100"])
def test_its_parameters_are_single_numbers(value):
    with pytest.raises(ValueError, match="tau_mem must be one number, the same for all neurons, got"):
        ConductanceLIF(value)
    with pytest.raises(ValueError, match="inhibition must be one number, the same for all neurons, got"):
        ConductanceLIF(inhibition=value)
