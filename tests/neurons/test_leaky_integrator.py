import math

import numpy as np
import torch
from helpers.tensors import randn

from lightning_snn import LeakyIntegrator


def test_the_potential_is_the_exact_solution_for_currents_that_are_held():
    model = LeakyIntegrator(12.0, v_rest=-0.5, resistance=2.5, dt=0.5)
    current = randn(40, 2, 3, dtype=torch.float64)
    v, expected = np.full((2, 3), -0.5), []
    for i in current.numpy():
        v = -0.5 + 2.5 * i + (v + 0.5 - 2.5 * i) * math.exp(-0.5 / 12.0)
        expected.append(v)
    found, state = model(current)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert torch.equal(state.v, found[-1])


def test_gradients_are_those_of_the_closed_form():
    current = randn(12, 1, 3, dtype=torch.float64).requires_grad_()
    v, _ = LeakyIntegrator(20.0, resistance=1.5)(current)
    (found,) = torch.autograd.grad(v[-1].sum(), current)
    decay = math.exp(-1 / 20)
    expected = 1.5 * (1 - decay) * decay ** torch.arange(11, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(found, expected[:, None, None].expand_as(found), rtol=1e-12, atol=0)


def test_it_is_graded_and_has_no_surrogate():
    assert LeakyIntegrator.graded
    assert not {"surrogate", "slope", "detach_reset"} & {*LeakyIntegrator.fields}
