"""Numbers to test with, the same in every run of a test, and comparisons bit for bit."""

import torch


def rand(*shape, seed=0, dtype=torch.float32):
    """Uniform between 0 and 1."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def randn(*shape, seed=0, dtype=torch.float32):
    """Normal, of mean 0 and variance 1."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def spikes_of(*shape, share=0.3, seed=0):
    """Spikes in {0, 1}, each entry one with probability ``share``."""
    return (rand(*shape, seed=seed) < share).float()


def assert_equal(one, other):
    """Sequences of tensors of the same types and bits."""
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


def assert_same(one, other):
    """Tensors by name, as those of a state, with the same names and bits."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
