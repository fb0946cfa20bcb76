"""Eligibility vectors over some steps, and the gradient that they give with learning signals."""

from typing import NamedTuple

from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.eligibility import reference

__all__ = ["Derivatives", "eligibility"]


class Derivatives(NamedTuple):
    """The local derivatives of S steps of neurons that have V variables, at the units K of P places.

    Args:
        step: Of each variable by each variable before ``[V, V, S, P, K, B]``.
        into: Of each variable by what arrives ``[V, S, P, K, B]``.
        sends: Of the spike by each variable before ``[V, S, P, K, B]``.
        direct: Of the spike by what arrives ``[S, P, K, B]``.
    """

    step: Tensor
    into: Tensor
    sends: Tensor
    direct: Tensor


def eligibility(vectors: Tensor, gradient: Tensor, by: Derivatives, signal: Tensor, arrived: Tensor) -> None:
    """In each step add to the gradient, then go on.

        gradient += sum_b signal (sends vectors + direct arrived),    vectors <- step vectors + into arrived

    Args:
        vectors: Eligibility vectors ``[V, P, K, B, F]`` of synapses; changed.
        gradient: The gradient so far ``[P, K, F]``; changed.
        by: Derivatives of the steps.
        signal: Learning signals ``[S, P, K, B]``.
        arrived: What arrives at each synapse ``[S, P, B, F]``.
    """
    given = (vectors, gradient, *(x.contiguous() for x in (*by, signal, arrived)))
    backend.run(
        __name__,
        vectors.device,
        lambda: backend.kernels(__name__, vectors.device).eligibility(*given),
        lambda: reference.eligibility(*given),
    )
