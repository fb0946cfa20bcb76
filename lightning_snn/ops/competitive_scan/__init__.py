"""Competitive Hebbian learning over the spikes of a chunk, each stream on its own weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.competitive_scan import reference
from lightning_snn.ops.competitive_scan.reference import CompetitiveConstants, CompetitiveState
from lightning_snn.ops.seen import check_nodes
from lightning_snn.ops.sequence import check_copies, check_sequence

__all__ = ["CompetitiveConstants", "CompetitiveState", "competitive_scan"]


def competitive_scan(
    spikes: Tensor, state: CompetitiveState, c: CompetitiveConstants, *, nodes: Tensor | None = None
) -> CompetitiveState:
    """At each step the unit furthest above its threshold wins and alone learns; or the first few of them.

        y = relu(W s)
        W[win] += eta (y - theta)[win] s, then rescaled to its mean
        theta[win] += r (y - theta)[win]

    Of several winners each learns from the responses y of the step's start. With ``nodes`` the units stand in
    G groups, each on its own and with the bits that it has alone.

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]``, 0 or 1, or graded, 0 or above.
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

    def fused() -> CompetitiveState:
        _scan(spikes, *state, [float(value) for value in c], nodes)
        return state

    return backend.run(
        __name__, spikes.device, fused, lambda: reference.competitive_scan(spikes, state, c, nodes)
    )


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
    nodes: Tensor | None = None,
) -> None:
    backend.kernels(__name__, spikes.device).scan(spikes, weight, threshold, wins, largest, constants, nodes)
