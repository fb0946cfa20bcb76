"""Wirings to compare a self-organised network with: some connections are wired by chance or by hand."""

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

ControlKind = Literal["random", "initial", "grid", "pixels"]
"""The first three rewire connections; ``pixels`` feeds the image to the readout as it is."""


class Control(Configurable):
    """What a network is compared with: the same one with some connections wired otherwise.

    Args:
        kind: ``random``: every unit's weights at nodes of its field chosen by chance; ``initial``: weights as
            before anything is learned, in a draw of its own; ``grid``: pooling made by hand; ``pixels``: no
            network at all.
        connection: The connection that is wired so, or several; by default the first that a rule wires.
            Others that come later and learn do so anew, above it.
        gain: Its own gain of that connection, or of the last of several in the network's order; by default
            the network's.

    Raises:
        ValueError: if the kind is unknown, the list is empty, or the gain is not positive or for nothing.
    """

    def __init__(
        self, kind: ControlKind, connection: Sequence[str] | str | None = None, *, gain: float | None = None
    ) -> None:
        checks.one_of("controls", kind, get_args(ControlKind))
        if gain is not None:
            checks.positive("controls.gain", gain)
            if kind == "pixels":
                raise ValueError(f"controls: 'pixels' has no connection that could have the gain {gain}")
        self.kind: ControlKind = kind
        self.connections = [connection] if isinstance(connection, str) else connection
        if self.connections is not None and not self.connections:
            raise ValueError("controls.connection must name at least one connection, got an empty list")
        self.gain = gain


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

    These are those of the connections that it wires otherwise, of all later ones that learn or look into
    fields that a replaced one finds, and of all that are trained by gradients.

    Args:
        control: What is wired otherwise.
        network: The network.

    Attributes:
        kind: How it wires.
        rewired: Names of the connections that it wires otherwise, in the network's order.

    Raises:
        ValueError: if no rule wires such a connection, or there is none of the name.
    """

    def __init__(self, control: Control, network: SpikingNetwork) -> None:
        super().__init__()
        checks.one_of("controls", control.kind, tuple(WIRINGS))
        self.kind = control.kind
        if not network.learned:
            raise ValueError(
                f"controls: {self.kind!r} rewires what a learning rule wires, but no connection has a rule"
            )
        named = control.connections or network.learned[:1]
        self.rewired = [name for name in network.connections if name in named]
        for name in named:
            self._check(network, name)
        self.copies = nn.ModuleDict(
            {name: copy.deepcopy(network.weighted[name]) for name in _follow(network, self.rewired)}
        )
        if control.gain is not None:
            self.projections[self.rewired[-1]].gain = control.gain

    def _check(self, network: SpikingNetwork, name: str) -> None:
        if name not in network.learned:
            raise ValueError(
                f"controls: {self.kind!r} rewires a connection that a rule wires, one of {network.learned}, "
                f"got {name!r}"
            )
        replaced = network.weighted[name]
        if self.kind == "grid" and (not replaced.has_fields or replaced.groups is not None):
            raise ValueError(
                "controls: 'grid' pools by hand what a unit sees of the layer below, but "
                f"{network.key(name)} is not dense"
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
        return [name for name in self.unwired if name not in self.rewired]

    @property
    def needs_activity(self) -> bool:
        """Whether it must be run: later connections are to learn, or thresholds to settle."""
        return bool(self.unlearned) or any(
            self.projections[name].threshold_rise is not None for name in self.unwired
        )

    def wire(self, network: SpikingNetwork) -> None:
        """Wire what needs no activity, after the network's wired connections.

        Raises:
            ValueError: if later connections are to learn anew, which the self-organisation does.
        """
        for name in self.unwired:
            if name in self.rewired:
                self.rewire(network, name)
                self.projections[name].wired.fill_(True)
        if self.unlearned:
            raise ValueError(
                f"controls: in the control {self.kind!r} the connections {', '.join(self.unlearned)} are to "
                "learn anew: add the SelfOrganization callback to the Trainer"
            )

    @torch.no_grad()
    def rewire(self, network: SpikingNetwork, name: str) -> None:
        """Give one projection the weights that it starts from, and no thresholds yet.

        Those of a connection that is wired otherwise come from the network's wired one; another starts from
        its first weights.
        """
        own = self.projections[name]
        own.stream = network.weighted[name].stream  # of the seed that a checkpoint may have brought
        if name not in self.rewired:
            own.restart(own.initial_weight())
            return
        network.find_fields(self.projections)
        sheet = network.layer(network.connection(name).source).geometry
        wiring, seed = WIRINGS[self.kind], max(int(network.seed), 0)
        own.restart(wiring(network.weighted[name], sheet, seed, name, self._field_size(name)))
        network.find_fields(self.projections)

    def _field_size(self, name: str) -> int:
        """Nodes of the largest fields that others find in a connection; 0 where none do."""
        return max((p.weight.shape[-1] for p in self.projections.values() if p.found_by == name), default=0)


def _follow(network: SpikingNetwork, rewired: Sequence[str]) -> list[str]:
    """The connections, what is trained, and later ones that are not what they were where these are others."""
    weighted = network.weighted
    found = list(rewired)
    names = list(network.connections)
    trained = [name for name, projection in weighted.items() if projection.weight.requires_grad]
    for name in names[names.index(rewired[0]) + 1 :]:
        projection = weighted.get(name)
        if projection is not None and (network.connection(name).learns or projection.found_by in found):
            found.append(name)
    anew = {name for name in found if network.connection(name).learns} - {*rewired}
    targets = {network.connection(name).target for name in anew}
    beside = [n for n, c in network.connections.items() if c.accompanies and c.target in targets]
    return [name for name in names if name in {*found, *beside, *trained}]


def controls_of(module: nn.Module) -> dict[str, ControlNetwork]:
    """The module's controls by name, if it has any."""
    found = getattr(module, "controls", None)
    parts = found.items() if isinstance(found, nn.ModuleDict) else ()
    return {name: part for name, part in parts if isinstance(part, ControlNetwork)}
