"""Smooth noise: patterns that look like nothing, and are as smooth as images."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingNetwork
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.stimuli.stimulus import Stimulus

BLOCK = 1000
"""Nodes whose distances to all others are worked out at once."""


class SmoothNoise(Stimulus):
    """A pattern of its own for each stream and round, held over the round, which starts from rest; no data.

    Gaussian noise of deviation 1, smoothed over the sheet, is cut off below 0 and above 1: half the nodes get
    nothing, one in six the whole amplitude. So rounds are like presentations of images, of as many steps as
    the phase's ``chunk``.

    Args:
        amplitude: Current of the brightest nodes: best that of a white pixel, the encoder's gain.
        reach: Distance over which the noise is smoothed, in units of length of the sheet; 0: each node on its
            own.
        layer: Name of the layer that it drives; by default all input layers that lead to the connection.
        seed: Seed of the patterns, by default the network's.

    Raises:
        ValueError: if ``amplitude`` is not positive or ``reach`` negative.
    """

    continues = False
    stream: RandomStream

    def __init__(
        self,
        amplitude: float = 30.0,
        *,
        reach: float = 2.0,
        layer: str | None = None,
        seed: int | None = None,
    ) -> None:
        checks.positive("amplitude", amplitude)
        checks.non_negative("reach", reach)
        self.amplitude, self.reach = amplitude, reach
        self.layer = layer
        self.stream = stream_of("patterns", seed)
        self._smoothing: dict[str, tuple[Sheet, Tensor]] = {}

    def currents(
        self,
        network: SpikingNetwork,
        connection: str,
        *,
        steps: int,
        streams: Iterable[int],
        round_number: int,
    ) -> dict[str, Tensor]:
        """Each stream's own pattern; see `Stimulus.currents`."""
        numbers, found = list(streams), {}
        for name in self.drives(network, connection):
            positions = network.layer(name).positions
            drawn = self.stream.of(name)
            noise = torch.stack(
                [torch.randn(len(positions), generator=drawn.torch(n, round_number)) for n in numbers]
            ).to(positions.device)
            if self.reach:
                noise = event_sum(noise, self._rows(name, network.layer(name).geometry))
            found[name] = (self.amplitude * noise.clamp(0, 1)).to(positions.dtype).expand(steps, -1, -1)
        return found

    def _rows(self, layer: str, sheet: Sheet) -> Tensor:
        """What the noise of each node adds to all ``[N, N]``, so that their deviation is 1."""
        kept = self._smoothing.get(layer)
        if kept is None or kept[0] is not sheet:
            blocks = [
                sheet.moved(block).distances(sheet.positions) for block in torch.split(sheet.positions, BLOCK)
            ]
            weights = torch.exp(-torch.cat(blocks).square() / (2 * self.reach**2))
            kept = self._smoothing[layer] = sheet, weights / weights.square().sum(0).sqrt()
        return kept[1]
