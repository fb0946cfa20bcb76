"""Pair-STDP statistics of a window, in pure PyTorch: step by step."""

import torch
from torch import Tensor

from lightning_snn.ops.seen import seen

Found = tuple[Tensor, Tensor, Tensor, Tensor]


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
) -> Found:
    """See `lightning_snn.ops.stdp_window.stdp_window`; group by group."""
    sequences = (pre, post, _times(pre, pre_factor), _times(post, post_factor))
    groups_of = [values.chunk(groups, 1) for values in sequences]
    groups_of += [trace.chunk(groups) for trace in (pre_trace, post_trace)]
    parts = [
        _sum_group(
            *group, pre_decay=pre_decay, post_decay=post_decay, pre_own=pre_own, post_own=post_own,
            nearest=nearest, nodes=nodes,
        )
        for group in zip(*groups_of, strict=True)
    ]  # fmt: skip
    potentiation, losses, pre_traces, post_traces = zip(*parts, strict=True)
    loss = torch.stack(losses) if depression else pre.new_empty(groups, 0, 0)
    return torch.stack(potentiation), loss, torch.cat(pre_traces), torch.cat(post_traces)


def _sum_group(
    pre: Tensor,
    post: Tensor,
    weighted_pre: Tensor,
    weighted_post: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    *,
    pre_decay: float,
    post_decay: float,
    pre_own: float,
    post_own: float,
    nearest: bool,
    nodes: Tensor | None,
) -> Found:
    """The sums ``[post, pre]`` or ``[G, K, F]`` of all rows, and their traces."""
    potentiation = pre_trace.new_zeros(*pairs(post.shape[2], pre.shape[2], nodes))
    depression = torch.zeros_like(potentiation)
    for t in range(len(pre)):
        of_pre, pre_trace = met(pre_decay * pre_trace, pre[t], pre_own, nearest)
        of_post, post_trace = met(post_decay * post_trace, post[t], post_own, nearest)
        potentiation += products(weighted_post[t], of_pre, nodes)
        depression += products(of_post, weighted_pre[t], nodes)
    return potentiation, depression, pre_trace, post_trace


def pairs(num_post: int, num_pre: int, nodes: Tensor | None) -> tuple[int, ...]:
    """Shape of what there is for each synapse: ``[post, pre]``, or ``[G, K, F]`` where groups see nodes."""
    return (num_post, num_pre) if nodes is None else (len(nodes), num_post // len(nodes), nodes.shape[1])


def products(post: Tensor, pre: Tensor, nodes: Tensor | None) -> Tensor:
    """Sums over rows ``[R, post]`` and ``[R, pre]``, in the shape of `pairs`."""
    if nodes is None:
        return post.t() @ pre
    units = post.reshape(len(post), len(nodes), -1).permute(1, 2, 0)
    return units @ seen(pre, nodes).transpose(0, 1)


def met(before: Tensor, spikes: Tensor, own: float, nearest: bool) -> tuple[Tensor, Tensor]:
    """The trace that the other side's spikes of a step meet, with a share of the step's own, and the next.

    A spike is added to the trace, or where only the nearest counts takes its place.
    """
    after = torch.where(spikes != 0, spikes, before) if nearest else before + spikes
    return (1 - own) * before + own * after, after


def _times(spikes: Tensor, factor: Tensor | None) -> Tensor:
    return spikes if factor is None else spikes * factor
