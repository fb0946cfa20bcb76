"""A layer: a sheet of neurons, and a view of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import redrawn
from lightning_snn.geometry import Sheet
from lightning_snn.network.connection import Active, Connection
from lightning_snn.neurons import NeuronModel
from lightning_snn.ops.sequence import check_part, check_sequence
from lightning_snn.synapses import Lateral, Projection


class LayerState(NamedTuple):
    """State of a layer.

    Args:
        neurons: That of its neurons.
        spikes: Spikes ``[B, N]`` of the last step.
    """

    neurons: Any
    spikes: Tensor


class SpikingLayer(Configurable, nn.Module):
    """A sheet of neurons. It owns no weights: what leads to it are connections of a network.

    The two most frequent connections have a short form here, which a network reads.

    Args:
        geometry: Where the neurons sit.
        neuron: The neuron model.
        lateral: A connection from the layer to itself, called ``<layer>_lateral``: how its projection is
            made, such as a `LateralKernel`, or a class of projections.
        lateral_active: When that connection acts; see `Connection`.
        noise: Standard deviation of the input noise of a step of 1 ms, scaled by ``1 / sqrt(dt)``; during
            development the stimulus is the only source of noise.
        projection: A connection from the layer before, called as this layer: how its projection is made,
            ``(num_pre, num_post) -> Projection``; see `Connection`.

    Raises:
        ValueError: if an option is unknown or the noise negative.

    >>> from lightning_snn.geometry import Square
    >>> from lightning_snn.neurons import LIF
    >>> layer = SpikingLayer(Square(50, side=5.0), LIF())
    >>> spikes, state = layer(torch.full((20, 1, 50), 2.0))
    >>> list(spikes.shape)
    [20, 1, 50]
    """

    positions: Tensor
    geometry: Sheet

    def __init__(
        self,
        geometry: Sheet,
        neuron: NeuronModel,
        *,
        lateral: Callable[[int, int], Projection] | Lateral | None = None,
        lateral_active: Active = "always",
        noise: float = 0.0,
        projection: Callable[[int, int], Projection] | None = None,
    ) -> None:
        super().__init__()
        checks.one_of("lateral_active", lateral_active, ("always", "development"))
        checks.non_negative("noise", noise)
        self.noise = noise
        self.make_projection = projection
        self.make_lateral = lateral
        self.lateral_active: Active = lateral_active
        self.neuron = neuron.sized(geometry.num_nodes)
        self._settle(geometry)
        self.register_load_state_dict_post_hook(_follow_positions)  # type: ignore[no-untyped-call]

    def draw(self, seed: int, name: str) -> None:
        """Draw what is random here as a network does: from its ``seed``, under the layer's ``name``."""
        self.neuron = redrawn(self.neuron, seed, name)
        geometry = redrawn(self.geometry, seed, name)
        if geometry is not self.geometry:
            self._settle(geometry)

    def follow(self, seed: int, name: str) -> None:
        """After loading: what the sheet draws comes from the ``seed`` in the file, and so do positions."""
        self.geometry = redrawn(self.geometry, seed, name)
        _follow_positions(self, None)

    def short_forms(self, name: str, before: str | None) -> dict[str, Connection]:
        """The connections that the layer was given, by name.

        Args:
            name: Its own name.
            before: That of the layer before.

        Raises:
            ValueError: if it has a projection and there is no layer before.
        """
        found = {}
        if self.make_projection is not None:
            if before is None:
                raise ValueError(
                    f"layers.{name}.projection leads here from the layer before, and the first layer has none"
                )
            found[name] = Connection(before, name, self.make_projection)
        if self.make_lateral is not None:
            found[f"{name}_lateral"] = Connection(name, name, self.make_lateral, active=self.lateral_active)
        return found

    def _settle(self, geometry: Sheet) -> None:
        self.geometry = geometry
        self.register_buffer("positions", geometry.positions.clone())

    @property
    def num_nodes(self) -> int:
        """Number of neurons N."""
        return self.geometry.num_nodes

    @property
    def dt(self) -> float:
        """Step in ms."""
        return self.neuron.dt

    def rest(self, batch: int, like: Tensor, *, rise: Tensor | None = None) -> LayerState:
        """State of ``batch`` sheets at rest, with thresholds raised by ``rise`` ``[N]``."""
        neurons = self.neuron.rest(batch, self.num_nodes, like)
        if rise is not None:
            neurons = self.neuron.raise_thresholds(neurons, rise)
        return LayerState(neurons, like.new_zeros(batch, self.num_nodes))

    def noisy(self, current: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """``current`` ``[T, B, N]`` with the layer's own noise, drawn by ``generator`` or torch's own."""
        if self.noise == 0:
            return current
        draw = torch.randn(current.shape, generator=generator, device=current.device)
        noisy: Tensor = current + self.noise * self.dt**-0.5 * draw
        return noisy

    def forward(
        self,
        current: Tensor,
        state: LayerState | None = None,
        *,
        generator: torch.Generator | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, LayerState]:
        """Run the neurons over time, each on its own.

        Args:
            current: Input ``[T, B, N]``.
            state: State to continue from; rest by default.
            generator: Source of the noise, where the layer has any; torch's global one by default.
            **others: Further inputs of the neuron model ``[T, B, N]`` by name.

        Returns:
            Spikes ``[T, B, N]`` of the neurons and the state after the last step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with the layer's N, or the state of another B.
        """
        self.check_current(current)
        state = self.rest(current.shape[1], current) if state is None else state
        check_part("state.spikes", state.spikes, current.shape[1:], like=current)
        spikes, neurons = self.neuron(self.noisy(current, generator), state.neurons, **others)
        return spikes, LayerState(neurons, spikes[-1].clone())

    def check_current(self, current: Tensor) -> None:
        """Raise ``ValueError`` unless ``current`` is ``[T, B, N]`` with the layer's N."""
        check_sequence(current)
        if current.ndim != 3 or current.shape[2] != self.num_nodes:
            raise ValueError(f"current must be [T, B, {self.num_nodes}], got {list(current.shape)}")

    def node(self, index: int) -> "Node":
        """A view of one neuron.

        Raises:
            IndexError: if the layer has no such neuron.
        """
        if not 0 <= index < self.num_nodes:
            raise IndexError(f"node must lie in 0 to {self.num_nodes - 1}, got {index}")
        return Node(self, index)


def _follow_positions(layer: nn.Module, keys: Any) -> None:
    """After loading: the sheet has the positions that came from the file."""
    del keys
    assert isinstance(layer, SpikingLayer)
    positions = layer.positions.detach().cpu()
    if not torch.equal(layer.geometry.positions.to(positions.dtype), positions):
        layer.geometry = layer.geometry.moved(positions)


@dataclass(frozen=True)
class Node:
    """A view of one neuron of a layer; nothing is copied until asked for."""

    layer: SpikingLayer
    index: int

    @property
    def position(self) -> Tensor:
        """``[2]``, in the units of the geometry."""
        return self.layer.positions[self.index]

    @property
    def parameters(self) -> dict[str, float]:
        """The neuron's parameters by name."""
        return self.layer.neuron.parameters_of(self.index)

    def weights(self, connection: Connection) -> Tensor:
        """Weights ``[F]`` of its inputs through a connection to its layer.

        Raises:
            ValueError: if the connection has no weights.
        """
        return connection.weighted().incoming(self.index)

    def field(self, connection: Connection) -> Tensor | None:
        """Indices of the source's nodes that it is connected to; None where there is no such field.

        Raises:
            ValueError: if the connection has no weights.
        """
        projection = connection.weighted()
        return projection.connected[self.index].nonzero()[:, 0] if projection.has_fields else None

    def state(self, state: LayerState) -> dict[str, Tensor]:
        """The neuron's entries ``[B]`` of a layer state, by name."""
        return {name: value[:, self.index] for name, value in state.neurons._asdict().items()}
