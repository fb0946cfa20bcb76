"""How a network is put together, and what its parts must have in common."""

from collections.abc import Iterable, Mapping

from lightning_snn.core import checks
from lightning_snn.core.module_dict import can_name
from lightning_snn.core.random import drawing
from lightning_snn.network import graph
from lightning_snn.network.connection import Connection
from lightning_snn.network.layer import SpikingLayer
from lightning_snn.neurons.threshold import threshold_charge
from lightning_snn.synapses import Projection, WeightedProjection


def check_layers(layers: Mapping[str, SpikingLayer]) -> None:
    """Raise ``ValueError`` unless there are layers, of names that can be used."""
    if not layers:
        raise ValueError("layers must name at least one layer, got none")
    _check_names("layers", layers)


def _check_names(kind: str, names: Iterable[str]) -> None:
    """Names go into those of weights, measures, figures and options, which ``.`` and ``/`` divide."""
    for name in names:
        if not can_name(name):
            raise ValueError(
                f"names of {kind} must be identifiers (letters, digits and _), and none that "
                f"torch.nn.ModuleDict has an attribute of, got {name!r}"
            )


def shared_dt(layers: Mapping[str, SpikingLayer], dt: float | None) -> float:
    """The step in ms of a network: the one given, else the one that its neurons were given, else 1.

    Raises:
        ValueError: if it is not positive, or neurons were given different ones.
    """
    if dt is not None:
        checks.positive("dt", dt)
        return dt
    own = {f"layers.{name}.neuron.dt": layer.neuron.own_dt for name, layer in layers.items()}
    given = {key: value for key, value in own.items() if value is not None}
    if len(set(given.values())) > 1:
        raise ValueError(f"one network shares one dt, got {given}: give it once, to the network")
    return next(iter(given.values()), 1.0)


def joined(
    layers: Mapping[str, SpikingLayer], connections: Mapping[str, Connection], *, dt: float, seed: int
) -> tuple[dict[str, str], dict[str, Connection]]:
    """All connections with their projections, by name, and where each stands in a configuration.

    Raises:
        ValueError: if a name is given twice, a layer is missing, or a projection does not fit.
    """
    _check_names("connections", connections)
    found: dict[str, Connection] = {}
    keys: dict[str, str] = {}
    before: str | None = None
    for layer_name, layer in layers.items():
        for name, connection in layer.short_forms(layer_name, before).items():
            key = f"layers.{layer_name}.{'projection' if name == layer_name else 'lateral'}"
            _add(found, keys, name, connection, key)
        before = layer_name
    for name, connection in connections.items():
        _add(found, keys, name, connection, f"connections.{name}")
    for name, connection in found.items():
        _join(name, keys[name], connection, layers, found, dt=dt, seed=seed)
    return keys, found


def _add(
    found: dict[str, Connection], keys: dict[str, str], name: str, connection: Connection, key: str
) -> None:
    if name in found:
        raise ValueError(f"two connections are called {name!r}: {keys[name]} and {key}")
    found[name], keys[name] = connection, key


def _join(
    name: str,
    key: str,
    connection: Connection,
    layers: Mapping[str, SpikingLayer],
    all_of_them: Mapping[str, Connection],
    *,
    dt: float,
    seed: int,
) -> None:
    for end, layer in {"source": connection.source, "target": connection.target}.items():
        if layer not in layers:
            raise ValueError(f"{key}.{end} must name a layer of {list(layers)}, got {layer!r}")
    if connection.is_joined:
        raise ValueError(f"{key} belongs to another network already; build a connection of its own")
    source, target = layers[connection.source], layers[connection.target]
    earlier = {
        other: one.projection
        for other, one in all_of_them.items()
        if one.is_joined
        and one.source == connection.source
        and isinstance(one.projection, WeightedProjection)
    }
    with drawing(seed, name):
        try:
            connection.join(source.geometry, target.geometry, dt=dt, earlier=earlier)
            _fit_norm(connection, target)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error


def _fit_norm(connection: Connection, target: SpikingLayer) -> None:
    """Tell a normalisation what it takes to make the neurons spike."""
    norm = connection.projection.norm
    if norm is None or norm.scale is not None:
        return
    try:
        norm.fit(threshold_charge(target.neuron, target.num_nodes, input=connection.input))
    except ValueError as error:
        raise ValueError(f"norm: give {type(norm).__name__} a scale, since {error}") from error


def check_connections(
    layers: Mapping[str, SpikingLayer],
    connections: Mapping[str, Connection],
    keys: Mapping[str, str],
    *,
    dt: float,
) -> None:
    """Raise ``ValueError`` unless layers and connections fit together."""
    edges = [(c.source, c.target) for c in connections.values()]
    for name in reversed(list(layers)):  # of two, the one that may have a projection
        if len(layers) > 1 and not any(name in edge and edge[0] != edge[1] for edge in edges):
            raise ValueError(
                f"layers.{name} is joined to no other layer: give it a projection, which leads here from the "
                "layer before, or name it in a connection"
            )
    together = {
        name: number
        for number, group in enumerate(graph.groups(tuple(layers), tuple(edges)))
        for name in group
    }
    for name, connection in connections.items():
        key, target = keys[name], layers[connection.target]
        _check_input(key, connection, target)
        projection = connection.projection
        if projection.whole_sequences and together[connection.source] == together[connection.target]:
            raise ValueError(
                f"{key}: {_title(projection)} must see a whole sequence at once, so no loop can lead "
                f"through it, and {connection.source} and {connection.target} are in a loop"
            )
        if isinstance(projection, WeightedProjection):
            _check_plastic(key, connection, projection, target, dt)
            if connection.accompanies and not any(
                c.learns and c.target == connection.target for c in connections.values()
            ):
                raise ValueError(
                    f"{key} is learned while another connection to its layer is wired, but no connection "
                    f"with a rule leads to layers.{connection.target}"
                )


def _title(projection: Projection) -> str:
    name = type(projection).__name__
    return name if projection.norm is None else f"{name} with norm {type(projection.norm).__name__}"


def _check_input(key: str, connection: Connection, target: SpikingLayer) -> None:
    try:
        target.neuron.check_input(connection.input)
    except ValueError as error:
        raise ValueError(f"{key}.input: {error}") from error


def _check_plastic(
    key: str, connection: Connection, projection: WeightedProjection, target: SpikingLayer, dt: float
) -> None:
    if projection.rule is not None:
        projection.rule = projection.rule.at(dt, f"{key}.rule.dt")
    if projection.threshold_rise is not None:
        try:
            target.neuron.check_thresholds_can_rise()
        except ValueError as error:
            raise ValueError(f"layers.{connection.target}.{error}") from error
