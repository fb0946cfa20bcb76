"""Layers that feed one another."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lightning_snn.core.config import made_by
from lightning_snn.core.random import RootSeed, drawing, root_seed
from lightning_snn.core.time import whole_steps
from lightning_snn.geometry import Sheet
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.synapses import Projection


class SpikingStack(nn.Module):
    """Layers that feed one another; the first takes currents, each other has a projection from below.

    Args:
        layers: Layers by name, bottom first.
        seed: What is random in the layers and has no seed of its own is drawn from it, under the layer's
            name; by default the run's, or one by torch's generator. It stands in the ``state_dict``.
            ``plain``: as before there were names, each part from its own seed (0 by default) alone.

    Raises:
        ValueError: if there is no layer, a name is no identifier or taken by PyTorch, the first has a
            projection or another has none, layers or rules differ in ``dt``, a projection has other sizes
            than its layers or a delay of broken steps, lateral inhibition is to be learned in a layer
            without a learning rule, or thresholds are to rise in neurons whose thresholds cannot.
    """

    seed: Tensor

    def __init__(self, layers: Mapping[str, SpikingLayer], *, seed: RootSeed = None) -> None:
        super().__init__()
        if not layers:
            raise ValueError("layers must name at least one layer, got none")
        _check_names(layers)
        root = root_seed(seed)
        self.register_buffer("seed", torch.tensor(root))
        below: SpikingLayer | None = None
        for name, layer in layers.items():
            if layer.projection is not None:
                raise ValueError(f"layers.{name} belongs to another stack already; build a layer of its own")
            layer.draw(root, name)
            with drawing(root, name):
                layer.projection = _connect(name, layer, below)
            below = layer
        self.layers = nn.ModuleDict(layers)
        _check_dt(layers)
        _check_inhibition(layers)
        _check_thresholds(layers)
        self.register_load_state_dict_post_hook(_follow_seed)  # type: ignore[no-untyped-call]

    @property
    def names(self) -> list[str]:
        """Names of the layers, bottom first."""
        return list(self.layers)

    def layer(self, name: str) -> SpikingLayer:
        """A layer by name."""
        found = self.layers[name]
        assert isinstance(found, SpikingLayer)
        return found

    @property
    def bottom(self) -> SpikingLayer:
        """The first layer."""
        return self.layer(self.names[0])

    @property
    def top(self) -> SpikingLayer:
        """The last layer."""
        return self.layer(self.names[-1])

    @property
    def projections(self) -> dict[str, Projection]:
        """The projections by the name of the layer that they lead to, bottom first."""
        found = {name: self.layer(name).projection for name in self.names}
        return {name: projection for name, projection in found.items() if projection is not None}

    @property
    def graded(self) -> list[str]:
        """Names of the layers that may send other values than 0 and 1, bottom first."""
        return [name for name in self.names if self.layer(name).neuron.graded]

    @property
    def unwired(self) -> list[str]:
        """Names of the layers whose projections have a learning rule and are not wired yet, bottom first."""
        return [name for name, projection in self.projections.items() if not projection.wired]

    def forward(
        self,
        current: Tensor,
        state: Mapping[str, LayerState] | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]`` of the first layer.
            state: States by layer name to continue from; rest by default.
            generator: As in `SpikingLayer.forward`.

        Returns:
            Spikes ``[T, B, N]`` and states after the last step, by layer name.
        """
        state = state or {}
        spikes, bottom = self.bottom(current, state.get(self.names[0]), generator=generator)
        above, states = self.ascend(spikes, state, generator=generator)
        return {self.names[0]: spikes} | above, {self.names[0]: bottom} | states

    def ascend(
        self,
        spikes: Tensor,
        state: Mapping[str, LayerState] | None = None,
        *,
        projections: Mapping[str, Projection] | None = None,
        upto: str | None = None,
        developing: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
        """Run the layers above the first on its spikes.

        Args:
            spikes: Spikes ``[T, B, N]`` of the first layer.
            state: States by layer name to continue from; rest by default.
            projections: Projections to use instead of the stack's own, by layer name.
            upto: Name of the last layer to run; the top by default.
            developing: As in `SpikingLayer.forward`.
            generator: As in `SpikingLayer.forward`.

        Returns:
            As `forward`, without the first layer.
        """
        state, chosen = state or {}, self.projections | dict(projections or {})
        names = self.names[1 : self.names.index(upto) + 1 if upto else None]
        found: dict[str, Tensor] = {}
        states: dict[str, LayerState] = {}
        for name in names:
            layer, projection = self.layer(name), chosen[name]
            before = state.get(name) or layer.rest(spikes.shape[1], spikes, projection=projection)
            current, synapses = projection.transmit(spikes, before.synapses, dt=layer.dt)
            spikes, after = layer(current, before, developing=developing, generator=generator)
            found[name], states[name] = spikes, after._replace(synapses=synapses)
        return found, states


def _follow_seed(stack: nn.Module, keys: Any) -> None:
    """After loading: what will still be drawn comes from the seed in the file."""
    del keys
    assert isinstance(stack, SpikingStack)
    for name, projection in stack.projections.items():
        if projection.stream is not None:
            projection.stream = projection.stream.under(int(stack.seed), name)


def _check_names(names: Iterable[str]) -> None:
    """Names go into those of weights, measures, figures and options, which ``.`` and ``/`` divide."""
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or hasattr(nn.ModuleDict, name):
            raise ValueError(
                "names of layers must be identifiers (letters, digits and _), and none that "
                f"torch.nn.ModuleDict has an attribute of, got {name!r}"
            )


def _connect(name: str, layer: SpikingLayer, below: SpikingLayer | None) -> Projection | None:
    if below is None:
        if layer.make_projection is not None:
            raise ValueError(f"layers.{name}.projection: the first layer takes currents, it cannot have one")
        return None
    if layer.make_projection is None:
        raise ValueError(f"layers.{name}.projection is missing: it leads here from the layer below")
    sheets = _sheets(layer.make_projection, below, layer)
    projection = layer.make_projection(below.num_nodes, layer.num_nodes, **sheets)
    if (projection.num_pre, projection.num_post) != (below.num_nodes, layer.num_nodes):
        raise ValueError(
            f"layers.{name}.projection leads from {projection.num_pre} to {projection.num_post} neurons, "
            f"but the layers have {below.num_nodes} and {layer.num_nodes}"
        )
    return projection


def _sheets(make: Callable[..., Projection], below: SpikingLayer, here: SpikingLayer) -> dict[str, Sheet]:
    """The sheets that a factory asks for, by arguments named ``below`` and ``here``."""
    cls: Any = made_by(make)
    asked = inspect.signature(make if cls is None else cls.__init__).parameters
    geometry = {"below": below.geometry, "here": here.geometry}
    return {name: sheet for name, sheet in geometry.items() if name in asked}


def _check_dt(layers: Mapping[str, SpikingLayer]) -> None:
    steps = {f"layers.{name}.neuron.dt": layer.dt for name, layer in layers.items()}
    for name, layer in layers.items():
        projection = layer.projection
        if projection and projection.rule and projection.rule.dt is not None:
            steps[f"layers.{name}.projection.rule.dt"] = projection.rule.dt
        lateral = layer.learned_lateral
        if lateral is not None and lateral.rule.dt is not None:
            steps[f"layers.{name}.lateral.rule.dt"] = lateral.rule.dt
    if len(set(steps.values())) > 1:
        raise ValueError(f"one stack shares one dt, got {steps}")
    for name, layer in layers.items():
        if layer.projection:
            whole_steps(f"layers.{name}.projection.delay", layer.projection.delay, layer.dt)


def _check_inhibition(layers: Mapping[str, SpikingLayer]) -> None:
    for name, layer in layers.items():
        learns = layer.projection is not None and layer.projection.rule is not None
        if layer.learned_lateral is not None and not learns:
            raise ValueError(
                f"layers.{name}.lateral is learned while the projection to its layer is wired, but "
                f"layers.{name}.projection has no rule to wire it"
            )


def _check_thresholds(layers: Mapping[str, SpikingLayer]) -> None:
    for name, layer in layers.items():
        if layer.projection is not None and layer.projection.threshold_rise is not None:
            try:
                layer.neuron.check_thresholds_can_rise()
            except ValueError as error:
                raise ValueError(f"layers.{name}.{error}") from error
