"""Which steps of outputs over time count: those before the end of each sample."""

import torch
from torch import Tensor

from lightning_snn.core.time import within


def up_to(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Values ``[T, B, ...]`` with 0 behind the end of each sample."""
    if lengths is None:
        return values
    inside = within(lengths, len(values))
    return values.where(inside.view(*inside.shape, *[1] * (values.ndim - 2)), 0.0)


def mean_over_time(values: Tensor, lengths: Tensor | None) -> Tensor:
    """The mean ``[B, ...]`` of values ``[T, B, ...]`` over the steps of each sample."""
    if lengths is None:
        return values.mean(0)
    return up_to(values, lengths).sum(0) / lengths.view(-1, *[1] * (values.ndim - 2))


def largest_over_time(values: Tensor, lengths: Tensor | None) -> Tensor:
    """The largest ``[B, C]`` of values ``[T, B, C]`` over the steps of each sample."""
    if lengths is not None:
        values = values.where(within(lengths, len(values))[..., None], -torch.inf)
    return values.amax(0)


def last_of(values: Tensor, lengths: Tensor | None) -> Tensor:
    """The values ``[B, C]`` of ``[T, B, C]`` at the last step of each sample."""
    return (
        values[-1]
        if lengths is None
        else values[lengths - 1, torch.arange(len(lengths), device=lengths.device)]
    )


def last_steps(values: Tensor, lengths: Tensor | None, count: int) -> Tensor:
    """The last ``count`` steps ``[count, B, C]`` of each sample of ``[T, B, C]``.

    A sample that is shorter begins with its first step again and again.
    """
    if lengths is None:
        return values[-count:]
    steps = lengths + torch.arange(-count, 0, device=lengths.device)[:, None]
    return values[steps.clamp_min(0), torch.arange(len(lengths), device=lengths.device)]


def over_steps(target: Tensor, output: Tensor, *, of: str) -> Tensor:
    """A target ``[B, T, C]`` in the order and format of outputs ``[T, B, C]``.

    Raises:
        ValueError: if it has another shape.
    """
    steps, batch, size = output.shape
    if target.shape != (batch, steps, size):
        raise ValueError(
            f"a target of {of} must be [B, T, C] = {[batch, steps, size]}, a value for each step of the "
            f"readout, got {list(target.shape)}"
        )
    return target.transpose(0, 1).to(output)
