"""Pair STDP over a window of a batch with fixed weights: what potentiates and what depresses each synapse."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops import backend
from lightning_snn.ops.seen import check_nodes
from lightning_snn.ops.sequence import check_formats, check_part, check_sequence
from lightning_snn.ops.stdp_window import reference

__all__ = ["Coincidence", "Pairing", "STDPWindow", "stdp_window"]

Pairing = Literal["all", "nearest"]

Coincidence = Literal["potentiate", "half", "none"]

_OWN = {"potentiate": (1.0, 0.0), "half": (0.5, 0.5), "none": (0.0, 0.0)}
"""How much of a step's own spikes the traces x and y hold that are read in it."""


class STDPWindow(NamedTuple):
    """Sums ``[post, pre]`` or ``[groups, post, pre]``, and traces ``[B, pre]``, ``[B, post]`` to go on from.

    Where G groups of K units see F nodes each, ``[G, K, F]`` stands for ``[post, pre]``. The depression is
    empty where it was not asked for.
    """

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
    pairing: Pairing = "all",
    coincidence: Coincidence = "half",
    groups: int | None = None,
    pre_factor: Tensor | None = None,
    post_factor: Tensor | None = None,
    depression: bool = True,
    nodes: Tensor | None = None,
) -> STDPWindow:
    """Pair statistics of a window.

        x_t = pre_decay x_(t-1) + s_pre,t,   y_t = post_decay y_(t-1) + s_post,t
        P = sum_t s_post,t x*_t^T,   Q = sum_t y*_t s_pre,t^T

    x* and y* are the traces that a step's spikes meet, which its own ``coincidence`` decides: they count

        half         half on both sides, x*_t = (pre_decay x_(t-1) + x_t) / 2, y* likewise
        potentiate   in x* only, as if the input had spiked first
        none         in neither

    With ``half`` the sums over a step are those of the trapezoidal rule: of uncorrelated spikes P : Q is
    tau+ : tau- up to (dt / tau)^2 / 12. The others are wrong in the order of dt / tau, ``none`` with equal
    time constants only in the size of both.

    Additive STDP is ``dW = A+ P - A- Q``. The traces are carried, so two windows give what one long window
    gives; time is blocked, so memory does not grow with it.

    Args:
        pre: Presynaptic spikes ``[T, B, pre]``.
        post: Postsynaptic spikes ``[T, B, post]``; with ``nodes`` ``[T, B, G, K]``.
        pre_trace: Traces x ``[B, pre]`` before the first step.
        post_trace: Traces y ``[B, post]`` before the first step; with ``nodes`` ``[B, G, K]``.
        pre_decay: Factor ``exp(-dt / tau_plus)`` of a step.
        post_decay: Factor ``exp(-dt / tau_minus)`` of a step.
        pairing: ``all`` spikes of the other side count, or its ``nearest`` one in the past only: a spike sets
            the trace instead of adding to it.
        coincidence: What spikes of both sides in one step do.
        groups: Equal groups of consecutive rows of the batch, each summed for itself; by default one sum.
            The bits of a group's sum do not depend on the other groups.
        pre_factor: What a presynaptic spike counts in Q, broadcast to ``[T, B, pre]``; its trace adds 1.
        post_factor: What a postsynaptic spike counts in P, broadcast to the shape of ``post``.
        depression: Whether Q is needed.
        nodes: Which inputs each group of K units sees ``[G, F]``, filled up with ``pre``; by default all
            units see all.

    Returns:
        P, Q and the traces after the last step. No gradient.

    Raises:
        ValueError: if a sequence is empty or not ``[T, B, N]``, the shapes do not belong together, the batch
            does not divide into the groups, the lists of nodes do not fit, or an option is unknown.

    Source: Morrison, Diesmann and Gerstner, Biol. Cybern. 98 (2008), sections 4.1.2 (traces) and 4.1.3
    (nearest: their symmetric scheme).
    """
    check_sequence(pre)
    check_sequence(post if nodes is None else post.flatten(2))
    check_nodes(nodes, pre.shape[2])
    checks.one_of("pairing", pairing, get_args(Pairing))
    checks.one_of("coincidence", coincidence, get_args(Coincidence))
    _check_shapes(pre, post, pre_trace, post_trace, groups)
    units = post.shape[2:]
    if nodes is not None and post_factor is not None:
        post_factor = post_factor.expand(post.shape).flatten(2)

    def by(window: Callable[..., reference.Found]) -> reference.Found:
        return window(
            pre.to(pre_trace.dtype),
            post.to(post_trace.dtype).flatten(2),
            pre_trace,
            post_trace.flatten(1),
            pre_decay,
            post_decay,
            *_OWN[coincidence],
            pre_factor,
            post_factor,
            nearest=pairing == "nearest",
            groups=groups or 1,
            depression=depression,
            nodes=nodes,
        )

    with torch.no_grad():
        found = backend.run(__name__, pre.device, lambda: by(_window), lambda: by(reference.stdp_window))
    sums = found[:2] if groups is not None else (found[0][0], found[1][0])
    return STDPWindow(*sums, found[2], found[3].reshape(-1, *units))


def _check_shapes(
    pre: Tensor, post: Tensor, pre_trace: Tensor, post_trace: Tensor, groups: int | None
) -> None:
    if pre.shape[:2] != post.shape[:2]:
        raise ValueError(
            f"pre and post must share [T, B], got {list(pre.shape[:2])} and {list(post.shape[:2])}"
        )
    for name, trace, spikes in (("pre_trace", pre_trace, pre), ("post_trace", post_trace, post)):
        check_part(name, trace, spikes.shape[1:], like=spikes)
    check_formats("traces", {"pre_trace": pre_trace, "post_trace": post_trace})
    if groups is not None and (groups < 1 or pre.shape[1] % groups):
        raise ValueError(f"groups must divide the batch of {pre.shape[1]}, got {groups}")


@torch.library.custom_op("lightning_snn::stdp_window", mutates_args=())
def _window(
    pre: Tensor,
    post: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    pre_decay: float,
    post_decay: float,
    pre_own: float,
    post_own: float,
    pre_factor: Tensor | None = None,
    post_factor: Tensor | None = None,
    nearest: bool = False,
    groups: int = 1,
    depression: bool = True,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    kernels = backend.kernels(__name__, pre.device)
    found: tuple[Tensor, Tensor, Tensor, Tensor] = kernels.stdp_window(
        pre, post, pre_trace, post_trace, pre_decay, post_decay, pre_own, post_own,
        pre_factor, post_factor, nearest, groups, depression, nodes,
    )  # fmt: skip
    return found


@_window.register_fake
def _(
    pre: Tensor,
    post: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    pre_decay: float,
    post_decay: float,
    pre_own: float,
    post_own: float,
    pre_factor: Tensor | None = None,
    post_factor: Tensor | None = None,
    nearest: bool = False,
    groups: int = 1,
    depression: bool = True,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    del pre_decay, post_decay, pre_own, post_own, pre_factor, post_factor, nearest
    pairs = pre_trace.new_empty(groups, *reference.pairs(post.shape[2], pre.shape[2], nodes))
    other = torch.empty_like(pairs) if depression else pairs.new_empty(groups, 0, 0)
    return pairs, other, torch.empty_like(pre_trace), torch.empty_like(post_trace)
