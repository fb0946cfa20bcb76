"""Eligibility: how far each synapse has brought the state of its neuron to where it is."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.ops.eligibility import Derivatives, eligibility
from lightning_snn.training.online.local import Local, Name


class Eligibility:
    """Eligibility vectors of the synapses that drive an input of a population, and the gradient they give.

        eps(t) = D(t) eps(t-1) + c(t) x(t),    e(t) = h(t) eps(t-1) + k(t) x(t),    dE/dW = sum_t L(t) e(t)

    D, c, h and k are the local derivatives of a step: of the state by the state and by the input, and of the
    spike by both; L is the learning signal of the neuron and x what arrives at the synapse. As long as all
    neurons have the same D and c, one vector for each presynaptic neuron stands for those of all its
    synapses.

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
        """``[V, P, K, B, F]``, or ``[V, P, 1, B, F]`` where all units have the same; None before a step."""

        self.gradient: Tensor | None = None
        """What has come together so far, ``[P, K, F]``; None before the first step."""

    def collected(self) -> Tensor:
        """The gradient ``[P, K, F]`` of the steps so far, of one at least."""
        assert self.gradient is not None
        return self.gradient

    def advance(self, local: Local, arrived: Tensor, signal: Tensor) -> None:
        """Take some steps.

        Args:
            local: Their derivatives, of ``[S, B, N]``.
            arrived: x, what arrives at the inputs of each place ``[S, B, P, F]``.
            signal: L, the learning signal of each neuron ``[S, B, N]``.
        """
        variables = len(local.structure.variables)
        direct, into = local.by(self.source)
        step, sends = local.derivatives[1:, :variables], local.derivatives[0, :variables]
        by = Derivatives(*(self._at_units(x) for x in (step, into, sends, direct)))
        learns, x = self._at_units(signal), arrived.transpose(1, 2).to(signal)
        if self.vectors is None or self.gradient is None:
            self.vectors = x.new_zeros(variables, x.shape[1], 1, *x.shape[2:])
            self.gradient = x.new_zeros(*learns.shape[1:3], x.shape[3])
        if self.vectors.shape[2] == 1 and _same(step) and _same(into):
            self.vectors = self._advance_together(self.vectors[:, :, 0], self.gradient, by, learns, x)[
                :, :, None
            ]
            return
        if self.vectors.shape[2] == 1:
            self.vectors = self.vectors.repeat(1, 1, learns.shape[2], 1, 1)
        eligibility(self.vectors, self.gradient, by, learns, x)

    def _advance_together(
        self, vectors: Tensor, gradient: Tensor, by: Derivatives, signal: Tensor, arrived: Tensor
    ) -> Tensor:
        """Steps of vectors ``[V, P, B, F]`` where the synapses of a presynaptic neuron are all alike."""
        before = []
        for step, into, x in zip(
            by.step[..., 0, :].unbind(2), by.into[..., 0, :, None].unbind(1), arrived, strict=True
        ):
            before.append(vectors)
            vectors = (step[..., None] * vectors).sum(1) + into * x
        traces = torch.stack(before, 1).movedim(2, 0).flatten(1, 3)  # [P, V S B, F]
        sends = (signal * by.sends).permute(2, 3, 0, 1, 4).flatten(2)  # [P, K, V S B]
        gradient += sends @ traces
        gradient += (signal * by.direct).permute(1, 2, 0, 3).flatten(2) @ arrived.movedim(1, 0).flatten(1, 2)
        return vectors

    def _at_units(self, values: Tensor) -> Tensor:
        """Values ``[..., B, N]`` of neurons as those of units ``[..., P, K, B]``."""
        return self.units(values).movedim(-3, -1)


def _same(values: Tensor) -> bool:
    """Whether all neurons of a sample have the same values ``[..., B, N]``."""
    return bool((values == values[..., :1]).all())
