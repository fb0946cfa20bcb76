"""Coupling inside a sheet: short-range excitation and long-range inhibition."""

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.geometry import Sheet

REFERENCE_DENSITY = 1.91
"""Nodes per unit of area for which the default ``excitation`` was chosen (1500 on 28 x 28)."""

_FEWEST_NEIGHBOURS = 3


class LateralKernel(Configurable):
    """Input that a spike of node j gives to node i at distance D.

        K(D) = e' [D < r_e] - g [D > r_i] exp(-D / lambda),  K = 0 from a node to itself

    with ``e' = e * 1.91 / density``, so that dense sheets do not saturate and thin ones do not fall silent.

    Args:
        excitation: e at the reference density of 1.91 nodes per unit of area.
        excitation_range: r_e.
        inhibition: g.
        inhibition_range: r_i; 4 gives small sparse events, 8 gives waves.
        decay_length: lambda.

    Raises:
        ValueError: if a range or the decay length is not positive, or a strength is negative.

    Source: the self-organising retina of Raghavan, Lin and Thomson, Self-organization of multi-layer
    spiking neural networks (2020), with the excitation scaled by density.
    """

    def __init__(
        self,
        excitation: float = 5.0,
        excitation_range: float = 2.0,
        inhibition: float = 2.0,
        inhibition_range: float = 8.0,
        decay_length: float = 10.0,
    ) -> None:
        checks.non_negative("excitation", excitation)
        checks.positive("excitation_range", excitation_range)
        checks.non_negative("inhibition", inhibition)
        checks.positive("inhibition_range", inhibition_range)
        checks.positive("decay_length", decay_length)
        self.excitation = excitation
        self.excitation_range = excitation_range
        self.inhibition = inhibition
        self.inhibition_range = inhibition_range
        self.decay_length = decay_length

    def matrix(self, sheet: Sheet) -> Tensor:
        """Coupling ``[N, N]``; row j is what node j sends to every node (K is symmetric).

        Raises:
            ValueError: if the sheet is too small for the inhibition, or too thin for the excitation.
        """
        distance = sheet.distances()
        self._check_fits(distance)
        excitation = self.excitation * REFERENCE_DENSITY / sheet.density
        near = (distance < self.excitation_range).float()
        far = (distance > self.inhibition_range).float()
        coupling = excitation * near - self.inhibition * far * torch.exp(-distance / self.decay_length)
        return coupling.fill_diagonal_(0.0)

    def _check_fits(self, distance: Tensor) -> None:
        largest = distance.max().item()
        if largest <= self.inhibition_range:
            raise ValueError(
                f"geometry is too small for lateral.inhibition_range = {self.inhibition_range}: its nodes "
                f"lie at most {largest:.3g} apart. Enlarge the geometry or shorten the range."
            )
        neighbours = ((distance < self.excitation_range).sum(1) - 1).float().mean().item()
        if neighbours < _FEWEST_NEIGHBOURS:
            raise ValueError(
                f"geometry is too thin for lateral.excitation_range = {self.excitation_range}: a node has "
                f"{neighbours:.2g} neighbours within it on average, and at least {_FEWEST_NEIGHBOURS} are "
                "needed. Add nodes (num_nodes) or lengthen the range."
            )
