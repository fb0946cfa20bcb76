"""Wirings to compare a self-organised network with: the same stack, wired by chance or by hand."""

import copy
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingStack
from lightning_snn.synapses import Projection

Control = Literal["random", "grid", "pixels"]
"""``random`` and ``grid`` rewire the stack; ``pixels`` feeds the image to the readout as it is."""


def random_wiring(projection: Projection, sheet: Sheet, seed: int, name: str = "") -> Tensor:
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


def grid_wiring(projection: Projection, sheet: Sheet, seed: int, name: str = "") -> Tensor:
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


_WIRINGS: dict[str, Callable[[Projection, Sheet, int, str], Tensor]] = {
    "random": random_wiring,
    "grid": grid_wiring,
}


class ControlNetwork(nn.Module):
    """The projections that a control has instead of the stack's own.

    Args:
        kind: ``random`` or ``grid``.
        stack: The stack; every projection that a rule wires or a gradient trains is replaced.
    """

    def __init__(self, kind: str, stack: SpikingStack) -> None:
        super().__init__()
        checks.one_of("controls", kind, tuple(_WIRINGS))
        self.kind = kind
        plastic = {
            name: p for name, p in stack.projections.items() if p.rule is not None or p.weight.requires_grad
        }
        if all(p.rule is None for p in plastic.values()):
            raise ValueError(
                f"controls: {kind!r} rewires what a learning rule wires, but no layer has a rule"
            )
        blind = [name for name, p in plastic.items() if not p.has_fields or p.groups is not None]
        if kind == "grid" and blind:
            raise ValueError(
                f"controls: 'grid' pools by hand what a unit sees of the layer below, but layers.{blind[0]} "
                "has no dense projection"
            )
        self.copies = nn.ModuleDict({name: copy.deepcopy(p) for name, p in plastic.items()})

    @property
    def projections(self) -> dict[str, Projection]:
        """The control's projections by layer name."""
        return {name: p for name, p in self.copies.items() if isinstance(p, Projection)}

    @property
    def unwired(self) -> list[str]:
        """Names of the layers whose projections are not wired yet, bottom first."""
        return [name for name, projection in self.projections.items() if not projection.wired]

    def wire(self, stack: SpikingStack) -> None:
        """Wire those that are not wired yet, after the stack's wired projections."""
        for name in self.unwired:
            self.rewire(stack, name)
            self.projections[name].wired.fill_(True)

    @torch.no_grad()
    def rewire(self, stack: SpikingStack, name: str) -> None:
        """Give one projection its weights, after the stack's wired one, and no thresholds yet."""
        below = stack.layer(stack.names[stack.names.index(name) - 1]).geometry
        weight = _WIRINGS[self.kind](stack.projections[name], below, max(int(stack.seed), 0), name)
        own = self.projections[name]
        own.stream = stack.projections[name].stream  # of the seed that a checkpoint may have brought
        own.restart(weight)


def check_controls(controls: list[Control]) -> None:
    """Raise ``ValueError`` unless all are known and none is named twice."""
    for control in controls:
        checks.one_of("controls", control, get_args(Control))
    if len(set(controls)) < len(controls):
        raise ValueError(f"controls must differ, got {controls}")


def controls_of(module: nn.Module) -> list[ControlNetwork]:
    """The module's controls, if it has any."""
    found = getattr(module, "controls", None)
    parts = found.values() if isinstance(found, nn.ModuleDict) else ()
    return [part for part in parts if isinstance(part, ControlNetwork)]
