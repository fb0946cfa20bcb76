"""Eligibility: how far each synapse has brought the state of its neuron to where it is."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.training.online.local import SPIKES, Local, Name, Structure


class Eligibility:
    """Eligibility vectors of all synapses that drive one input of a population, and the gradient that they give.

        eps(t) = D(t) eps(t-1) + c(t) x(t),    e(t) = h(t) eps(t-1) + k(t) x(t),    dE/dW = sum_t L(t) e(t)

    D, c, h and k are the local derivatives of a step: of the state by the state and by the input, and of the
    spike by both; L is the learning signal of the neuron and x what arrives at the synapse. As long as all neurons
    have the same D and c, one vector for each presynaptic neuron stands for all of its synapses.

    Args:
        structure: Which derivatives a step has.
        source: The input, or the constant that takes the place of one.
        units: From values ``[B, N]`` of neurons to those of the units at each place ``[B, P, K]``.

    Source: Bellec et al., A solution to the learning dilemma for recurrent networks of spiking neurons,
    Nat. Commun. 11 (2020), eqs. 1, 13 and 14.
    """

    def __init__(self, structure: Structure, source: Name, units: Callable[[Tensor], Tensor]) -> None:
        self.structure = structure
        self.source = source
        self.units = units
        self.vectors: dict[Name, Tensor] = {}
        """By variable ``[P, K, B, F]``, or ``[P, 1, B, F]`` where all units have the same."""

        self.gradient: Tensor | float = 0.0
        """What has come together so far, ``[P, K, F]``."""

    def advance(self, local: Local, arrived: Tensor, signal: Tensor) -> None:
        """Take a step.

        Args:
            local: The derivatives of the step.
            arrived: x, what arrives at the inputs of each place ``[B, P, F]``.
            signal: L, the learning signal of each neuron ``[B, N]``.
        """
        by, wanted = local.by, self._at_units(signal)
        x = arrived.transpose(0, 1)[:, None]
        for name, vector in self.vectors.items():
            if (SPIKES, name) in by:
                self.gradient = self.gradient + _joint(wanted * self._at_units(by[SPIKES, name]), vector)
        if (SPIKES, self.source) in by:
            self.gradient = self.gradient + _joint(wanted * self._at_units(by[SPIKES, self.source]), x)
        self.vectors = {name: self._next(name, by, x) for name in self.structure.variables}

    def _next(self, name: Name, by: dict[tuple[Name, Name], Tensor], x: Tensor) -> Tensor:
        kept = [(by[name, to], vector) for to, vector in self.vectors.items() if (name, to) in by]
        if (name, self.source) in by:
            kept.append((by[name, self.source], x))
        if not kept:
            return torch.zeros_like(x)
        total = self._at_units(kept[0][0])[..., None] * kept[0][1]
        for factor, vector in kept[1:]:
            each = self._at_units(factor)[..., None]
            total = total.addcmul_(each, vector) if _fits(total, each, vector) else total + each * vector
        return total

    def _at_units(self, values: Tensor) -> Tensor:
        """``[P, K, B]`` of values ``[B, N]``, ``[1, 1, B]`` of ``[B, 1]``."""
        shared = values.shape[1] == 1
        return (values[:, None] if shared else self.units(values)).permute(1, 2, 0)


def _joint(weight: Tensor, vector: Tensor) -> Tensor:
    """``[P, K, F]``: the sum over samples of ``weight`` ``[P, K, B]`` times ``vector`` ``[P, K or 1, B, F]``."""
    if vector.shape[1] == 1:
        return weight @ vector[:, 0]
    return (weight[:, :, None] @ vector)[:, :, 0]


def _fits(total: Tensor, factor: Tensor, vector: Tensor) -> bool:
    """Whether the product can be added in place."""
    return torch.broadcast_shapes(factor.shape, vector.shape, total.shape) == total.shape
