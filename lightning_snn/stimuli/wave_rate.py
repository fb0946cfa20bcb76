"""How strong the excitation inside a sheet must be for waves of a given rate."""

import math
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import Projection

SETTLING, LASTING, GLANCE = 300.0, 2000.0, 500.0
"""Times in ms of a run of the sheet, before and while its spikes are counted, and where a glance will do."""

STREAMS = 4
"""Runs side by side."""

ENOUGH, CLOSE = 0.2, 0.1
"""Shares of the wanted rate to come close: of the coupling as it is, and of one that is looked for."""

SCATTERED = 0.5
"""Rate in Hz of a sheet below which there are hardly waves."""

FARTHEST = 3.0
"""Largest factor to be tried, and the inverse of the smallest."""

MOST_HALVINGS = 8


class Probe(NamedTuple):
    """Runs of a sheet alone.

    Args:
        network: The network.
        layer: Name of the layer.
        noise: A stream's number and steps to its noise ``[steps, 1, N]``.
    """

    network: SpikingNetwork
    layer: str
    noise: Callable[[int, int], Tensor]

    def couplings(self, factor: float) -> dict[str, Projection]:
        """The layer's connections to itself by name, with their excitation times a factor."""
        return {
            name: connection.projection.excited(factor)
            for name, connection in self.network.connections.items()
            if connection.source == connection.target == self.layer
        }

    def rate(self, factor: float = 1.0, time: float = LASTING) -> float:
        """Mean rate in Hz of the layer's neurons in noise, counted for a time in ms."""
        dt = self.network.dt
        settling, lasting = (max(1, round(ms / dt)) for ms in (SETTLING, time))
        noise = [self.noise(stream, settling + lasting) for stream in range(STREAMS)]
        rest = self.network.rest(STREAMS, self.network.layer(self.layer).positions, layers=[self.layer])
        with torch.no_grad():
            spikes, _ = self.network.run(
                {self.layer: torch.cat(noise, dim=1)},
                rest,
                layers=[self.layer],
                projections={} if factor == 1 else self.couplings(factor),
                developing=True,
                noise=False,
            )
        share: float = spikes[self.layer][settling:].float().mean().item()
        return share * 1000 / dt


def factor_for(wanted: float | None, probe: Probe) -> float:
    """The factor of the excitation at which a sheet has a rate.

    Args:
        wanted: The rate in Hz; None: any but silence.
        probe: Runs of the sheet.

    Returns:
        The factor, 1 where the rate is close enough as it is.

    Raises:
        ValueError: if the sheet is silent and no rate is wanted, or no factor gives it.
    """
    found = probe.rate(time=GLANCE if wanted is None else LASTING)
    lateral = f"layers.{probe.layer}.lateral"
    if wanted is None:
        advice = (
            "Give SpontaneousWaves a `rate`, such as 8.0 Hz, or a larger `amplitude`, or "
            f"{lateral} a larger `excitation`"
        )
        if found == 0:
            raise ValueError(
                f"layers.{probe.layer}: no neuron spikes in {STREAMS} times {GLANCE / 1000:g} s of noise, "
                f"so there are no waves. {advice}"
            )
        if found < SCATTERED:
            warnings.warn(
                f"layers.{probe.layer}: the neurons spike with {found:.2g} Hz in noise, which are single "
                f"spikes rather than waves. {advice}",
                stacklevel=2,
            )
        return 1.0
    if abs(found - wanted) <= ENOUGH * wanted:
        return 1.0
    weak = found < wanted
    near, far = 1.0, 1.1 if weak else 1 / 1.1
    while (probe.rate(far) < wanted) == weak:
        near, far = far, far * far
        if not 1 / FARTHEST < far < FARTHEST:
            raise ValueError(
                f"SpontaneousWaves.rate = {wanted} Hz cannot be had: the neurons of layers.{probe.layer} "
                f"have {found:.3g} Hz, and {probe.rate(near):.3g} Hz with {near:.2g} times the excitation. "
                f"{'Raise' if weak else 'Lower'} its `amplitude`, or change {lateral} or the num_nodes"
            )
    for _ in range(MOST_HALVINGS):
        middle = math.sqrt(near * far)
        found = probe.rate(middle)
        if abs(found - wanted) <= CLOSE * wanted:
            break
        near, far = (middle, far) if (found < wanted) == weak else (near, middle)
    return middle
