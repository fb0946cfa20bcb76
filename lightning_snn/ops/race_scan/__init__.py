"""A race to threshold among units that share a field: who spikes first in a presentation, and when."""

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.race_scan import reference
from lightning_snn.ops.race_scan.reference import Race
from lightning_snn.ops.seen import check_nodes
from lightning_snn.ops.sequence import check_formats, check_part, check_sequence

__all__ = ["Race", "race_scan"]


def race_scan(spikes: Tensor, weight: Tensor, threshold: Tensor, *, nodes: Tensor | None = None) -> Race:
    """Units integrate without leak, ``v <- v + W s`` from 0; the first to reach its threshold wins.

    Of several that reach theirs in the same step the one furthest above it wins, of equal ones the first.
    With ``nodes`` the units stand in G groups, each of which has a race, with the bits that it has alone.

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]``, 0 or 1, or graded.
        weight: Weights ``[K, pre]``, the same for all streams; with ``nodes`` ``[G, K, F]``.
        threshold: Thresholds ``[K]``; with ``nodes`` ``[G, K]``.
        nodes: Which inputs each group sees ``[G, F]``, filled up with ``pre``; by default there is one group
            that sees them all.

    Returns:
        The unit that won and its step, int64 ``[S]``, and what the inputs had sent by then ``[S, pre]``;
        with ``nodes`` ``[S, G]`` and ``[S, G, F]``.

    Raises:
        ValueError: if ``spikes`` is not ``[T, S, pre]`` with no empty dimension, or the other shapes, number
            formats or lists of nodes do not fit.
    """
    _check(spikes, weight, threshold, nodes)
    sent = spikes.detach().to(weight.dtype)
    weight, threshold = weight.detach(), threshold.detach()
    if nodes is None:
        weight, threshold = weight[None], threshold[None]

    def fused() -> Race:
        return Race(*_race_scan(sent, weight, threshold, nodes))

    race = backend.run(
        __name__, spikes.device, fused, lambda: reference.race_scan(sent, weight, threshold, nodes)
    )
    return race if nodes is not None else Race(*(value[:, 0] for value in race))


def _check(spikes: Tensor, weight: Tensor, threshold: Tensor, nodes: Tensor | None) -> None:
    check_sequence(spikes)
    check_nodes(nodes, spikes.shape[2])
    check_formats("weight and threshold", {"weight": weight, "threshold": threshold})
    units = weight.shape[-2:-1]
    groups, seen = ((), spikes.shape[2]) if nodes is None else (nodes.shape[:1], nodes.shape[1])
    check_part("weight", weight, (*groups, *units, seen), like=spikes)
    check_part("threshold", threshold, (*groups, *units), like=spikes)


@torch.library.custom_op("lightning_snn::race_scan", mutates_args=())
def _race_scan(
    spikes: Tensor, weight: Tensor, threshold: Tensor, nodes: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    winner, step, sent = race = _empty(spikes, weight)
    backend.kernels(__name__, spikes.device).race_scan(spikes, weight, threshold, race, nodes)
    return winner, step, sent


@_race_scan.register_fake
def _(
    spikes: Tensor, weight: Tensor, threshold: Tensor, nodes: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    del threshold, nodes
    winner, step, sent = _empty(spikes, weight)
    return winner, step, sent


def _empty(spikes: Tensor, weight: Tensor) -> Race:
    streams, (groups, _, seen) = spikes.shape[1], weight.shape
    winner = weight.new_empty(streams, groups, dtype=torch.int64)
    return Race(winner, torch.empty_like(winner), weight.new_empty(streams, groups, seen))
