"""Competitive Hebbian learning over the spikes of a chunk, each stream on its own weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.competitive_scan import reference
from lightning_snn.ops.competitive_scan.reference import CompetitiveConstants, CompetitiveState
from lightning_snn.ops.sequence import check_copies, check_sequence

__all__ = ["CompetitiveConstants", "CompetitiveState", "competitive_scan"]


def competitive_scan(spikes: Tensor, state: CompetitiveState, c: CompetitiveConstants) -> CompetitiveState:
    """At each step the unit furthest above its threshold wins and alone learns; or the first few of them.

        y = relu(W s)
        W[win] += eta (y - theta)[win] s, then rescaled to its mean
        theta[win] += r (y - theta)[win]

    Of several winners each learns from the responses y of the step's start.

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]``, 0 or 1, or graded, 0 or above.
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

    def fused() -> CompetitiveState:
        _scan(spikes, *state, [float(value) for value in c])
        return state

    return backend.run(__name__, spikes.device, fused, lambda: reference.competitive_scan(spikes, state, c))


@torch.library.custom_op(
    "lightning_snn::competitive_scan", mutates_args=("weight", "threshold", "wins", "largest")
)
def _scan(
    spikes: Tensor,
    weight: Tensor,
    threshold: Tensor,
    wins: Tensor,
    largest: Tensor,
    constants: Sequence[float],
) -> None:
    backend.kernels(__name__, spikes.device).scan(spikes, weight, threshold, wins, largest, constants)
