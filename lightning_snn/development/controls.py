"""Wirings to compare a self-organised network with: the same stack, wired by chance or by hand."""

import copy
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import Projection, WeightedProjection

ControlKind = Literal["random", "grid", "pixels"]
"""``random`` and ``grid`` rewire the stack; ``pixels`` feeds the image to the readout as it is."""


class Control(Configurable):
    """A network to compare with.

    Args:
        kind: ``random`` and ``grid`` rewire a connection; ``pixels`` feeds the image to the readout as it is.
        connection: The connection that is rewired; the first that a rule wires by default.
    """

    def __init__(self, kind: ControlKind, connection: str | None = None) -> None:
        checks.one_of("controls", kind, get_args(ControlKind))
        self.kind = kind
        self.connection = connection


def named_controls(controls: list[ControlKind] | Mapping[str, Control]) -> dict[str, Control]:
    """Controls by name; those of a list are called as their kind."""
    if isinstance(controls, Mapping):
        return dict(controls)
    if len(set(controls)) < len(controls):
        raise ValueError(f"controls must differ, got {controls}")
    return {kind: Control(kind) for kind in controls}


def random_wiring(projection: WeightedProjection, sheet: Sheet, seed: int, name: str = "") -> Tensor:
    """The weights of every unit, each moved to a node of its field chosen by chance: same fan-in.

    Args:
        projection: The wired projection.
        sheet: Geometry of the layer below.
        seed: Seed of the chance, in a stream that nothing else draws from.
        name: The layer that the projection leads to.
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


_WIRINGS: dict[str, Callable[[WeightedProjection, Sheet, int, str], Tensor]] = {
    "random": random_wiring,
    "grid": grid_wiring,
}


class ControlNetwork(nn.Module):
    """The projections that a control has instead of the network's own."""

    def __init__(self, control: Control, network: SpikingNetwork) -> None:
        super().__init__()
        self.kind = control.kind
        plastic = {
            n: p
            for n, p in network.weighted.items()
            if network.connection(n).learns or any(q.requires_grad for q in p.parameters())
        }
        if not network.learned:
            raise ValueError(
                f"controls: {control.kind!r} rewires what a learning rule wires, but no connection has a rule"
            )
        self.copies = nn.ModuleDict({name: copy.deepcopy(p) for name, p in plastic.items()})

    @property
    def projections(self) -> dict[str, Projection]:
        """The control's projections by connection."""
        return {name: p for name, p in self.copies.items() if isinstance(p, Projection)}

    @property
    def unwired(self) -> list[str]:
        """Names of the connections that are not wired yet."""
        return [n for n, p in self.copies.items() if isinstance(p, WeightedProjection) and not p.wired]

    def wire(self, network: SpikingNetwork) -> None:
        """Wire those that are not wired yet, after the network's wired projections."""
        for name in self.unwired:
            self.rewire(network, name)
            self.copies[name].wired.fill_(True)

    @torch.no_grad()
    def rewire(self, network: SpikingNetwork, name: str) -> None:
        """Give one projection its weights, after the network's wired one, and no thresholds yet."""
        below = network.layer(network.connection(name).source).geometry
        weight = _WIRINGS[self.kind](network.weighted[name], below, max(int(network.seed), 0), name)
        own = self.copies[name]
        own.stream = network.weighted[name].stream
        own.restart(weight)


def controls_of(module: nn.Module) -> list[ControlNetwork]:
    """The module's controls, if it has any."""
    found = getattr(module, "controls", None)
    parts = found.values() if isinstance(found, nn.ModuleDict) else ()
    return [part for part in parts if isinstance(part, ControlNetwork)]
