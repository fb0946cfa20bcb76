"""Eligibility vectors: the kernels against the plain loop, at any number of variables."""

import pytest
import torch

from lightning_snn.ops import backend
from lightning_snn.ops.eligibility import Derivatives, eligibility


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("variables", [0, 1, 2, 3])
def test_kernels_follow_the_plain_loop(variables, dtype):
    v, s, p, k, b, f = variables, 3, 2, 5, 4, 7
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    by = Derivatives(draw(v, v, s, p, k, b), draw(v, s, p, k, b), draw(v, s, p, k, b), draw(s, p, k, b))
    signal, arrived = draw(s, p, k, b), draw(s, p, b, f)
    start, before = draw(v, p, k, b, f), draw(p, k, f)
    found = {}
    for name in ("numba", "reference"):
        found[name] = start.clone(), before.clone()
        with backend.use(name):
            eligibility(*found[name], by, signal, arrived)
    for one, other in zip(found["numba"], found["reference"], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4 if dtype == torch.float32 else 1e-12, atol=1e-5)
    assert not torch.equal(found["numba"][1], before)
