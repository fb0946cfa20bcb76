"""A cost of spikes that arrive: energy."""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.regulariser import Regulariser
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import Presentation
from lightning_snn.synapses import WeightedProjection


class SynapticOperations(Regulariser):
    """``strength`` times the synaptic operations of a sample: its spikes, each times its fan-out.

    An operation is a spike that arrives at a synapse, which costs a chip for events energy. Their mean number
    over the samples is logged as ``train/synaptic_operations``. Graded values count as so many spikes.

    Args:
        strength: Cost of an operation.
        connections: Names of the connections; by default all with weights between layers that run.

    Raises:
        ValueError: if the strength is not positive.

    Source: Merolla et al., Science 345 (2014) (synaptic operations); in the loss: Sorbaro et al., Front.
    Neurosci. 14 (2020).
    """

    def __init__(self, strength: float = 1e-7, *, connections: Sequence[str] | None = None) -> None:
        checks.positive("strength", strength)
        self.strength = strength
        self.connections = connections

    def check(self, network: SpikingNetwork, layers: Collection[str], *, key: str) -> None:
        """Raise ``ValueError`` if a connection is unknown or has no weights, or none is left."""
        known = self._between(network, layers)
        for name in self.connections or ():
            checks.one_of(f"{key}.connections", name, known)
        if not known:
            raise ValueError(
                f"{key} needs connections with weights between layers that run, and there are none"
            )

    def __call__(self, shown: Presentation, network: SpikingNetwork) -> Tensor:
        """The mean cost of a sample."""
        return self.strength * self.operations(shown, network).mean()

    def measured(self, cost: Tensor) -> Mapping[str, Tensor]:
        """The mean number of operations of a sample."""
        return {"synaptic_operations": cost / self.strength}

    def operations(self, shown: Presentation, network: SpikingNetwork) -> Tensor:
        """Synaptic operations of each sample ``[B]``."""
        names = self._between(network, shown.rates) if self.connections is None else self.connections
        found: list[Tensor] = []
        for name in names:
            source = network.connection(name).source
            steps = shown.steps if shown.lengths is None else shown.lengths
            a_step = 1.0 if source in network.graded else network.dt / 1000
            arrived = shown.rates[source] * fan_out(network.weighted[name])
            found.append(a_step * steps * arrived.sum(1))
        return torch.stack(found).sum(0)

    def _between(self, network: SpikingNetwork, layers: Collection[str]) -> list[str]:
        """Names of the connections with weights that carry spikes between layers that run."""
        acting = network.acting()
        return [
            name
            for name, connection in network.connections.items()
            if name in network.weighted and name in acting
            and {connection.source, connection.target} <= set(layers)
        ]  # fmt: skip


def fan_out(projection: WeightedProjection) -> Tensor:
    """Synapses of each presynaptic neuron ``[num_pre]``: in how many fields it lies, times their units."""
    with torch.enable_grad():
        weight = projection.weight
        spikes = torch.zeros(1, projection.num_pre, device=weight.device, requires_grad=True)
        fields = projection.fields(spikes)  # [1, P, F]
        if projection.exists is not None:
            fields = fields * projection.exists
        (places,) = torch.autograd.grad(fields.sum(), spikes)
    return places[0] * weight.shape[-2]
