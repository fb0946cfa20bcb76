"""Pair-STDP statistics of a window on a GPU: traces step by step, and two matrix products for the window."""

import torch
from torch import Tensor


def stdp_window(
    pre: Tensor, post: Tensor, pre_trace: Tensor, post_trace: Tensor, pre_decay: float, post_decay: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The traces of all steps, then the products; no synchronisation with the host."""
    with_own, before = [], []
    for pre_step, post_step in zip(pre.unbind(0), post.unbind(0), strict=True):
        pre_trace = pre_decay * pre_trace + pre_step
        post_trace = post_decay * post_trace
        with_own.append(pre_trace)
        before.append(post_trace)
        post_trace = post_trace + post_step
    potentiation = post.flatten(0, 1).t() @ torch.cat(with_own)
    depression = torch.cat(before).t() @ pre.flatten(0, 1)
    return potentiation, depression, pre_trace, post_trace
