"""Inhibition of all other neurons of a layer."""

from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.synapses.lateral import Coupling, Lateral
from lightning_snn.synapses.projection import Population


class UniformInhibition(Lateral):
    """Every spike adds ``strength`` to the driven input of every other neuron of the layer in the next step.

    For the inhibitory input of neurons that have one (``input: inhibition`` of the connection, as of
    `ConductanceLIF`), in the units of that input.

    Args:
        strength: What a spike adds.

    Raises:
        ValueError: if the strength is negative.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.2, without the inhibitory cells in
    between.
    """

    def __init__(self, strength: float = 17.0) -> None:
        checks.non_negative("strength", strength)
        self.strength = strength

    def couple(self, sheet: Sheet, dt: float = 1.0) -> "UniformCoupling":
        """What adds ``strength`` for the spikes of all others."""
        del dt
        return UniformCoupling(self.strength, sheet.num_nodes)


class UniformCoupling(Coupling):
    """The same number from each neuron to all others.

    Args:
        strength: The number.
        num_nodes: Neurons N of the layer.
    """

    def __init__(self, strength: float, num_nodes: int) -> None:
        super().__init__(num_nodes)
        self.strength = strength

    def forward(self, spikes: Tensor) -> Tensor:
        """Input ``[..., N]`` from the spikes ``[..., N]`` of the step before."""
        return self.strength * (spikes.sum(-1, keepdim=True) - spikes)

    def scan(
        self,
        neurons: Population,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        *,
        input: str,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """Run inhibited neurons over time, all steps at once; see `Projection.scan`."""
        return neurons.scan_uniform(current, state, spikes, self.strength, input=input, **others)
