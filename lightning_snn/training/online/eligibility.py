"""Eligibility: how far each synapse has brought the state of its neuron to where it is."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.ops.eligibility import Derivatives, eligibility
from lightning_snn.training.online.local import Local, Name


class Eligibility:
    """Eligibility vectors of all synapses that drive an input of a population, and the gradient that they give.

        eps(t) = D(t) eps(t-1) + c(t) x(t),    e(t) = h(t) eps(t-1) + k(t) x(t),    dE/dW = sum_t L(t) e(t)

    D, c, h and k are the local derivatives of a step: of the state by the state and by the input, and of the
    spike by both; L is the learning signal of the neuron and x what arrives at the synapse. As long as all
    neurons have the same D and c, one vector for each presynaptic neuron stands for those of all its synapses.

    Args:
        source: The input, or the constant that takes the place of one.
        units: From values ``[..., B, N]`` of neurons to those of the units at each place ``[..., B, P, K]``.

    Source: Bellec et al., A solution to the learning dilemma for recurrent networks of spiking neurons,
    Nat. Commun. 11 (2020), eqs. 1, 13 and 14.
    """

    def __init__(self, source: Name, units: Callable[[Tensor], Tensor]) -> None:
        self.source = source
        self.units = units
        self.vectors: Tensor | None = None
        """``[V, P, K, B, F]``, or ``[V, P, 1, B, F]`` where all units have the same; None before the first step."""

        self.gradient: Tensor | None = None
        """What has come together so far, ``[P, K, F]``."""

    def advance(self, local: Local, arrived: Tensor, signal: Tensor) -> None:
        """Take a step.

        Args:
            local: The derivatives of the step.
            arrived: x, what arrives at the inputs of each place ``[B, P, F]``.
            signal: L, the learning signal of each neuron ``[B, N]``.
        """
        variables = len(local.structure.variables)
        direct, into = local.by(self.source)
        step, sends = local.derivatives[1:, :variables], local.derivatives[0, :variables]
        by = Derivatives(*(self._at_units(x) for x in (step, into, sends, direct)))
        learns, x = self._at_units(signal), arrived.transpose(0, 1).to(signal)
        if self.vectors is None or self.gradient is None:
            self.vectors = x.new_zeros(variables, len(x), 1, *x.shape[1:])
            self.gradient = x.new_zeros(*learns.shape[:2], x.shape[2])
        if self.vectors.shape[2] == 1 and _same(step) and _same(into):
            self._advance_together(self.vectors[:, :, 0], self.gradient, by, learns, x)
            return
        if self.vectors.shape[2] == 1:
            self.vectors = self.vectors.repeat(1, 1, learns.shape[1], 1, 1)
        eligibility(self.vectors, self.gradient, by, learns, x)

    def _advance_together(
        self, vectors: Tensor, gradient: Tensor, by: Derivatives, signal: Tensor, arrived: Tensor
    ) -> None:
        """A step ``[V, P, B, F]`` of synapses of which those of a presynaptic neuron are all alike."""
        gradient += (signal * by.sends @ vectors).sum(0) + signal * by.direct @ arrived
        after = torch.einsum("uvpb,vpbf->upbf", by.step[..., 0, :], vectors)
        vectors.copy_(after + by.into[..., 0, :, None] * arrived)

    def _at_units(self, values: Tensor) -> Tensor:
        """Values ``[..., B, N]`` of neurons as those of units ``[..., P, K, B]``."""
        return self.units(values).movedim(-3, -1)


def _same(values: Tensor) -> bool:
    """Whether all neurons of a sample have the same values ``[..., B, N]``."""
    return bool((values == values[..., :1]).all())
