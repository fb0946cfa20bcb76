"""Which steps of outputs over time count: those before the end of each sample."""

import torch
from torch import Tensor


def within(lengths: Tensor | None, steps: int) -> Tensor | None:
    """Whether each step lies within its sample ``[T, B]``; None where all do.

    >>> within(torch.tensor([1, 2]), 2)
    tensor([[ True,  True],
            [False,  True]])
    """
    return None if lengths is None else torch.arange(steps, device=lengths.device)[:, None] < lengths


def mean_over_time(output: Tensor, lengths: Tensor | None) -> Tensor:
    """The mean ``[B, C]`` of outputs ``[T, B, C]`` over the steps of each sample."""
    inside = within(lengths, len(output))
    if inside is None or lengths is None:
        return output.mean(0)
    return (output * inside[..., None]).sum(0) / lengths[:, None]
