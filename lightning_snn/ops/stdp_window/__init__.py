"""Pair STDP over a window of a batch with fixed weights: what potentiates and what depresses each synapse."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.sequence import check_sequence
from lightning_snn.ops.stdp_window import reference

__all__ = ["STDPWindow", "stdp_window"]


class STDPWindow(NamedTuple):
    """Sums over steps and samples ``[post, pre]``, and traces ``[B, pre]``, ``[B, post]`` to go on from."""

    potentiation: Tensor
    depression: Tensor
    pre_trace: Tensor
    post_trace: Tensor


def stdp_window(
    pre: Tensor,
    post: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    *,
    pre_decay: float,
    post_decay: float,
) -> STDPWindow:
    """All-to-all pair statistics of a window.

        x_t = pre_decay x_(t-1) + s_pre,t        (with the step's own spikes)
        y^_t = post_decay y_(t-1), y_t = y^_t + s_post,t        (without, and with)
        P = sum_t s_post,t x_t^T,   Q = sum_t y^_t s_pre,t^T

    A coincidence potentiates only. Additive STDP is ``dW = A+ P - A- Q``. The traces are carried, so two
    windows give what one long window gives; time is blocked, so memory does not grow with it.

    Args:
        pre: Presynaptic spikes ``[T, B, pre]``.
        post: Postsynaptic spikes ``[T, B, post]``.
        pre_trace: Traces x ``[B, pre]`` before the first step.
        post_trace: Traces y ``[B, post]`` before the first step.
        pre_decay: Factor ``exp(-dt / tau_plus)`` of a step.
        post_decay: Factor ``exp(-dt / tau_minus)`` of a step.

    Returns:
        P, Q and the traces after the last step. No gradient.

    Raises:
        ValueError: if a sequence is empty or not ``[T, B, N]``, or the shapes do not belong together.

    Source: Morrison, Diesmann and Gerstner, Biol. Cybern. 98 (2008), section 4.1.2 (traces).
    """
    check_sequence(pre)
    check_sequence(post)
    if pre.shape[:2] != post.shape[:2]:
        raise ValueError(
            f"pre and post must share [T, B], got {list(pre.shape[:2])} and {list(post.shape[:2])}"
        )
    for name, trace, spikes in (("pre_trace", pre_trace, pre), ("post_trace", post_trace, post)):
        if trace.shape != spikes.shape[1:]:
            raise ValueError(f"{name} must be {list(spikes.shape[1:])}, got {list(trace.shape)}")
    with torch.no_grad():
        traces = (pre_trace, post_trace)
        pre, post = pre.to(pre_trace.dtype), post.to(post_trace.dtype)
        found = backend.run(
            pre.device,
            lambda: _window(pre, post, *traces, pre_decay, post_decay),
            lambda: reference.stdp_window(pre, post, *traces, pre_decay, post_decay),
        )
    return STDPWindow(*found)


@torch.library.custom_op("lightning_snn::stdp_window", mutates_args=())
def _window(
    pre: Tensor, post: Tensor, pre_trace: Tensor, post_trace: Tensor, pre_decay: float, post_decay: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor, Tensor] = backend.kernels(__name__, pre.device).stdp_window(
        pre, post, pre_trace, post_trace, pre_decay, post_decay
    )
    return found


@_window.register_fake
def _(
    pre: Tensor, post: Tensor, pre_trace: Tensor, post_trace: Tensor, pre_decay: float, post_decay: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    del pre_decay, post_decay
    pairs = pre_trace.new_empty(post.shape[2], pre.shape[2])
    return pairs, torch.empty_like(pairs), torch.empty_like(pre_trace), torch.empty_like(post_trace)
