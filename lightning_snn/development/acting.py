"""Which parts of a network act while a connection is wired."""

from collections.abc import Collection, Mapping

from lightning_snn.network import SpikingNetwork
from lightning_snn.network.graph import leading_to, reachable
from lightning_snn.synapses import Projection, WeightedProjection


def later_ones(network: SpikingNetwork, name: str, projections: Mapping[str, Projection]) -> set[str]:
    """Connections that a rule wires after ``name``, and has not wired yet."""
    later = network.learned[network.learned.index(name) + 1 :]
    found = {other: projections[other] for other in later}
    return {n for n, p in found.items() if isinstance(p, WeightedProjection) and not p.wired}


def leading(
    network: SpikingNetwork, starts: Collection[str], ends: Collection[str], connections: Collection[str]
) -> list[str]:
    """The layers, as listed, on the way from ``starts`` to ``ends`` through some connections."""
    edges = [(c.source, c.target) for name, c in network.connections.items() if name in connections]
    found = reachable(starts, edges) & leading_to(ends, edges)
    return [name for name in network.names if name in found]
