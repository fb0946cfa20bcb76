"""One step of a neuron model in plain PyTorch: what it takes, what it returns, and what both depend on."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lightning_snn.core.random import RandomStream
from lightning_snn.core.unchanged import Unchanged
from lightning_snn.neurons.values import Prepared, Values, exact, own, prepared
from lightning_snn.ops.sequence import check_inputs, check_kind
from lightning_snn.ops.tap import Tap

_PLAIN = (bool, int, float, str, tuple, list)
_NO_SETTINGS = {*vars(nn.Module()), "numbers", "own_dt", "time_step", "_known", "_changes", "_init_args"}
_NO_SETTINGS.remove("training")
"""Attributes that are no settings: what a step gets as arguments, and what the machinery keeps."""


class Stepping(nn.Module, ABC):
    """What a neuron model declares, and its `step`."""

    inputs: tuple[str, ...] = ("current",)
    """What it can be driven by; the first is the positional argument, the others are named."""

    state: Mapping[str, float | str] = {}
    """Its variables, and what each starts from: a number, or the name of a constant; see `start`."""

    State: Any
    """The named tuple of the variables ``[B, N]``, made from `state`."""

    compiled: bool = True
    """Whether its step is compiled; else it runs in PyTorch, step by step."""

    graded: bool = False
    """Whether what it sends may be other values than 0 and 1."""

    stream: RandomStream | None = None
    """Where random constants come from."""

    own_dt: float | None
    """The step that it was given, not its network."""

    time_step: float
    numbers: dict[str, float | Tensor]
    learned: nn.ParameterDict
    _known: dict[Any, Prepared]
    _changes: int = 0

    @abstractmethod
    def step(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The equations; see `NeuronModel`."""

    @abstractmethod
    def values(self) -> Values:
        """The declared constants in float64."""

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What follows from constants alone, by name, for `step`: computed once a run, in float64."""
        del p, dt
        return {}

    def check_input(self, name: str) -> None:
        """Raise ``ValueError`` unless the model has an input of this name."""
        if name not in self.inputs:
            raise ValueError(f"{type(self).__name__} has no input {name!r}: it has {', '.join(self.inputs)}")

    def check_inputs(self, current: Tensor, others: Mapping[str, Tensor]) -> None:
        """Raise ``ValueError`` unless the model has these further inputs, and they fit ``current``."""
        for name in others:
            self.check_input(name)
        check_inputs(current, others)

    def received(self, given: Tensor, dtype: torch.dtype) -> Tensor:
        """An input in the number format of the state."""
        return given.to(dtype)

    def advance(
        self, current: Tensor, state: Any, *, tap: Tap | None = None, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """Spikes ``[B, N]`` and the next state, for inputs ``[B, N]`` held over ``dt``, in plain PyTorch.

        The further `inputs` come by name; one that is absent is zero. ``tap`` as in `scan`.
        """
        spikes, after, before = self._advance(current, state, others)
        if tap is not None:
            tap.put_step(after, before)
        return spikes, after

    def before_reset(self, current: Tensor, state: Any, **others: Tensor) -> Any:
        """The state that `advance` reaches from the same arguments before spikes reset it, for recordings."""
        return self._advance(current, state, others)[2]

    def constants_at(self, like: Tensor) -> dict[str, Tensor]:
        """Its constants by name, with those that `constants` adds, as a step like ``like`` takes them."""
        return self._prepared(like).values

    def advance_at(
        self, given: Mapping[str, Tensor], state: Any, constants: Mapping[str, Tensor]
    ) -> tuple[Tensor, Any]:
        """`advance` at other ``constants`` than those of `constants_at`, such as one a neuron and sample.

        Args:
            given: All inputs ``[B, N]`` by name, in the number format of the state.
            state: State before.
            constants: All of them by name.
        """
        spikes, after, _ = self._step(given, state, constants)
        return spikes, after

    def tells_before_reset(self, state: Any) -> bool:
        """Whether `step` returns the state before the reset as well, found by a step from ``state``."""
        p, silent = self._prepared(state[0]).values, torch.zeros_like(state[0])
        return len(self.step(silent, state, Values(p), p["dt"], **dict.fromkeys(self.inputs[1:], silent))) > 2

    def _advance(self, current: Tensor, state: Any, others: Mapping[str, Tensor]) -> tuple[Tensor, Any, Any]:
        check_kind(state, self.State)
        self.check_inputs(current, others)
        given = {
            name: self.received(x, state[0].dtype) for name, x in {self.inputs[0]: current, **others}.items()
        }
        spikes, after, before = self._step(given, state, self._prepared(state[0]).values)
        return spikes, self.State(*own(after, [*state, *given.values(), spikes])), before

    def _step(
        self, given: Mapping[str, Tensor], state: Any, constants: Mapping[str, Tensor]
    ) -> tuple[Tensor, Any, Any]:
        """`step` with all inputs, its results checked."""
        first, *others = self.inputs
        current = given[first]
        further = {name: given.get(name, torch.zeros_like(current)) for name in others}
        found = self.step(current, state, Values(constants), constants["dt"], **further)
        if not isinstance(found, tuple) or not 2 <= len(found) <= 3:
            raise ValueError(
                f"{type(self).__name__}.step must return spikes, the next state and, if it likes, the state "
                f"before the reset, got {type(found).__name__}"
            )
        spikes, *states = found
        after, before = (self._declared(x, current) for x in (states[0], states[-1]))
        return self._fitting("spikes", spikes, current), after, before

    def _declared(self, state: Any, like: Tensor) -> Any:
        """A state that `step` returned, as the model declares it.

        Raises:
            ValueError: if it is another.
        """
        if isinstance(state, Mapping):
            fits, got = state.keys() == self.state.keys(), ", ".join(map(str, state))
            state = [state.get(name) for name in self.state]
        else:
            fits = isinstance(state, list | tuple) and len(state) == len(self.state)
            got = f"{len(state)} values" if isinstance(state, list | tuple) else type(state).__name__
        if not fits:
            raise ValueError(
                f"{type(self).__name__}.step must return the variables that `state` declares "
                f"({', '.join(self.state)}), got {got}"
            )
        return self.State(
            *(self._fitting(name, value, like) for name, value in zip(self.state, state, strict=True))
        )

    def _fitting(self, name: str, value: Any, like: Tensor) -> Tensor:
        """What `step` returned in the shape and number format of the state."""
        if not isinstance(value, Tensor) or value.shape not in (like.shape, ()):
            shape = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"{type(self).__name__}.step must return {name} as a tensor {list(like.shape)} like the "
                f"input, got {shape}"
            )
        fitting: Tensor = value.to(like.dtype)
        return fitting if value.ndim else fitting.expand_as(like)

    def __setattr__(self, name: str, value: Any) -> None:
        """What was derived from attributes is derived anew; fields set themselves, buffers too."""
        if hasattr(getattr(type(self), name, None), "__set__"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)
        if name != "_known":
            self._known = {}
            self._count(name)

    def _count(self, name: str) -> None:
        """How often settings changed: code that `torch.compile` made of a run asks for it."""
        if name not in _NO_SETTINGS and name not in ("training", "dt"):
            vars(self)["_changes"] = vars(self).get("_changes", 0) + 1

    def _prepared(self, like: Tensor) -> Prepared:
        """The constants as a step takes them, with ``dt``; if none is learned, kept until one changes."""
        fixed = not torch.compiler.is_compiling() and len(self._parameters) == len(self.learned) == 0
        key = (like.dtype, like.device)
        held = (*self._buffers.values(), *self.numbers.values())
        sources = [x for x in held if isinstance(x, Tensor)]
        if fixed and key in self._known and self._known[key].sources.are(sources):
            return self._known[key]
        with torch.inference_mode(False):  # validation may come before training
            dt = torch.tensor(self.time_step, dtype=torch.float64)
            p = self.values()
            values = prepared({**vars(p), **self._derived(p, dt), "dt": dt}, like)
        if not fixed:
            return Prepared(p, values)
        self._known[key] = Prepared(p, values, Unchanged(sources))
        return self._known[key]

    def _derived(self, p: Values, dt: Tensor) -> dict[str, Tensor]:
        """What `constants` returns, in float64.

        Raises:
            ValueError: if that is no numbers by name.
        """
        found = self.constants(p, dt)
        if not isinstance(found, Mapping) or not all(isinstance(x, Tensor | float) for x in found.values()):
            raise ValueError(
                f"{type(self).__name__}.constants must return tensors by name, got {type(found).__name__}"
                + (f" of {found}" if isinstance(found, Mapping) else "")
            )
        return {name: exact(x) for name, x in found.items()}

    @property
    def settings(self) -> tuple[Any, ...]:
        """Its attributes, and those of its class: a step may depend on them."""
        own = (cls for cls in reversed(type(self).__mro__) if issubclass(cls, Stepping))
        found = {name: x for cls in own for name, x in vars(cls).items() if isinstance(x, _PLAIN)}
        found |= {name: x for name, x in vars(self).items() if name not in _NO_SETTINGS}
        return tuple((name, x if callable(x) else repr(x)) for name, x in found.items())

    def __getstate__(self) -> dict[str, Any]:
        """Without keys of kernels: a copy may run where there are no such."""
        return {**vars(self), "_known": {}}
