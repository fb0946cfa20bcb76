"""Pair-STDP statistics of a window, in pure PyTorch: step by step."""

import torch
from torch import Tensor


def stdp_window(
    pre: Tensor, post: Tensor, pre_trace: Tensor, post_trace: Tensor, pre_decay: float, post_decay: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """See `lightning_snn.ops.stdp_window.stdp_window`."""
    potentiation = pre_trace.new_zeros(post.shape[2], pre.shape[2])
    depression = torch.zeros_like(potentiation)
    for pre_step, post_step in zip(pre.unbind(0), post.unbind(0), strict=True):
        pre_trace = pre_decay * pre_trace + pre_step
        post_trace = post_decay * post_trace
        potentiation += post_step.t() @ pre_trace
        depression += post_trace.t() @ pre_step
        post_trace = post_trace + post_step
    return potentiation, depression, pre_trace, post_trace
