"""Weights by chance or by hand, of the size of those that were learned."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import WeightedProjection


def random_wiring(projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "") -> Tensor:
    """The weights of every unit, each moved to a node of its field chosen by chance: same fan-in.

    Args:
        projection: The wired projection.
        sheet: Geometry of the source.
        seed: Seed of the chance, in a stream that nothing else draws from.
        name: The connection.
    """
    del sheet
    generator = RandomStream(seed, f"control/random/{name}").torch()
    draws = torch.rand(projection.weight.shape, generator=generator)
    if projection.exists is not None:
        draws = draws.masked_fill(~projection.exists[:, None].to(draws.device), torch.inf)
    order = draws.argsort(dim=-1)
    return projection.weight.detach().gather(-1, order.to(projection.weight.device))


def grid_wiring(projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "") -> Tensor:
    """Pooling made by hand: unit centres on a regular grid, each connected to its nearest nodes.

    The number of nodes is the mean fan-in of the projection, their weight its mean connected weight.
    """
    del seed, name
    connected, weights = projection.connected, projection.weight.detach()
    fan_in = max(1, round(connected.sum(1).float().mean().item()))
    strength = weights[connected].mean().item() if connected.any() else weights.max().item()
    centres = sheet.even_positions(projection.num_post)
    nearest = sheet.distances(centres).t().topk(fan_in, largest=False).indices
    weight = torch.zeros(projection.num_post, projection.num_pre).scatter_(1, nearest, strength)
    return weight.to(projection.weight.device)


WIRINGS: dict[str, Callable[[WeightedProjection, Sheet, int, str], Tensor]] = {
    "random": random_wiring,
    "grid": grid_wiring,
}
