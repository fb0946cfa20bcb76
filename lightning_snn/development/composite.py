"""Fields on a sheet whose places mean something, of units that look at a layer whose places mean nothing."""

from collections.abc import Collection, Mapping
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import Projection, WeightedProjection
from lightning_snn.synapses.gathered import Gathered

OF_LARGEST = 0.5
"""A composite field holds the nodes with more than this share of the unit's largest path weight."""


class FieldsOf(NamedTuple):
    """The fields of a connection's units.

    Args:
        connected: Which nodes belong to them, bool ``[M, N]``.
        layer: The layer whose nodes they are.
        sheet: Where these lie.
        stages: Connections that they were traced through, with the last one. Fields of fields are wider.
    """

    connected: Tensor
    layer: str
    sheet: Sheet
    stages: int


def fields_of(
    network: SpikingNetwork,
    name: str,
    projections: Mapping[str, Projection] | None = None,
    *,
    driven: Collection[str] = (),
) -> FieldsOf:
    """The fields of a connection's units, on the first sheet below whose places mean something.

    A unit's place says nothing where a rule chose its inputs, as in a `Dense` connection or in fields that
    were found: of a connection from such a layer, the field of a unit is traced through what leads there.
    The weight of the paths from node i to unit u is the sum, over the units between, of the products of
    their connected weights, each unit's scaled to sum 1; the composite field holds the nodes with more than
    half of the unit's largest.

    Args:
        network: The network.
        name: The connection, which has weights.
        projections: Projections instead of the network's own, by connection name.
        driven: Layers that are driven while the connection is wired, whose places mean something to what
            drives them, such as waves of their own: nothing is traced beyond these.
    """
    chosen = network.projections | dict(projections or {})
    chain, source = [name], network.connection(name).source
    while source not in driven:
        through = _came_from(network, source, chosen)
        if through is None or through in chain:
            break
        chain.append(through)
        source = network.connection(through).source
    if len(chain) == 1:
        connected = _weighted(chosen[name]).connected
    else:
        paths = reduce(torch.matmul, [_shares(_weighted(chosen[one])) for one in chain])
        largest = paths.amax(1, keepdim=True)
        connected = (paths > OF_LARGEST * largest) & (largest > 0)
    return FieldsOf(connected, source, network.layer(source).geometry, len(chain))


def _came_from(network: SpikingNetwork, layer: str, projections: Mapping[str, Projection]) -> str | None:
    """The connection that gave the units of a layer fields anywhere; None where their places say where."""
    for name in network.learned:
        connection, projection = network.connection(name), projections[name]
        elsewhere = connection.target == layer and connection.source != layer
        if elsewhere and not projection.topographic:
            return name
    return None


def _weighted(projection: Projection) -> WeightedProjection:
    assert isinstance(projection, WeightedProjection)
    return projection


def _shares(projection: WeightedProjection) -> Tensor:
    """Connected weights ``[num_post, num_pre]``, each unit's with sum 1."""
    weight = projection.weight.detach()
    matrix = projection.matrix(weight) if isinstance(projection, Gathered) else weight
    kept = torch.where(projection.connected, matrix, 0.0)
    return kept / kept.sum(1, keepdim=True).clamp_min(1e-12)
