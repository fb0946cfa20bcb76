"""What a neuron model is: a thin shell around its equations and the time loops."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.neurons.maps import run_maps
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sequence import check_inputs, check_sequence
from lightning_snn.ops.sheet_scan import sheet_scan
from lightning_snn.ops.uniform_scan import uniform_scan


class NeuronModel(Configurable, nn.Module, ABC):
    """A population of neurons; state is passed in and returned, never kept.

    Adding a model: write its step and state in `lightning_snn.dynamics`, then this shell.

    Args:
        dt: Step in ms; by default the network's, and 1 ms in a model alone.
    """

    inputs: tuple[str, ...] = ("current",)
    """What it can be driven by; the first is the positional argument, the others are named."""

    stream: RandomStream | None = None
    """Where random parameters come from."""

    graded: bool = False
    """Whether what it sends may be other values than 0 and 1."""

    def __init__(self, dt: float | None = None) -> None:
        super().__init__()
        if dt is not None:
            checks.positive("dt", dt)
        self.own_dt = dt
        self.dt = 1.0 if dt is None else dt

    def again(self, **changes: Any) -> Self:
        """Another one of the same arguments, but for ``changes``; with the ``dt`` of now."""
        made = super().again(**changes)
        if "dt" not in changes:
            made.dt = self.dt  # it may have been changed since
        return made

    def at(self, dt: float, key: str) -> None:
        """Take the step ``dt`` in ms of a network.

        Raises:
            ValueError: if the model was given another step of its own, under the ``key`` of a configuration.
        """
        if self.own_dt is not None and self.own_dt != dt:
            raise ValueError(
                f"{key} = {self.own_dt}, but the network's dt is {dt}: give dt once, to the network"
            )
        self.dt = dt

    def check_input(self, name: str) -> None:
        """Raise ``ValueError`` unless the model has an input of this name."""
        if name not in self.inputs:
            raise ValueError(f"{type(self).__name__} has no input {name!r}: it has {', '.join(self.inputs)}")

    def check_inputs(self, current: Tensor, others: Mapping[str, Tensor]) -> None:
        """Raise ``ValueError`` unless the model has these further inputs, and they fit ``current``."""
        for name in others:
            self.check_input(name)
        check_inputs(current, others)

    @abstractmethod
    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """State ``[batch, num_neurons]`` to start from, on the device of ``like``."""

    @abstractmethod
    def step(self, current: Tensor, state: Any, **others: Tensor) -> tuple[Tensor, Any]:
        """Spikes ``[B, N]`` and the next state, for inputs ``[B, N]`` held over ``dt``.

        The further `inputs` come by name; one that is absent is zero.
        """

    def before_reset(self, current: Tensor, state: Any, **others: Tensor) -> Any:
        """The state that `step` reaches from the same arguments before spikes reset it, for recordings.

        Raises:
            ValueError: if the model does not say; one whose potentials are to be seen there overrides this.
        """
        del current, state, others
        raise ValueError(f"{type(self).__name__} does not tell its state before the reset (`before_reset`)")

    @abstractmethod
    def parameters_of(self, index: int) -> dict[str, float]:
        """The parameters of one neuron by name."""

    def scan(self, current: Tensor, state: Any, **others: Tensor) -> tuple[Tensor, Any]:
        """Spikes ``[T, B, N]`` and the last state for inputs ``[T, B, N]``: step by step, in plain PyTorch.

        A model with an operator of its own in `lightning_snn.ops` overrides this, and the other scans.
        """
        self.check_inputs(current, others)
        return neuron_scan(self.step, current, state, **others)

    def run_step(self, current: Tensor, state: Any, **others: Tensor) -> tuple[Tensor, Any]:
        """`step` in the faster way, for loops over steps ``[B, N]``.

        A scan of one step where no input or state needs a gradient: with gradients its operator takes longer.
        """
        parts = (current, *others.values(), *(state if isinstance(state, tuple) else (state,)))
        if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in parts):
            return self.step(current, state, **others)
        spikes, state = self.scan(current[None], state, **{name: x[None] for name, x in others.items()})
        return spikes[0], state

    def scan_sheet(
        self, current: Tensor, state: Any, spikes: Tensor, rows: Tensor, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that send ``rows`` ``[N, N]`` to each other one step after a spike.

        Args:
            current: Outer input ``[T, B, N]``.
            state: State before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            rows: Row j is what a spike of neuron j adds to the current of each.
            **others: Further inputs by name, each ``[T, B, N]``.
        """
        self.check_inputs(current, others)
        return sheet_scan(self.step, current, state, spikes, rows, **others)

    def scan_uniform(
        self,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        strength: float,
        *,
        input: str = "current",
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that add ``strength`` to an input of every other one step after a spike.

        Args:
            current: Outer input ``[T, B, N]``.
            state: State before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            strength: What a spike adds.
            input: Name of the input that it adds to.
            **others: Further inputs.
        """
        self.check_input(input)
        self.check_inputs(current, others)
        target = None if input == self.inputs[0] else input
        return uniform_scan(self.step, current, state, spikes, strength, target, **others)

    def sized(self, num_neurons: int) -> "NeuronModel":
        """This model for a population of ``num_neurons``; models with one value for all return themselves."""
        del num_neurons
        return self

    def raise_thresholds(self, state: Any, rise: Tensor) -> Any:
        """``state`` with thresholds raised by ``rise`` ``[N]``: it goes into the state's ``adaptation``.

        Raises:
            ValueError: as `check_thresholds_can_rise`.
        """
        self.check_thresholds_can_rise()
        return state._replace(adaptation=state.adaptation + rise.to(state.adaptation))

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if a rule or homeostasis cannot set the thresholds of this model.

        A model with an ``adaptation`` in its state overrides this.
        """
        raise ValueError(
            f"neuron: {type(self).__name__} has no threshold that could rise, but the rule or homeostasis of "
            "its projection sets thresholds"
        )

    def forward(self, current: Tensor, state: Any = None, **others: Tensor) -> tuple[Tensor, Any]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``, or maps ``[T, B, C, H, W]``, where parameters of one number a neuron
                are in the order of the flattened map.
            state: State to continue from, its fields of the shape of one step; rest by default.
            **others: Further `inputs` by name, each of the shape of ``current``; zero by default.

        Returns:
            Spikes of the shape of ``current`` in {0, 1}, or any values where it is `graded`, and the state
            after the last step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, ...]`` with T at least 1, the state or an input has
                another shape, or the model has no such input.
        """
        self.check_inputs(current, others)
        if current.ndim > 3:
            return run_maps(self, current, state, others)
        check_sequence(current)
        if state is None:
            state = self.rest(current.shape[1], current.shape[2], current)
        return self.scan(current, state, **others)
