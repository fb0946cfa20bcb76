"""Networks of layers and connections."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypedDict, Unpack, overload

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.core.random import RootSeed, drawing, root_seed
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import whole_steps
from lightning_snn.network import graph
from lightning_snn.network.building import check_connections, check_layers, joined, shared_dt
from lightning_snn.network.connection import Connection
from lightning_snn.network.inputs import sequence_of
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.network.record import Recorded, Recording, Wanted
from lightning_snn.network.recording import watch_of
from lightning_snn.network.running import Run
from lightning_snn.network.wire import Wire, steps_of
from lightning_snn.synapses import Projection, WeightedProjection


class NetworkState(NamedTuple):
    """State of a network.

    Args:
        layers: That of each layer, by name.
        connections: That of the synapses of each connection, by name, each tensor ``[B, ...]``; empty
            without delay and kinetics.
    """

    layers: dict[str, LayerState]
    connections: dict[str, Tensors]


class RunOptions(TypedDict, total=False):
    """Options of `SpikingNetwork.run`; it says what they mean."""

    known: Mapping[str, Tensor] | None
    layers: Collection[str] | None
    projections: Mapping[str, Projection] | None
    silent: Collection[str]
    developing: bool
    noise: bool
    generator: torch.Generator | None


class SpikingNetwork(nn.Module):
    """Layers, and connections between them.

    Layers run in the order in which they are listed. What a layer sends to a later one arrives in the same
    step, what it sends to itself or an earlier one 1 ms later (the nearest whole number of steps, one at
    least), unless the connection has a ``delay``. Layers that no loop joins run one after another, whole
    sequences at a time; those in a loop run together, as many steps at a time as the shortest delay to the
    same or an earlier layer.

    Args:
        layers: Layers by name. Their short forms ``projection`` and ``lateral`` are connections too, which
            come first, in the order of the layers.
        connections: Further connections by name. Those with a learning rule are wired in the order in which
            they are listed.
        dt: Step in ms; by default the one that the neurons were given, else 1.
        min_delay: Time in ms, whole steps, below which no connection has a delay: 0 lets a spike pass a whole
            chain of layers within one step.
        seed: What is random in the parts and has no seed of its own is drawn from it, under the name of the
            layer or connection; by default the run's, or one by torch's generator. It stands in the
            ``state_dict``. ``plain``: as before there were names, each part from its own seed (0 by
            default) alone.

    Raises:
        ValueError: if there is no layer, a name is no identifier, taken by PyTorch or given twice, a
            connection names a layer that does not exist, an input that its target does not have, or sizes or
            fields that do not fit, a loop leads through a projection that only knows whole sequences, a
            layer is joined to no other, parts differ in ``dt``, a delay is not a whole number of steps or
            too short, lateral inhibition is to be learned in a layer that no rule wires, or thresholds are to
            rise in neurons whose thresholds cannot.
    """

    seed: Tensor

    def __init__(
        self,
        layers: Mapping[str, SpikingLayer],
        connections: Mapping[str, Connection] | None = None,
        *,
        dt: float | None = None,
        min_delay: float = 0.0,
        seed: RootSeed = None,
    ) -> None:
        super().__init__()
        checks.non_negative("min_delay", min_delay)
        self.min_delay = min_delay
        root = root_seed(seed)
        self.register_buffer("seed", torch.tensor(root))
        check_layers(layers)
        self.dt = shared_dt(layers, dt)
        for name, layer in layers.items():
            layer.draw(root, name)
            layer.neuron.at(self.dt, f"layers.{name}.neuron.dt")
        self._keys, found = joined(layers, connections or {}, dt=self.dt, seed=root)
        self.layers = ModuleDictOf[SpikingLayer](layers)
        self.connections = ModuleDictOf[Connection](found)
        check_connections(layers, found, self._keys, dt=self.dt)
        whole_steps("min_delay", min_delay, self.dt)
        for name in found:
            self.wire(name)
        self.register_load_state_dict_post_hook(_follow)  # type: ignore[no-untyped-call]

    @property
    def names(self) -> list[str]:
        """Names of the layers as listed."""
        return list(self.layers)

    def layer(self, name: str) -> SpikingLayer:
        """A layer by name."""
        return self.layers[name]

    def connection(self, name: str) -> Connection:
        """A connection by name."""
        return self.connections[name]

    def key(self, connection: str) -> str:
        """Where a connection stands in a configuration, such as ``layers.lgn.projection``."""
        return self._keys[connection]

    @property
    def inputs(self) -> list[str]:
        """Names of the layers that take the input: no layer before them leads to them."""
        return graph.input_layers(self.names, self.edges)

    @cached_property
    def edges(self) -> tuple[graph.Edge, ...]:
        """Source and target of each connection."""
        return tuple((c.source, c.target) for c in self.connections.values())

    @property
    def projections(self) -> dict[str, Projection]:
        """The projections by the name of their connection."""
        return {name: connection.projection for name, connection in self.connections.items()}

    @property
    def weighted(self) -> dict[str, WeightedProjection]:
        """Those with weights."""
        return {n: p for n, p in self.projections.items() if isinstance(p, WeightedProjection)}

    @property
    def learned(self) -> list[str]:
        """Names of the connections that a rule wires, in that order."""
        return [name for name, connection in self.connections.items() if connection.learns]

    @property
    def unwired(self) -> list[str]:
        """Those of them that are not wired yet."""
        return [name for name in self.learned if not self.connection(name).weighted().wired]

    @property
    def graded(self) -> list[str]:
        """Names of the layers that may send other values than 0 and 1."""
        return [name for name in self.names if self.layer(name).neuron.graded]

    def is_late(self, connection: str) -> bool:
        """Whether spikes cannot arrive in the same step, since the target is not listed after the source."""
        ends = self.connection(connection)
        return self.names.index(ends.source) >= self.names.index(ends.target)

    def wire(self, connection: str, projection: Projection | None = None) -> Wire:
        """A connection as it acts in a run, with another ``projection`` where one is given.

        Raises:
            ValueError: if its delay is not a whole number of steps, or too short.
        """
        c, late = self.connection(connection), self.is_late(connection)
        made_of = c.projection if projection is None else projection
        key = self.key(connection)
        key = f"{key}.projection.delay" if key.startswith("connections.") else f"{key}.delay"
        steps = steps_of(key, made_of.delay, late=late, least=self.min_delay, dt=self.dt)
        return Wire(connection, c.source, c.target, c.input, made_of, late, steps)

    def acting(self, *, silent: Collection[str] = (), developing: bool = False) -> list[str]:
        """Names of the connections that carry spikes.

        Args:
            silent: Names of those that carry nothing.
            developing: Whether those of ``development`` do.
        """
        return [
            name
            for name, connection in self.connections.items()
            if name not in silent and (developing or connection.active == "always")
        ]

    def needed_for(self, names: Collection[str]) -> list[str]:
        """The layers that these and what leads to them consist of, as listed."""
        found = graph.leading_to(names, self.edges)
        return [name for name in self.names if name in found]

    def find_fields(self, projections: Mapping[str, WeightedProjection] | None = None) -> None:
        """Let connections whose fields others find take them over.

        ``projections`` instead of the network's own, by connection name, are those of a control.
        """
        own = self.weighted if projections is None else projections
        chosen = self.weighted | dict(own)
        for name in own:
            chosen[name].find(chosen)

    def rest(
        self,
        batch: int,
        like: Tensor,
        *,
        layers: Collection[str] | None = None,
        projections: Mapping[str, Projection] | None = None,
    ) -> NetworkState:
        """State of ``batch`` samples at rest, with the thresholds that homeostasis has set.

        Args:
            batch: Samples.
            like: A tensor of the device and number format.
            layers: Names of the layers, by default all, with the connections among them.
            projections: Projections instead of the network's own, by connection name.
        """
        chosen = self.projections | dict(projections or {})
        names = set(self.names if layers is None else layers)
        states = {name: self._resting(name, batch, like, chosen) for name in self.names if name in names}
        synapses = {
            name: self.wire(name, chosen[name]).rest(batch, like, dt=self.dt)
            for name, c in self.connections.items()
            if {c.source, c.target} <= names
        }
        return NetworkState(states, synapses)

    def _resting(
        self, name: str, batch: int, like: Tensor, projections: Mapping[str, Projection]
    ) -> LayerState:
        return self.layer(name).rest(batch, like, rise=self.threshold_rise(name, projections))

    def threshold_rise(self, layer: str, projections: Mapping[str, Projection]) -> Tensor | None:
        """What homeostasis adds to the thresholds of a layer ``[N]``, over all that leads to it."""
        total: Tensor | None = None
        for name, connection in self.connections.items():
            projection = projections[name]
            if connection.target == layer and isinstance(projection, WeightedProjection):
                rise = projection.threshold_rise
                if rise is not None:
                    total = rise if total is None else total + rise
        return total

    def forward(
        self,
        inputs: Tensor | Mapping[str, Tensor],
        state: NetworkState | None = None,
        *,
        generator: torch.Generator | None = None,
        record: Recording | Wanted | None = None,
    ) -> tuple[dict[str, Tensor], NetworkState] | tuple[dict[str, Tensor], NetworkState, Recorded]:
        """Run over time.

        Args:
            inputs: Input ``[T, B, N]`` of the first layer, or of several layers by name.
            state: State to continue from; rest by default.
            generator: Source of the layers' noise; torch's global one by default.
            record: What to record, such as ``{"lgn": ["spikes", "v"]}``; see `Record` and `Recording`.

        Returns:
            Spikes ``[T, B, N]`` by layer name, and the state after the last step; where something is
            recorded, `Recorded` too.

        Raises:
            ValueError: if an input is for a layer that does not exist, or of another shape than its layer,
                the state is of another batch, or what to record does not exist or takes too much memory.
        """
        named = {self.names[0]: inputs} if isinstance(inputs, Tensor) else inputs
        if record is None:
            return self.run(named, state, generator=generator)
        return self.run(named, state, generator=generator, record=record)

    @overload
    def run(
        self,
        inputs: Mapping[str, Tensor],
        state: NetworkState | None = None,
        *,
        record: None = None,
        **options: Unpack[RunOptions],
    ) -> tuple[dict[str, Tensor], NetworkState]: ...

    @overload
    def run(
        self,
        inputs: Mapping[str, Tensor],
        state: NetworkState | None = None,
        *,
        record: Recording | Wanted,
        **options: Unpack[RunOptions],
    ) -> tuple[dict[str, Tensor], NetworkState, Recorded]: ...

    def run(
        self,
        inputs: Mapping[str, Tensor],
        state: NetworkState | None = None,
        *,
        known: Mapping[str, Tensor] | None = None,
        layers: Collection[str] | None = None,
        projections: Mapping[str, Projection] | None = None,
        silent: Collection[str] = (),
        developing: bool = False,
        noise: bool = True,
        generator: torch.Generator | None = None,
        record: Recording | Wanted | None = None,
    ) -> tuple[dict[str, Tensor], NetworkState] | tuple[dict[str, Tensor], NetworkState, Recorded]:
        """Run a part of the network over time, as `forward` runs all of it.

        Args:
            inputs: Input ``[T, B, N]`` of layers by name; may be empty where spikes are known.
            state: State to continue from; what it lacks starts from rest.
            known: Spikes ``[T, B, N]`` of layers that have run already, by name.
            layers: Names of the layers to run, by default all; others send nothing.
            projections: Projections instead of the network's own, by connection name.
            silent: Names of connections that carry nothing.
            developing: Whether connections of ``development`` act.
            noise: Whether the layers' own noise acts.
            generator: Source of that noise.
            record: What to record; see `Record` and `Recording`. It changes nothing else of the run.

        Returns:
            Spikes by layer name, without the known ones, and the state of what has run; where something is
            recorded, `Recorded` too.
        """
        known, chosen = known or {}, self.projections | dict(projections or {})
        self._check_dt()
        like = sequence_of(inputs, known, self.layers)
        names = [n for n in self.names if n not in known and (layers is None or n in layers)]
        batch, given = like.shape[1], state or NetworkState({}, {})
        present, acting = {*names, *known}, self.acting(silent=silent, developing=developing)
        wires = [
            self.wire(name, chosen[name])
            for name, c in self.connections.items()
            if name in acting and {c.source, c.target} <= present
        ]
        before = {
            name: given.layers.get(name) or self._resting(name, batch, like[0], chosen) for name in present
        }
        synapses = {
            wire.name: given.connections.get(wire.name) or wire.rest(batch, like[0], dt=self.dt)
            for wire in wires
        }
        run = Run(
            layers={name: self.layer(name) for name in names},
            wires=wires,
            before=before,
            synapses={w.name: w.opened(synapses[w.name], like, generator) for w in wires},
            spikes=dict(known),
            noise=noise,
            generator=generator,
        )
        if record is not None:
            run.watch = run.watched(record, like, dt=self.dt)
        run.through(inputs, like)
        spikes = {name: run.spikes[name] for name in names}
        state = NetworkState(run.after(names), run.synapses)
        return (spikes, state) if run.watch is None else (spikes, state, run.watch.recorded())

    def check_record(self, recording: Recording) -> None:
        """Raise ``ValueError`` unless the layers, connections, variables and neurons to record exist."""
        like = next(iter(self.layers.values())).positions.new_empty(1, 1)
        rest = self.rest(1, like)
        wires = {name: self.wire(name, projection) for name, projection in self.projections.items()}
        watch_of(
            recording.within(1), dict(self.layers.items()), rest.layers, wires, rest.connections,
            like[None], dt=self.dt,
        )  # fmt: skip

    def _check_dt(self) -> None:
        for name, layer in self.layers.items():
            if layer.dt != self.dt:
                raise ValueError(
                    f"layers.{name}.neuron.dt must stay {self.dt} ms, which the network was made for, got "
                    f"{layer.dt}: build the network with that dt"
                )


def _follow(network: nn.Module, keys: Any) -> None:
    """After loading: what is drawn comes from the seed in the file, what follows sheets from theirs."""
    del keys
    assert isinstance(network, SpikingNetwork)
    for name, layer in network.layers.items():
        layer.follow(int(network.seed), name)
    for name, connection in network.connections.items():
        projection = connection.projection
        if projection.stream is not None:
            projection.stream = projection.stream.under(int(network.seed), name)
        source, target = network.layer(connection.source), network.layer(connection.target)
        with drawing(int(network.seed), name):
            connection.follow(source.geometry, target.geometry, dt=network.dt)
