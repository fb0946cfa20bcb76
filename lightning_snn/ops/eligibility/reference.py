"""One step of eligibility vectors in plain PyTorch."""

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
    gradient += torch.einsum("vpkb,vpkbf->pkf", signal * sends, vectors)
    gradient += torch.einsum("pkb,pbf->pkf", signal * direct, arrived)
    after = torch.einsum("uvpkb,vpkbf->upkbf", step, vectors)
    vectors.copy_(after + into[..., None] * arrived[:, None])
