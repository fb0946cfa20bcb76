"""Weights by chance or by hand, of the size of those that were learned."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import WeightedProjection

NEARER = 1e-6
"""Share by which a hand-made weight is below that of the next nearer node: above float32's precision."""


def random_wiring(
    projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "", size: int = 0
) -> Tensor:
    """The weights of every unit, each moved to a node of its field chosen by chance: same fan-in.

    Args:
        projection: The wired projection.
        sheet: Geometry of the source.
        seed: Seed of the chance, in a stream that nothing else draws from.
        name: The connection.
        size: Nodes of the fields that others find in it; 0 where none do.
    """
    del sheet, size
    generator = RandomStream(seed, f"control/random/{name}").torch()
    draws = torch.rand(projection.weight.shape, generator=generator)
    if projection.exists is not None:
        draws = draws.masked_fill(~projection.exists[:, None].to(draws.device), torch.inf)
    order = draws.argsort(dim=-1)
    return projection.weight.detach().gather(-1, order.to(projection.weight.device))


def initial_wiring(
    projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "", size: int = 0
) -> Tensor:
    """Weights as they are before anything is learned, but not those that the projection started from.

    Args: as `random_wiring` has them.
    """
    del sheet, size
    other = copy.copy(projection)
    other.stream = RandomStream(seed, f"control/initial/{name}")
    return other.initial_weight()


def grid_wiring(
    projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "", size: int = 0
) -> Tensor:
    """Pooling made by hand: unit centres on a regular grid, each connected to its nearest nodes.

    The number of nodes is the mean fan-in of the projection, their weight its mean connected weight. Where
    others find fields in it there are at least ``size`` nodes, and the weight falls by a millionth from a
    node to the next nearest, so that a unit's strongest inputs are its nearest.

    Args: as `random_wiring` has them.
    """
    del seed, name
    connected, weights = projection.connected, projection.weight.detach()
    fan_in = max(1, size, round(connected.sum(1).float().mean().item()))
    strength = weights[connected].mean().item() if connected.any() else weights.max().item()
    centres = sheet.even_positions(projection.num_post)
    nearest = sheet.distances(centres).t().topk(fan_in, largest=False).indices
    falling = NEARER * torch.arange(fan_in) if size else torch.zeros(fan_in)
    strengths = (strength * (1 - falling)).expand_as(nearest)
    weight = torch.zeros(projection.num_post, projection.num_pre).scatter_(1, nearest, strengths)
    return weight.to(projection.weight.device)


WIRINGS: dict[str, Callable[[WeightedProjection, Sheet, int, str, int], Tensor]] = {
    "random": random_wiring,
    "initial": initial_wiring,
    "grid": grid_wiring,
}
