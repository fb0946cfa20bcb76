"""STDP with one winner a step over the spikes of a chunk, each stream on its own weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.sequence import check_copies, check_sequence
from lightning_snn.ops.stdp_scan import reference
from lightning_snn.ops.stdp_scan.reference import STDPConstants, STDPState

__all__ = ["STDPConstants", "STDPState", "stdp_scan"]


def stdp_scan(spikes: Tensor, state: STDPState, c: STDPConstants) -> STDPState:
    """Integrate, let the unit furthest above its threshold spike and learn, inhibit the others.

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]``, 0 or 1, or graded between them.
        state: Start of the chunk; its tensors are contiguous, and overwritten.
        c: Constants.

    Returns:
        The state at the end of the chunk.

    Raises:
        ValueError: if ``spikes`` is not ``[T, S, pre]`` with no empty dimension, or the state is of other
            streams or sizes, or not contiguous.
    """
    check_sequence(spikes)
    check_copies(spikes, state)

    def fused() -> STDPState:
        _scan(spikes, *state, list(c))
        return state

    return backend.run(__name__, spikes.device, fused, lambda: reference.stdp_scan(spikes, state, c))


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
) -> None:
    backend.kernels(__name__, spikes.device).scan(
        spikes, weight, v, pre_trace, post_trace, threshold, wins, constants
    )
