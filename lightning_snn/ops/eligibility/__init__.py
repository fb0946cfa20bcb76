"""One step of eligibility vectors, and the gradient that they give with learning signals."""

from typing import NamedTuple

from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.eligibility import reference

__all__ = ["Derivatives", "eligibility"]


class Derivatives(NamedTuple):
    """The local derivatives of one step of neurons that have V variables, at the units K of P places.

    Args:
        step: Of each variable by each variable before ``[V, V, P, K, B]``.
        into: Of each variable by what arrives ``[V, P, K, B]``.
        sends: Of the spike by each variable before ``[V, P, K, B]``.
        direct: Of the spike by what arrives ``[P, K, B]``.
    """

    step: Tensor
    into: Tensor
    sends: Tensor
    direct: Tensor


def eligibility(
    vectors: Tensor, gradient: Tensor, by: Derivatives, signal: Tensor, arrived: Tensor
) -> None:
    """Add to the gradient, then take a step.

        gradient += sum_b signal (sends vectors + direct arrived),    vectors <- step vectors + into arrived

    Args:
        vectors: Eligibility vectors ``[V, P, K, B, F]`` of synapses; changed.
        gradient: The gradient so far ``[P, K, F]``; changed.
        by: Derivatives of the step.
        signal: Learning signals ``[P, K, B]``.
        arrived: What arrives at each synapse ``[P, B, F]``.
    """
    given = (vectors, gradient, *(x.contiguous() for x in (*by, signal, arrived)))
    backend.run(
        __name__,
        vectors.device,
        lambda: backend.kernels(__name__, vectors.device).eligibility(*given),
        lambda: reference.eligibility(*given),
    )
