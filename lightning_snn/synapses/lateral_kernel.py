"""Coupling inside a sheet: short-range excitation and long-range inhibition."""

import math
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.time import checked_delay
from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import neighbours
from lightning_snn.synapses.coupling import DenseCoupling, MeshCoupling
from lightning_snn.synapses.lateral import Coupling, Lateral

REFERENCE_DENSITY = 1.91
"""Nodes per unit of area for which the default ``excitation`` was chosen (1500 on 28 x 28)."""

DENSE_UP_TO = 4096
"""Nodes up to which ``auto`` stores all pairs: 64 MB."""

Storage = Literal["auto", "dense", "mesh"]

_FEWEST_NEIGHBOURS = 3


class LateralKernel(Lateral):
    """Charge that a spike of node j delivers to node i at distance D.

        K(D) = e' [D < r_e] - g [D > r_i] exp(-D / lambda),  K = 0 from a node to itself

    with ``e' = e * 1.91 / density``, so that dense sheets do not saturate and thin ones do not fall silent.

    Args:
        excitation: e at the reference density of 1.91 nodes per unit of area.
        excitation_range: r_e.
        inhibition: g.
        inhibition_range: r_i; 4 gives small sparse events, 8 gives waves.
        decay_length: lambda.
        delay: Time in ms that spikes travel, whole steps; 1 ms by default.
        storage: ``dense``: all pairs, ``[N, N]``. ``mesh``: near pairs in a list, the rest over a mesh by
            FFT, with an error below 0.5 % of ``g exp(-D / lambda)`` (and below 1e-6 g) for a pair on a flat
            sheet; on a torus it reaches 12 % where nodes are half a side apart, since the wrapped distance
            has a kink there. ``auto``: dense up to 4096 nodes.

    Raises:
        ValueError: if a range or the decay length is not positive, a strength or the delay is negative, or
            the storage is unknown.

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
        *,
        delay: float | None = None,
        storage: Storage = "auto",
    ) -> None:
        checks.non_negative("excitation", excitation)
        checks.positive("excitation_range", excitation_range)
        checks.non_negative("inhibition", inhibition)
        checks.positive("inhibition_range", inhibition_range)
        checks.positive("decay_length", decay_length)
        checks.one_of("storage", storage, get_args(Storage))
        self.excitation = excitation
        self.excitation_range = excitation_range
        self.inhibition = inhibition
        self.inhibition_range = inhibition_range
        self.decay_length = decay_length
        self.delay = checked_delay(delay)
        self.storage = storage

    def couple(self, sheet: Sheet) -> Coupling:
        """What delivers K.

        Raises:
            ValueError: if the sheet is too small for the inhibition, or too thin for the excitation.
        """
        coupling = self._couple(sheet)
        coupling.crowding = sheet.density / REFERENCE_DENSITY
        return coupling

    def _couple(self, sheet: Sheet) -> Coupling:
        dense = sheet.num_nodes <= DENSE_UP_TO if self.storage == "auto" else self.storage == "dense"
        if dense:
            return DenseCoupling(self.matrix(sheet), delay=self.delay)
        self._check_fits(sheet)
        radius = max(self.excitation_range, self.inhibition_range, 0.8 * self.decay_length)
        return MeshCoupling(
            sheet,
            partial(self._strength, density=sheet.density),
            lambda distance: -self.inhibition * _smooth_decay(distance, self.decay_length, radius),
            radius=radius,
            spacing=self.decay_length / 5,
            delay=self.delay,
        )

    def matrix(self, sheet: Sheet) -> Tensor:
        """Coupling ``[N, N]``; row j is what node j sends to every node (K is symmetric).

        Raises:
            ValueError: if the sheet is too small for the inhibition, or too thin for the excitation.
        """
        self._check_fits(sheet)
        return self._strength(sheet.distances(), density=sheet.density).fill_diagonal_(0.0)

    def _strength(self, distance: Tensor, *, density: float) -> Tensor:
        """K at distances of any shape, between different nodes."""
        excitation = self.excitation * REFERENCE_DENSITY / density
        near = (distance < self.excitation_range).float()
        far = (distance > self.inhibition_range).float()
        return excitation * near - self.inhibition * far * torch.exp(-distance / self.decay_length)

    def _check_fits(self, sheet: Sheet) -> None:
        largest = max(block.max().item() for block in _distance_blocks(sheet))
        if largest <= self.inhibition_range:
            raise ValueError(
                f"geometry is too small for lateral.inhibition_range = {self.inhibition_range}: its nodes "
                f"lie at most {largest:.3g} apart. Enlarge the geometry or shorten the range."
            )
        number = len(neighbours(sheet, self.excitation_range).targets) / sheet.num_nodes
        if number < _FEWEST_NEIGHBOURS:
            raise ValueError(
                f"geometry is too thin for lateral.excitation_range = {self.excitation_range}: a node has "
                f"{number:.2g} neighbours within it on average, and at least {_FEWEST_NEIGHBOURS} are "
                "needed. Add nodes (num_nodes) or lengthen the range."
            )


def _distance_blocks(sheet: Sheet) -> list[Tensor]:
    """Distances from all nodes of a small sheet, and from some of a large one, to all nodes."""
    some = sheet.positions[:: max(1, sheet.num_nodes // 1000)]
    return [sheet.distances(block) for block in torch.split(some, 100)]


def _smooth_decay(distance: Tensor, length: float, radius: float) -> Tensor:
    """``exp(-D / length)`` from ``radius`` on; below, a polynomial in D^2 with the same four derivatives."""
    square, start = distance.double() ** 2, radius**2
    decay = math.exp(-radius / length)
    # derivatives of exp(-sqrt(q) / length) at q = radius^2, from f' = -f / (2 length sqrt(q)) on
    a, r = 1 / (2 * length), radius
    derivatives = (
        1.0,
        -a / r,
        a**2 / r**2 + a / (2 * r**3),
        -(a**3) / r**3 - 3 * a**2 / (2 * r**4) - 3 * a / (4 * r**5),
        a**4 / r**4 + 3 * a**3 / r**5 + 15 * a**2 / (4 * r**6) + 15 * a / (8 * r**7),
    )
    inside = torch.zeros_like(square)
    for order, derivative in enumerate(derivatives):
        inside += derivative / math.factorial(order) * (square - start) ** order
    outside = torch.exp(-distance.double() / length)
    return torch.where(distance < radius, decay * inside, outside).to(distance.dtype)
