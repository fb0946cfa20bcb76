"""Delays of single synapses: where in time a spike arrives, and what that is over steps."""

import torch
from torch import Tensor
from torch.nn import functional as F

AT_ONCE = 8
"""Fewest steps for which a convolution is faster than a product with windows."""


def folded(free: Tensor, longest: float) -> Tensor:
    """A delay from 0 to ``longest`` behind a free number, mirrored at both: no step of a gradient gets stuck.

    >>> folded(torch.tensor([-1.0, 0.0, 3.0, 5.0, 9.0]), 4.0)
    tensor([1., 0., 3., 3., 1.])
    """
    return longest - (torch.remainder(free, 2 * longest) - longest).abs()


def gaussian(delay: Tensor, sigma: Tensor, steps: int, dt: float) -> Tensor:
    """Shares ``[..., steps + 1]`` with which a spike arrives 0 to ``steps`` steps later, the last lag first.

    They follow a Gaussian around the ``delay``, of width ``sigma``, both in ms, and their sum is 1, so that
    the charge does not depend on ``dt``.

    Source: Khalfaoui-Hassani et al., arXiv:2306.00817 (2023) (Gaussian kernels of learned positions).
    """
    lags = torch.arange(steps, -1, -1, device=delay.device, dtype=delay.dtype) * dt
    return torch.softmax(-(((lags - delay[..., None]) / sigma) ** 2) / 2, dim=-1)


def whole(delay: Tensor, steps: int, dt: float) -> Tensor:
    """As `gaussian`, for a spike that arrives at the nearest whole step."""
    lags = torch.arange(steps, -1, -1, device=delay.device)
    nearest = (delay / dt).round().clamp(0, steps)
    return (lags == nearest[..., None]).to(delay.dtype)


def arriving(line: Tensor, kernel: Tensor) -> Tensor:
    """What arrives ``[T, B, K]`` of spikes ``[D + T, B, F]``, the first D of the steps before.

    ``kernel`` ``[K, F, D + 1]`` is what each of them delivers at each step, the last lag first.
    """
    longest = kernel.shape[-1]
    steps = len(line) - longest + 1
    if steps < AT_ONCE:
        windows = line.unfold(0, longest, 1)  # [T, B, F, D + 1]
        return windows.flatten(2) @ kernel.flatten(1).t()
    return F.conv1d(line.permute(1, 2, 0), kernel).permute(2, 0, 1)
