"""Pair-STDP statistics of a window on a GPU: traces step by step, and two matrix products for the window."""

import torch
from torch import Tensor

from lightning_snn.ops.stdp_window.reference import met, products


def stdp_window(
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
    """The traces of all steps, then the products; no synchronisation with the host.

    One product a group, so that its bits do not depend on how many groups there are.
    """
    of_pre, of_post = [], []
    for pre_step, post_step in zip(pre.unbind(0), post.unbind(0), strict=True):
        found, pre_trace = met(pre_decay * pre_trace, pre_step, pre_own, nearest)
        of_pre.append(found)
        found, post_trace = met(post_decay * post_trace, post_step, post_own, nearest)
        of_post.append(found)
    weighted_pre = pre if pre_factor is None else pre * pre_factor
    weighted_post = post if post_factor is None else post * post_factor
    potentiation = _products(weighted_post, torch.stack(of_pre), groups, nodes)
    loss = pre.new_empty(groups, 0, 0)
    if depression:
        loss = _products(torch.stack(of_post), weighted_pre, groups, nodes)
    return potentiation, loss, pre_trace, post_trace


def _products(post: Tensor, pre: Tensor, groups: int, nodes: Tensor | None) -> Tensor:
    """The sums of each group from ``[T, B, post]`` and ``[T, B, pre]``; see `products`."""
    parts = zip(post.chunk(groups, 1), pre.chunk(groups, 1), strict=True)
    return torch.stack([products(one.flatten(0, 1), other.flatten(0, 1), nodes) for one, other in parts])
