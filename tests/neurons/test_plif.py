import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn import PLIF


def paper(current, w, v_reset=0.0, threshold=1.0):
    """``ParametricLIFNode(decay_input=True)``: spikes ``[T, ...]``, ``1 / tau`` being the logistic of w."""
    v, share = np.full(current.shape[1:], v_reset), 1 / (1 + np.exp(-w))
    for x in current:
        v = v + (x - (v - v_reset)) * share
        spikes = v >= threshold
        v = np.where(spikes, v_reset, v)
        yield spikes


@pytest.mark.parametrize("v_reset", [0.0, -0.5])
@pytest.mark.parametrize("tau", [1.3, 2.0, 9.0])
def test_spikes_are_those_of_the_papers_steps(tau, v_reset):
    current = 3 * rand(100, 2, 6, dtype=torch.float64)
    spikes, _ = PLIF(tau, v_reset=v_reset)(current)
    expected = np.stack([*paper(current.numpy(), -np.log(tau - 1), v_reset)])
    np.testing.assert_array_equal(spikes.detach(), expected)
    assert 0.01 < expected.mean() < 0.8


def test_what_is_learned_is_the_papers_number():
    model = PLIF(2.5)
    (w,) = model.parameters()
    assert 1 / (1 + w.exp().item()) == pytest.approx(1 / 2.5)
    current = (2 * rand(1, 1, 8)).requires_grad_()
    _, state = PLIF(2.5, threshold=1e9).double()(current.double())
    assert state.v.requires_grad
    _, state = model(current)
    (found,) = torch.autograd.grad(state.v[state.v != 0].sum(), w)
    kept = current[0][state.v != 0].sum().item()
    assert found.item() == pytest.approx(-kept * 0.4 * 0.6, rel=1e-5)  # the logistic's derivative


def test_a_finer_step_moves_as_far():
    current = torch.full((10, 1, 3), 0.7, dtype=torch.float64)
    _, state = PLIF(3.0)(current)
    _, fine = PLIF(3.0, dt=0.25)(current.repeat_interleave(4, 0))
    torch.testing.assert_close(fine.v, state.v)


def test_learning_is_the_default_and_can_be_left():
    assert [name for name, _ in PLIF().named_parameters()] == ["learned.tau_mem"]
    assert PLIF([2.0, 3.0]).learned["tau_mem"].shape == (2,)
    assert not [*PLIF(learn=[]).parameters()]
    with pytest.raises(ValueError, match=r"^tau_mem must be a finite number above 1, got 1.0$"):
        PLIF(1.0)


def test_steps_of_gradient_keep_it_in_its_range():
    model = PLIF(1.5, threshold=1e9)
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    for _ in range(3):
        optimizer.zero_grad()
        _, state = model(rand(5, 1, 8))
        (-state.v.sum()).backward()
        optimizer.step()
    assert 1.0 <= model.tau_mem < 1.1
