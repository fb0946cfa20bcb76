"""What a projection is: weights from one layer to the next, and whether they are wired."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import delayed, rounded, whole_steps
from lightning_snn.ops.sequence import check_part
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.plasticity.homeostasis import THRESHOLD_RISE
from lightning_snn.synapses.kinetics import Kinetics


class Projection(Configurable, nn.Module, ABC):
    """Synapses from ``num_pre`` to ``num_post`` neurons.

    To a rule every projection looks alike: P places, each with K units that see the same F inputs (`fields`,
    `units`); the weights are ``[K, F]`` where all places share them, else ``[P, K, F]``. A new projection
    says which neurons these are and how spikes become currents (`forward`, without time); `transmit` adds
    what takes time, with the state passed and returned.

    With a learning rule, ``weight`` and the rule's own variables (thresholds, counts) stand in the
    ``state_dict``, and the buffer ``wired`` tells whether self-organisation has finished with it.

    Args:
        num_pre: Presynaptic neurons.
        num_post: Postsynaptic neurons.
        start: ``weight [K, F]``, shared by all places, or ``[P, K, F]``, and the variables of rule and
            homeostasis; see `initial_wiring`. ``weight [K, 0]`` where there is nothing to learn.
        rule: Rule that wires the projection, if any.
        homeostasis: What keeps weights and activity in bounds; applied in this order after each merge.
        gain: Current of a spike at weight 1, or of a whole field; see `efficacy`.
        trainable: Whether gradients reach ``weight``.
        delay: Time in ms that spikes travel (along the presynaptic axon); whole steps.
        kinetics: Time course of the current of a spike; by default it is held for one step.

    Raises:
        ValueError: if the gain is not positive, the delay is negative, or the rule is for lateral
            connections.
    """

    wired: Tensor

    places: int = 1
    """P: places that see fields of their own."""

    place_positions: Tensor | None = None
    """Where the places lie ``[P, 2]``, in steps of a grid; None where that says nothing."""

    exists: Tensor | None = None
    """Which entries of a field are synapses, bool ``[P, F]``; None where all are."""

    stream: RandomStream | None = None
    """Where the first weights come from."""

    has_fields: bool = True
    """Whether `connected` says where in the sheet below a unit's field lies."""

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        start: Tensors,
        *,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        trainable: bool = False,
        delay: float = 0.0,
        kinetics: Kinetics | None = None,
    ) -> None:
        super().__init__()
        checks.positive("gain", gain)
        checks.finite("delay", delay)
        delay = rounded(delay)
        checks.non_negative("delay", delay)
        if rule is not None and rule.lateral:
            raise ValueError(
                f"rule: {type(rule).__name__} is for connections inside a layer: give it to "
                "lateral: LateralInhibition, not to a projection"
            )
        self.num_pre = num_pre
        self.num_post = num_post
        self.rule = rule
        self.homeostasis = list(homeostasis or [])
        self.gain = gain
        self.trainable = trainable
        self.delay = delay
        self.kinetics = kinetics
        variables = dict(start)
        self.weight = nn.Parameter(variables.pop("weight"), requires_grad=trainable)
        self.variables = nn.Module()
        for name, value in variables.items():
            self.variables.register_buffer(name, value)
        self.register_buffer("wired", torch.tensor(rule is None))

    @abstractmethod
    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` that arriving spikes ``[..., num_pre]`` cause in their step."""

    @abstractmethod
    def initial(self) -> Tensors:
        """``weight`` and the variables that the projection started from, drawn once more."""

    def initial_weight(self) -> Tensor:
        """The weights that the projection started from, in the shape of ``weight``."""
        return self.initial()["weight"]

    def efficacy(self) -> Tensor:
        """Current that one spike causes, in the shape of ``weight``.

        ``gain`` times the weight; where the rule's weights have no scale of their own, ``gain`` times the
        share of the weight in those of the unit's connected synapses.
        """
        if self.rule is None or self.rule.absolute_weights:
            return self.gain * self.weight
        field = self.weight * (self.weight > self.rule.connected_above)
        return field * (self.gain / field.sum(-1, keepdim=True).clamp_min(1e-12))

    def transmit(self, spikes: Tensor, state: Tensors | None = None, *, dt: float) -> tuple[Tensor, Tensors]:
        """Current over time, with delay and kinetics.

        Args:
            spikes: Spikes as the layer below sends them ``[T, B, num_pre]``.
            state: State of the synapses to go on from; rest by default.
            dt: Step in ms.

        Returns:
            Current ``[T, B, num_post]`` and the state after the last step.

        Raises:
            ValueError: if the delay is not a whole number of steps, or the state of another batch or delay.
        """
        state = self.rest(spikes.shape[1], spikes, dt=dt) if state is None else state
        self._check_axons(spikes, state, dt)
        spikes, axons = self.arrive(spikes, state)
        current = self(spikes)
        if self.kinetics is None:
            return current, axons
        current, synapses = self.kinetics.run(current, state, dt=dt)
        return current, axons | synapses

    def arrive(self, spikes: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Spikes ``[T, B, num_pre]`` when they arrive, and those that are on their way then."""
        if "on_the_way" not in state:
            return spikes, {}
        arrived, on_the_way = delayed(spikes, state["on_the_way"])
        return arrived, {"on_the_way": on_the_way}

    def _check_axons(self, spikes: Tensor, state: Tensors, dt: float) -> None:
        steps = whole_steps("delay", self.delay, dt)
        if steps != (state["on_the_way"].shape[1] if "on_the_way" in state else 0):
            raise ValueError(
                f"state.on_the_way must hold the spikes of {steps} steps (delay = {self.delay} ms), got "
                f"{[list(value.shape) for name, value in state.items() if name == 'on_the_way']}"
            )
        if steps:
            shape = (spikes.shape[1], steps, self.num_pre)
            check_part("state.on_the_way", state["on_the_way"], shape, like=spikes)

    def silent_axons(self, batch: int, like: Tensor, *, dt: float) -> Tensors:
        """The part of the state that `arrive` needs, with no spike on its way."""
        steps = whole_steps("delay", self.delay, dt)
        return {"on_the_way": like.new_zeros(batch, steps, self.num_pre)} if steps else {}

    def rest(self, batch: int, like: Tensor, *, dt: float) -> Tensors:
        """State of the synapses of ``batch`` samples at rest; empty without delay and kinetics."""
        axons = self.silent_axons(batch, like, dt=dt)
        return axons if self.kinetics is None else axons | self.kinetics.rest(batch, self.num_post, like)

    def fields(self, spikes: Tensor) -> Tensor:
        """The inputs of each place ``[..., P, F]`` from spikes ``[..., num_pre]``."""
        return spikes[..., None, :]

    def units(self, spikes: Tensor) -> Tensor:
        """The units of each place ``[..., P, K]`` from spikes ``[..., num_post]``."""
        return spikes[..., None, :]

    @property
    def groups(self) -> int | None:
        """Places with weights of their own; None where all share them."""
        return None if self.weight.ndim == 2 else self.places

    def spread(self, values: Tensor) -> Tensor:
        """One value a unit, ``[K]`` or ``[P, K]``, as one a neuron ``[num_post]``: the inverse of `units`."""
        order = self.units(torch.arange(self.num_post, device=values.device))
        spread = torch.empty(self.num_post, dtype=values.dtype, device=values.device)
        spread[order] = values.expand(order.shape)
        return spread

    def check_spikes(self, spikes: Tensor) -> None:
        """Raise ``ValueError`` unless ``spikes`` is ``[..., num_pre]``."""
        if spikes.shape[-1] != self.num_pre:
            raise ValueError(f"spikes must be [..., {self.num_pre}] (num_pre), got {list(spikes.shape)}")

    def incoming(self, neuron: int) -> Tensor:
        """The weights ``[F]`` of one neuron's inputs."""
        place, unit = (self.units(torch.arange(self.num_post)) == neuron).nonzero()[0].tolist()
        return self.weight[unit] if self.groups is None else self.weight[place, unit]

    def __dir__(self) -> list[str]:
        """Without `connected` where it says nothing and may raise: `torch.jit.trace` reads all of this."""
        names: list[str] = super().__dir__()  # type: ignore[no-untyped-call]
        return [name for name in names if name != "connected" or self.has_fields]

    @property
    def connected(self) -> Tensor:
        """Which synapses count as connected, bool ``[num_post, num_pre]``."""
        return self.weight > (self.rule.connected_above if self.rule else 0.0)

    @property
    def threshold_rise(self) -> Tensor | None:
        """What homeostasis adds to the thresholds of the neurons ``[num_post]``; None where nothing does."""
        rise = self.wiring.get(THRESHOLD_RISE)
        return None if rise is None else self.spread(rise)

    @property
    def wiring(self) -> Tensors:
        """``weight`` and the rule's variables, detached."""
        variables = dict(self.variables.named_buffers())
        return {"weight": self.weight.detach()} | variables

    def restart(self, weight: Tensor) -> None:
        """Write ``weight`` into the projection, and the first values of all variables."""
        self.rewire(self.initial() | {"weight": weight})

    @torch.no_grad()
    def rewire(self, wiring: Tensors) -> None:
        """Write ``wiring`` into the projection."""
        own = self.wiring
        for name, value in wiring.items():
            own[name].copy_(value)
