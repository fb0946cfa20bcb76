"""Wirings to compare a self-organised network with: one connection is wired by chance or by hand."""

import copy
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.development.rewiring import WIRINGS
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import WeightedProjection

ControlKind = Literal["random", "grid", "pixels"]
"""``random`` and ``grid`` rewire a connection; ``pixels`` feeds the image to the readout as it is."""


class Control(Configurable):
    """What a network is compared with: the same one with one connection wired otherwise.

    Args:
        kind: ``random``: every unit's weights at nodes of its field chosen by chance; ``grid``: pooling made
            by hand; ``pixels``: no network at all.
        connection: The connection that is wired so; by default the first that a rule wires. Later ones that
            learn do so anew, above it.

    Raises:
        ValueError: if the kind is unknown.
    """

    def __init__(self, kind: ControlKind, connection: str | None = None) -> None:
        checks.one_of("controls", kind, get_args(ControlKind))
        self.kind: ControlKind = kind
        self.connection = connection


Controls = Sequence[ControlKind] | Mapping[str, Control]
"""Controls by name, or a list of kinds, each the name of its own."""


def named_controls(controls: Controls | None) -> dict[str, Control]:
    """Controls by name.

    Raises:
        ValueError: if a kind is unknown or listed twice.
    """
    if isinstance(controls, Mapping):
        return dict(controls)
    kinds = list(controls or [])
    found: dict[str, Control] = {kind: Control(kind) for kind in kinds}
    if len(found) < len(kinds):
        raise ValueError(f"controls must differ, got {kinds}: give them names to have two of one kind")
    return found


class ControlNetwork(nn.Module):
    """The projections that a control has instead of the network's own.

    These are the one of the connection that it wires otherwise, those of all later connections that learn or
    look into fields that a replaced one finds, and all that are trained by gradients.

    Args:
        control: What is wired otherwise.
        network: The network.

    Raises:
        ValueError: if no rule wires that connection, or there is no such one.
    """

    def __init__(self, control: Control, network: SpikingNetwork) -> None:
        super().__init__()
        checks.one_of("controls", control.kind, tuple(WIRINGS))
        self.kind = control.kind
        if not network.learned:
            raise ValueError(
                f"controls: {self.kind!r} rewires what a learning rule wires, but no connection has a rule"
            )
        self.connection = control.connection or network.learned[0]
        if self.connection not in network.learned:
            raise ValueError(
                f"controls: {self.kind!r} rewires a connection that a rule wires, one of {network.learned}, "
                f"got {self.connection!r}"
            )
        replaced = network.weighted[self.connection]
        if self.kind == "grid" and (not replaced.has_fields or replaced.groups is not None):
            raise ValueError(
                "controls: 'grid' pools by hand what a unit sees of the layer below, but "
                f"{network.key(self.connection)} is not dense"
            )
        self.copies = nn.ModuleDict(
            {name: copy.deepcopy(network.weighted[name]) for name in _follow(network, self.connection)}
        )

    @property
    def projections(self) -> dict[str, WeightedProjection]:
        """The control's projections by connection name."""
        return {name: p for name, p in self.copies.items() if isinstance(p, WeightedProjection)}

    @property
    def unwired(self) -> list[str]:
        """Names of the connections that are not wired yet, in the order in which they are."""
        return [name for name, p in self.projections.items() if not p.wired and not p.lateral_rule]

    @property
    def unlearned(self) -> list[str]:
        """Those of them that a rule must wire anew."""
        return [name for name in self.unwired if name != self.connection]

    @property
    def needs_activity(self) -> bool:
        """Whether it must be run: later connections are to learn, or thresholds to settle."""
        return bool(self.unlearned) or any(
            self.projections[name].threshold_rise is not None for name in self.unwired
        )

    def wire(self, network: SpikingNetwork) -> None:
        """Wire what needs no activity, after the network's wired connection.

        Raises:
            ValueError: if later connections are to learn anew, which the self-organisation does.
        """
        if self.connection in self.unwired:
            self.rewire(network, self.connection)
            self.projections[self.connection].wired.fill_(True)
        if self.unlearned:
            raise ValueError(
                f"controls: in the control {self.kind!r} the connections {', '.join(self.unlearned)} are to "
                "learn anew: add the SelfOrganization callback to the Trainer"
            )

    @torch.no_grad()
    def rewire(self, network: SpikingNetwork, name: str) -> None:
        """Give one projection the weights that it starts from, and no thresholds yet.

        Those of the connection that is wired otherwise come from the network's wired one; a later one starts
        from its first weights.
        """
        own = self.projections[name]
        own.stream = network.weighted[name].stream  # of the seed that a checkpoint may have brought
        if name == self.connection:
            network.find_fields(self.projections)
            sheet = network.layer(network.connection(name).source).geometry
            wiring = WIRINGS[self.kind]
            own.restart(wiring(network.weighted[name], sheet, max(int(network.seed), 0), name))
            network.find_fields(self.projections)
        else:
            own.restart(own.initial_weight())


def _follow(network: SpikingNetwork, connection: str) -> list[str]:
    """The connection, what is trained, and later ones that are not what they were where it is another."""
    weighted = network.weighted
    found = [connection]
    names = list(network.connections)
    trained = [name for name, projection in weighted.items() if projection.weight.requires_grad]
    for name in names[names.index(connection) + 1 :]:
        projection = weighted.get(name)
        if projection is not None and (network.connection(name).learns or projection.found_by in found):
            found.append(name)
    targets = {network.connection(name).target for name in found[1:] if network.connection(name).learns}
    beside = [n for n, c in network.connections.items() if c.accompanies and c.target in targets]
    return [name for name in names if name in {*found, *beside, *trained}]


def controls_of(module: nn.Module) -> dict[str, ControlNetwork]:
    """The module's controls by name, if it has any."""
    found = getattr(module, "controls", None)
    parts = found.items() if isinstance(found, nn.ModuleDict) else ()
    return {name: part for name, part in parts if isinstance(part, ControlNetwork)}
