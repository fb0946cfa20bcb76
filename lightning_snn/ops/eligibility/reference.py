"""Eligibility vectors over some steps in plain PyTorch."""

import torch
from torch import Tensor


def eligibility(
    vectors: Tensor,
    gradient: Tensor,
    step: Tensor,
    into: Tensor,
    sends: Tensor,
    direct: Tensor,
    signal: Tensor,
    arrived: Tensor,
) -> None:
    """See `lightning_snn.ops.eligibility`."""
    for t in range(len(signal)):
        gradient += torch.einsum("vpkb,vpkbf->pkf", signal[t] * sends[:, t], vectors)
        gradient += torch.einsum("pkb,pbf->pkf", signal[t] * direct[t], arrived[t])
        after = torch.einsum("uvpkb,vpkbf->upkbf", step[:, :, t], vectors)
        vectors.copy_(after + into[:, t, ..., None] * arrived[t][:, None])
