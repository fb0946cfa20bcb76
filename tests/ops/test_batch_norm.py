import pytest
import torch
from helpers.kernels import on_both, with_threads
from helpers.tensors import rand, randn

from lightning_snn.core.batch_norm import PooledBatchNorm
from lightning_snn.ops import backend
from lightning_snn.ops.batch_norm import batch_norm
from lightning_snn.synapses.sequence_norm import SequenceBatchNorm

SHAPES = [(2, 1, 1), (5, 3, 1), (70, 4, 9), (1, 2, 7)]


def both_ways(shape, dtype, shift=0.0):
    values = (shift + 3 * randn(*shape).to(dtype)).requires_grad_()
    weight, bias = (x.to(dtype).requires_grad_() for x in (rand(shape[1]) + 0.5, rand(shape[1], seed=1)))
    normal, mean, variance = batch_norm(values, weight, bias, 1e-5)
    gradients = torch.autograd.grad(normal, [values, weight, bias], randn(*shape, seed=2).to(dtype))
    return [normal.detach(), mean, variance, *gradients]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_are_torchs(shape):
    reference, fused = on_both(lambda: both_ways(shape, torch.float32))
    assert reference[0].any()
    for found, expected in zip(fused, reference, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_large_mean_costs_no_digits():
    with backend.use("reference"):
        exact = both_ways((50, 2, 8), torch.float64, shift=1000.0)
    found = both_ways((50, 2, 8), torch.float32, shift=1000.0)
    torch.testing.assert_close(found[0].double(), exact[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(found[2].double(), exact[2], rtol=1e-3, atol=0)


def test_bits_do_not_depend_on_the_number_of_threads():
    one, two = (with_threads(n, lambda: both_ways((70, 5, 9), torch.float32)) for n in (1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_the_norm_of_charges_is_the_pooled_one(training):
    own, other = SequenceBatchNorm(4), PooledBatchNorm(4)
    for norm in (own, other):
        norm.train(training)
    for seed in range(3):
        values = 2 + randn(6, 4, 5, seed=seed)
        torch.testing.assert_close(own(values), other(values))
    for name, value in other.state_dict().items():
        torch.testing.assert_close(own.state_dict()[name], value)
    torch.testing.assert_close(own(rand(1, 4, 1)), other(rand(1, 4, 1)))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(own(values.bfloat16()), other(values.bfloat16()))
