"""STDP with one winner a step over the spikes of a chunk, each stream on its own weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.seen import check_nodes
from lightning_snn.ops.sequence import check_copies, check_sequence
from lightning_snn.ops.stdp_scan import reference
from lightning_snn.ops.stdp_scan.reference import STDPConstants, STDPState

__all__ = ["STDPConstants", "STDPState", "stdp_scan"]


def stdp_scan(
    spikes: Tensor, state: STDPState, c: STDPConstants, *, nodes: Tensor | None = None
) -> STDPState:
    """Integrate, let the unit furthest above its threshold spike and learn, inhibit the others.

    With ``nodes`` the units stand in G groups, each on its own and with the bits that it has alone.

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]``, 0 or 1, or graded between them.
        state: Start of the chunk; its tensors are contiguous, and overwritten.
        c: Constants.
        nodes: Which inputs each group sees ``[G, F]``, filled up with ``pre``; by default there is one group
            that sees them all.

    Returns:
        The state at the end of the chunk.

    Raises:
        ValueError: if ``spikes`` is not ``[T, S, pre]`` with no empty dimension, or the state is of other
            streams or sizes, or not contiguous, or the lists of nodes do not fit.
    """
    check_sequence(spikes)
    check_nodes(nodes, spikes.shape[2])
    check_copies(spikes, state, nodes)

    def fused() -> STDPState:
        _scan(spikes, *state, list(c), nodes)
        return state

    return backend.run(__name__, spikes.device, fused, lambda: reference.stdp_scan(spikes, state, c, nodes))


@torch.library.custom_op(
    "lightning_snn::stdp_scan",
    mutates_args=("weight", "v", "pre_trace", "post_trace", "threshold", "wins"),
)
def _scan(
    spikes: Tensor,
    weight: Tensor,
    v: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    threshold: Tensor,
    wins: Tensor,
    constants: Sequence[float],
    nodes: Tensor | None = None,
) -> None:
    backend.kernels(__name__, spikes.device).scan(
        spikes, weight, v, pre_trace, post_trace, threshold, wins, constants, nodes
    )
