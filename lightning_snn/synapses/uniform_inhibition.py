"""Inhibition of all other neurons of a layer."""

from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.core.time import checked_delay
from lightning_snn.geometry import Sheet
from lightning_snn.ops.tap import Tap
from lightning_snn.synapses.lateral import Coupling, Lateral
from lightning_snn.synapses.population import Population


class UniformInhibition(Lateral):
    """Every spike delivers ``strength`` to the driven input of every other neuron of the layer.

    For the inhibitory input of neurons that have one (``input: inhibition`` of the connection, as of
    `ConductanceLIF`), in the units of that input.

    Args:
        strength: What a spike delivers: a charge, or what it adds to a conductance.
        delay: Time in ms that spikes travel, whole steps; 1 ms by default.

    Raises:
        ValueError: if the strength or the delay is negative.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.2, without the inhibitory cells in
    between.
    """

    def __init__(self, strength: float = 17.0, *, delay: float | None = None) -> None:
        checks.non_negative("strength", strength)
        self.strength = strength
        self.delay = checked_delay(delay)

    def couple(self, sheet: Sheet) -> "UniformCoupling":
        """What delivers ``strength`` for the spikes of all others."""
        return UniformCoupling(self.strength, sheet.num_nodes, delay=self.delay)


class UniformCoupling(Coupling):
    """The same number from each neuron to all others.

    Args:
        strength: The number.
        num_nodes: Neurons N of the layer.
        delay: As in `Coupling`.
    """

    def __init__(self, strength: float, num_nodes: int, *, delay: float | None = None) -> None:
        super().__init__(num_nodes, delay=delay)
        self.strength = strength

    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[..., N]`` from arriving spikes ``[..., N]``."""
        return self.strength * (spikes.sum(-1, keepdim=True) - spikes)

    def scan(
        self,
        neurons: Population,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        *,
        input: str,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """Run inhibited neurons over time, all steps at once; see `Projection.scan`."""
        strength = current_of(self.strength, neurons.dt)
        return neurons.scan_uniform(current, state, spikes, strength, input=input, tap=tap, **others)
