import math

import pytest
import torch
from helpers.kernels import on_both, threads

from lightning_snn.ops import backend
from lightning_snn.ops.exponential_filter import exponential_filter

SHAPES = [(1, 1, 1), (7, 3, 37), (63, 1, 130), (5, 4, 1)]
DECAY = math.exp(-1 / 5)


def make(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    current = torch.randn(shape, generator=generator, dtype=dtype)
    return current, torch.randn(shape[1:], generator=generator, dtype=dtype)


def loop(current, start, decay):
    """Every entry on its own, in float64."""
    found = torch.zeros(current.shape, dtype=torch.float64)
    for b in range(current.shape[1]):
        for n in range(current.shape[2]):
            total = start[b, n].item()
            for t in range(len(current)):
                total = decay * total + current[t, b, n].item()
                found[t, b, n] = total
    return found


def on(name, run):
    with backend.use(name):
        return run()


@pytest.mark.parametrize("decay", [0.0, DECAY, 1.0])
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_equals_a_loop_over_entries(shape, decay):
    current, start = make(*shape)
    expected = loop(current, start, decay)
    torch.testing.assert_close(
        exponential_filter(current, start, decay).double(), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_kernel_has_the_references_bits(shape, dtype):
    current, start = make(*shape, dtype=dtype)
    plain, fused = on_both(lambda: exponential_filter(current, start, DECAY))
    assert fused.dtype == dtype
    assert torch.equal(plain, fused)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_the_references(shape):
    weights = make(*shape, seed=1)[0]
    found = {}
    for name in ("reference", "numba"):
        current, start = (x.requires_grad_() for x in make(*shape))
        with backend.use(name):
            (exponential_filter(current, start, DECAY) * weights).sum().backward()
        found[name] = current.grad, start.grad
    for plain, fused in zip(*found.values(), strict=True):
        torch.testing.assert_close(fused, plain)
        assert fused.abs().sum() > 0


def test_gradients_of_any_order_are_those_of_differences():
    current, start = (x.requires_grad_() for x in make(6, 2, 3, dtype=torch.float64))
    with backend.use("numba"):
        assert torch.autograd.gradcheck(lambda x, s: exponential_filter(x, s, DECAY), (current, start))
        assert torch.autograd.gradgradcheck(
            lambda x, s: exponential_filter(x, s, DECAY).square(), (current, start)
        )


def test_a_sequence_in_two_parts_equals_the_whole():
    current, start = make(20, 3, 11)
    whole = exponential_filter(current, start, DECAY)
    first = exponential_filter(current[:7], start, DECAY)
    assert torch.equal(torch.cat([first, exponential_filter(current[7:], first[-1], DECAY)]), whole)


def test_expanded_and_transposed_input():
    current, start = make(6, 4, 5)
    for odd in (current[:1].expand(6, 4, 5), current.transpose(1, 2).contiguous().transpose(1, 2)):
        expected = on("reference", lambda odd=odd: exponential_filter(odd, start, DECAY))
        assert torch.equal(exponential_filter(odd, start, DECAY), expected)


def test_bits_do_not_depend_on_threads_or_the_split_of_the_batch():
    current, start = make(9, 6, 40)
    whole = exponential_filter(current, start, DECAY)
    with threads(2):
        assert torch.equal(exponential_filter(current, start, DECAY), whole)
    parts = zip(current.split(2, 1), start.split(2), strict=True)
    assert torch.equal(torch.cat([exponential_filter(*part, DECAY) for part in parts], 1), whole)


def test_the_operator_is_a_proper_one():
    from lightning_snn.ops.exponential_filter import _filter

    torch.library.opcheck(_filter, (*make(4, 2, 3), DECAY, False))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current": torch.zeros(3, 4)}, "current must be floating point"),
        ({"start": torch.zeros(3)}, r"start must be \[2, 3\] .* got \[3\]"),
        ({"decay": 1.5}, "decay must lie between 0 and 1, got 1.5"),
    ],
)
def test_errors(change, message):
    arguments = {"current": torch.zeros(4, 2, 3), "start": torch.zeros(2, 3), "decay": 0.5, **change}
    with pytest.raises(ValueError, match=message):
        exponential_filter(**arguments)
