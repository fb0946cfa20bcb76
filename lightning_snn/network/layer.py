"""A layer: a sheet of neurons, and a view of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import redrawn
from lightning_snn.core.tensors import Tensors
from lightning_snn.geometry import Sheet
from lightning_snn.neurons import NeuronModel
from lightning_snn.ops.sequence import check_part, check_sequence
from lightning_snn.synapses import Coupling, Lateral, Projection
from lightning_snn.synapses.lateral import scan_steps
from lightning_snn.synapses.lateral_inhibition import LearnedCoupling

Active = Literal["always", "development"]


class LayerState(NamedTuple):
    """State of a layer.

    Args:
        neurons: That of its neurons.
        spikes: Spikes ``[B, N]`` of the last step.
        synapses: That of the projection from below, by name, each ``[B, ...]``; empty without delay and
            kinetics.
    """

    neurons: Any
    spikes: Tensor
    synapses: Tensors


class SpikingLayer(Configurable, nn.Module):
    """A sheet of neurons.

    Args:
        geometry: Where the neurons sit.
        neuron: The neuron model.
        lateral: Coupling inside the sheet, fixed (`LateralKernel`) or learned (`LateralInhibition`).
        lateral_active: When that coupling acts: ``always``, or only in ``development``, while spontaneous
            waves run. (The lateral connections that carry retinal waves disappear before the eyes open.)
        noise: Standard deviation of the input noise of a step of 1 ms, scaled by ``1 / sqrt(dt)``; during
            development the stimulus is the only source of noise.
        projection: ``(num_pre, num_post) -> Projection`` from the layer below; a stack calls it, and hands
            the sheets below and here to one that has arguments of these names.

    Raises:
        ValueError: if the geometry is too small for the lateral coupling, or an option is unknown.

    >>> from lightning_snn.geometry import Square
    >>> from lightning_snn.neurons import LIF
    >>> layer = SpikingLayer(Square(50, side=5.0), LIF())
    >>> spikes, state = layer(torch.full((20, 1, 50), 2.0))
    >>> list(spikes.shape)
    [20, 1, 50]
    """

    positions: Tensor

    def __init__(
        self,
        geometry: Sheet,
        neuron: NeuronModel,
        *,
        lateral: Lateral | None = None,
        lateral_active: Active = "always",
        noise: float = 0.0,
        projection: Callable[[int, int], Projection] | None = None,
    ) -> None:
        super().__init__()
        checks.one_of("lateral_active", lateral_active, get_args(Active))
        checks.non_negative("noise", noise)
        self.lateral_active = lateral_active
        self.noise = noise
        self.make_projection = projection
        self.make_lateral = lateral
        self.projection: Projection | None = None
        self.neuron = neuron.sized(geometry.num_nodes)
        self._settle(geometry)
        self.register_load_state_dict_post_hook(_follow_positions)  # type: ignore[no-untyped-call]

    def draw(self, seed: int, name: str) -> None:
        """Draw what is random here as a network does: from its ``seed``, under the layer's ``name``."""
        self.neuron = redrawn(self.neuron, seed, name)
        geometry = redrawn(self.geometry, seed, name)
        if geometry is not self.geometry:
            self._settle(geometry)

    def _settle(self, geometry: Sheet) -> None:
        self.geometry = geometry
        self.register_buffer("positions", geometry.positions.clone())
        self.lateral = None if self.make_lateral is None else self.make_lateral.couple(geometry, self.dt)
        self._lateral_dt = self.dt

    @property
    def num_nodes(self) -> int:
        """Number of neurons N."""
        return self.geometry.num_nodes

    @property
    def dt(self) -> float:
        """Step in ms."""
        return self.neuron.dt

    @property
    def learned_lateral(self) -> LearnedCoupling | None:
        """The lateral coupling, where a rule learns it."""
        return self.lateral if isinstance(self.lateral, LearnedCoupling) else None

    def rest(self, batch: int, like: Tensor, *, projection: Projection | None = None) -> LayerState:
        """State of ``batch`` sheets at rest, with the thresholds that homeostasis has set.

        ``projection`` is the one that leads here, by default the layer's own.
        """
        neurons = self.neuron.rest(batch, self.num_nodes, like)
        spikes = like.new_zeros(batch, self.num_nodes)
        projection = projection or self.projection
        if projection is None:
            return LayerState(neurons, spikes, {})
        rise = projection.threshold_rise
        if rise is not None:
            neurons = self.neuron.raise_thresholds(neurons, rise)
        return LayerState(neurons, spikes, projection.rest(batch, like, dt=self.dt))

    def forward(
        self,
        current: Tensor,
        state: LayerState | None = None,
        *,
        developing: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, LayerState]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``.
            state: State to continue from; rest by default.
            developing: Whether a lateral coupling of ``development`` acts, and the layer's own noise rests.
            generator: Source of the noise, where the layer has any; torch's global one by default.

        Returns:
            Spikes ``[T, B, N]`` of the neurons and the state after the last step; that of the synapses, which
            a stack runs, is passed on as it is.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with the layer's N, or the state of another B.
        """
        check_sequence(current)
        if current.shape[2] != self.num_nodes:
            raise ValueError(f"current must be [T, B, {self.num_nodes}], got {list(current.shape)}")
        if self.noise > 0 and not developing:
            noise = torch.randn(current.shape, generator=generator, device=current.device)
            current = current + self.noise * self.dt**-0.5 * noise
        if state is None:
            state = self.rest(current.shape[1], current)
        check_part("state.spikes", state.spikes, current.shape[1:], like=current)
        if self.lateral is not None and (developing or self.lateral_active == "always"):
            spikes, neurons = self._run_coupled(self.lateral, current, state)
        else:
            spikes, neurons = self.neuron(current, state.neurons)
        return spikes, LayerState(neurons, spikes[-1].clone(), state.synapses)

    def _run_coupled(self, lateral: nn.Module, current: Tensor, state: LayerState) -> tuple[Tensor, Any]:
        if self.dt != self._lateral_dt:
            raise ValueError(
                f"neuron.dt must stay {self._lateral_dt} ms, which the lateral coupling was made for, got "
                f"{self.dt}: build the layer with the neuron of that dt"
            )
        scan = lateral.scan if isinstance(lateral, Coupling) else partial(scan_steps, lateral)
        return scan(self.neuron, current, state.neurons, state.spikes)

    def node(self, index: int) -> "Node":
        """A view of one neuron.

        Raises:
            IndexError: if the layer has no such neuron.
        """
        if not 0 <= index < self.num_nodes:
            raise IndexError(f"node must lie in 0 to {self.num_nodes - 1}, got {index}")
        return Node(self, index)


def _follow_positions(layer: nn.Module, keys: Any) -> None:
    """After loading: the sheet and its coupling are those of the positions that came from the file."""
    del keys
    assert isinstance(layer, SpikingLayer)
    positions = layer.positions.detach().cpu()
    if torch.equal(layer.geometry.positions.to(positions.dtype), positions):
        return
    layer.geometry = layer.geometry.moved(positions)
    follows = isinstance(layer.lateral, Coupling) and layer.lateral.follows_sheet
    if layer.make_lateral is not None and follows:
        layer.lateral = layer.make_lateral.couple(layer.geometry, layer.dt).to(layer.positions.device)
        layer._lateral_dt = layer.dt


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

    @property
    def weights(self) -> Tensor | None:
        """Weights ``[F]`` of its inputs; None in a layer without a projection."""
        projection = self.layer.projection
        return None if projection is None else projection.incoming(self.index)

    @property
    def field(self) -> Tensor | None:
        """Indices of the presynaptic nodes that it is connected to; None where there is no such field."""
        projection = self.layer.projection
        if projection is None or not projection.has_fields:
            return None
        return projection.connected[self.index].nonzero()[:, 0]

    def state(self, state: LayerState) -> dict[str, Tensor]:
        """The neuron's entries ``[B]`` of a layer state, by name."""
        return {name: value[:, self.index] for name, value in state.neurons._asdict().items()}
