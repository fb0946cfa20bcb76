"""Sum of the rows of the nodes that fired, times their spikes."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import reference
from lightning_snn.ops.seen import check_nodes

__all__ = ["event_outer", "event_sum"]


def event_sum(spikes: Tensor, rows: Tensor, *, nodes: Tensor | None = None) -> Tensor:
    """``spikes @ rows`` that reads only the rows of the nodes that are not silent.

    Rows are added in the order of their nodes, so the bits of one sample's result do not depend on
    the other samples, nor on the number of threads; a matrix product promises neither.

    Args:
        spikes: ``[B, N]``: 0 or 1, or graded values of any size and sign.
        rows: What each node sends, ``[N, M]``, or ``[G, N, M]``: sample b reads the rows of group ``b % G``.
            With ``nodes`` ``[G, F, M]``, what those of each list send.
        nodes: Lists of nodes ``[G, F]``, filled up with N: every sample is summed over each of them.

    Returns:
        ``[B, M]``, with ``nodes`` ``[B, G, M]``. Gradients reach ``rows``; spikes too where all samples read
        the same rows.

    Raises:
        ValueError: if the shapes do not belong together, or the tensors lie on different devices.

    >>> event_sum(torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[1.0], [2.0], [4.0]]))
    tensor([[5.]])
    """
    _check(spikes, rows, nodes)
    spikes = spikes.to(rows.dtype)
    if nodes is not None or rows.ndim == 3:
        spikes = spikes.detach()
        if torch.is_grad_enabled() and rows.requires_grad:
            return reference.event_sum(spikes, rows, nodes)

    def fused() -> Tensor:
        total: Tensor = _event_sum(spikes, rows, nodes)
        return total

    return backend.run(__name__, rows.device, fused, lambda: reference.event_sum(spikes, rows, nodes))


def _check(spikes: Tensor, rows: Tensor, nodes: Tensor | None) -> None:
    if nodes is not None:
        if spikes.ndim != 2 or rows.ndim != 3 or rows.shape[:2] != nodes.shape:
            raise ValueError(
                f"rows must be [G, F, M] for spikes [B, N] and nodes [G, F], got {list(rows.shape)}, "
                f"{list(spikes.shape)} and {list(nodes.shape)}"
            )
        check_nodes(nodes, spikes.shape[1])
    elif spikes.ndim != 2 or rows.ndim not in (2, 3) or rows.shape[-2] != spikes.shape[1]:
        raise ValueError(
            f"rows must be [N, M] or [G, N, M] for spikes [B, N], got {list(rows.shape)} and "
            f"{list(spikes.shape)}"
        )
    if rows.device != spikes.device:
        raise ValueError(f"rows must be on {spikes.device} like the spikes, got {rows.device}")


@torch.library.custom_op("lightning_snn::event_sum", mutates_args=())
def _event_sum(spikes: Tensor, rows: Tensor, nodes: Tensor | None = None) -> Tensor:
    total: Tensor = backend.kernels(__name__, rows.device).event_sum(spikes, rows, nodes)
    return total


@_event_sum.register_fake
def _(spikes: Tensor, rows: Tensor, nodes: Tensor | None = None) -> Tensor:
    groups = () if nodes is None else nodes.shape[:1]
    return rows.new_empty(spikes.shape[0], *groups, rows.shape[-1])


@torch.library.custom_op("lightning_snn::event_outer", mutates_args=())
def _event_outer(spikes: Tensor, values: Tensor) -> Tensor:
    total: Tensor = backend.kernels(__name__, values.device).event_outer(spikes, values)
    return total


@_event_outer.register_fake
def _(spikes: Tensor, values: Tensor) -> Tensor:
    return values.new_empty(spikes.shape[1], values.shape[1])


def event_outer(spikes: Tensor, values: Tensor) -> Tensor:
    """``spikes.T @ values`` that reads only the values of samples in which a node is not silent.

    It is the gradient of the rows of `event_sum`. Samples are added in their order.

    Args:
        spikes: ``[B, N]``.
        values: ``[B, M]``.

    Returns:
        ``[N, M]``, without gradients.

    >>> event_outer(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[1.0], [2.0]]))
    tensor([[3.],
            [2.]])
    """
    spikes, values = spikes.detach().to(values.dtype), values.detach()

    def fused() -> Tensor:
        total: Tensor = _event_outer(spikes, values)
        return total

    return backend.run(__name__, values.device, fused, lambda: reference.event_outer(spikes, values))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    del output
    ctx.save_for_backward(*inputs[:2])


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    spikes, rows = ctx.saved_tensors
    to_spikes, to_rows, *others = ctx.needs_input_grad  # without arguments that have their default
    found = grad @ rows.t() if to_spikes else None, _event_outer(spikes, grad) if to_rows else None
    return *found, *(None for _ in others)


_event_sum.register_autograd(_differentiate, setup_context=_keep)
