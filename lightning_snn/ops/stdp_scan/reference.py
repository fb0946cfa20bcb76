"""STDP with one winner a step over the spikes of a chunk, in pure PyTorch."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.seen import seen


class STDPConstants(NamedTuple):
    """Constants of the rule; the decays are factors a step."""

    membrane_decay: float
    pre_decay: float
    post_decay: float
    threshold: float
    threshold_decay: float
    threshold_jump: float
    learning_rate: float
    trace_offset: float
    pair_depression: float


class STDPState(NamedTuple):
    """What the streams work on: weights ``[S, pre, post]``, presynaptic traces ``[S, pre]``, and
    ``[S, post]`` each: potentials, postsynaptic traces, adaptive thresholds, spikes in this chunk.
    Of G groups that see F inputs each: weights ``[S, G, F, K]``, and ``[S, G, K]`` each.
    """  # noqa: D205

    weight: Tensor
    v: Tensor
    pre_trace: Tensor
    post_trace: Tensor
    threshold: Tensor
    wins: Tensor


def stdp_scan(spikes: Tensor, state: STDPState, c: STDPConstants, nodes: Tensor | None = None) -> STDPState:
    """Step by step, group by group; see `lightning_snn.ops.stdp_scan.stdp_scan`."""
    if nodes is None:
        return _scan(spikes, state, c)
    before = state.pre_trace.clone()
    for step in spikes.unbind(0):
        state.pre_trace.mul_(c.pre_decay).add_(step)
    for g, own in enumerate(nodes):
        parts = {name: value[:, g] for name, value in state._asdict().items() if name != "pre_trace"}
        _scan(seen(spikes, own), STDPState(pre_trace=seen(before, own), **parts), c)
    return state


def _scan(spikes: Tensor, state: STDPState, c: STDPConstants) -> STDPState:
    weight, v, pre_trace, post_trace, adaptive, wins = state
    for step in spikes.unbind(0):
        v.mul_(c.membrane_decay).add_(event_sum(step, weight))
        pre_trace.mul_(c.pre_decay).add_(step)
        post_trace.mul_(c.post_decay)
        _depress_pairs(weight, step, post_trace, c)
        threshold = c.threshold + adaptive
        adaptive.mul_(c.threshold_decay)
        above, winner = (v - threshold).max(1)
        stream = (above > 0).nonzero()[:, 0]
        if len(stream) == 0:
            continue
        winner = winner[stream]
        v[stream] = v[stream].clamp_min(0) - threshold[stream]
        v[stream, winner] = 0.0
        row = weight[stream, :, winner]
        weight[stream, :, winner] = row + _change_at_spike(row, pre_trace[stream], c)
        post_trace[stream, winner] += 1
        adaptive[stream, winner] += c.threshold_jump
        wins[stream, winner] += 1
    return state


def _depress_pairs(weight: Tensor, step: Tensor, post_trace: Tensor, c: STDPConstants) -> None:
    stream, node = step.nonzero(as_tuple=True)
    weight[stream, node] *= 1 - step[stream, node, None] * (c.pair_depression * post_trace[stream])


def _change_at_spike(row: Tensor, trace: Tensor, c: STDPConstants) -> Tensor:
    """Inputs with a trace above the offset gain, the others lose the more the fainter their trace."""
    over = trace - c.trace_offset
    gain = over.clamp_max(1) * (1 - row)
    loss = over / c.trace_offset * row
    return c.learning_rate * torch.where(over > 0, gain, loss)
