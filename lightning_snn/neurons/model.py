"""What a neuron model is: what it declares, and one step."""

from abc import abstractmethod
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.dynamics.surrogate import Surrogate, resolve, spike
from lightning_snn.neurons.constants import WithConstants
from lightning_snn.neurons.fields import Constant, Field, TimeStep, option
from lightning_snn.neurons.maps import run_maps
from lightning_snn.neurons.parameters import check_length
from lightning_snn.neurons.running import Running
from lightning_snn.ops.sequence import check_sequence
from lightning_snn.ops.tap import Tap


def state_type(model: str, name: str, variables: Iterable[str], module: str) -> Any:
    """A named tuple of the variables ``[B, N]`` of a model, to be found in its class."""
    made = namedtuple(f"{model.rpartition('.')[2]}{name}", list(variables), module=module)  # type: ignore[misc]
    made.__qualname__ = f"{model}.{name}"
    made.__doc__ = f"{name} ``[B, N]`` of `{model}`: {', '.join(variables)}."
    return made


def _filled(value: Tensor | float, like: Tensor) -> Tensor:
    return (
        torch.zeros_like(like) + value.to(like) if isinstance(value, Tensor) else torch.full_like(like, value)
    )


class NeuronModel(WithConstants, Running):
    """A population of neurons; state is passed in and returned, never kept.

    A model declares its variables and constants and writes its equations once, in `step`; they run fused on
    CPU and GPU, with gradients:

    >>> from lightning_snn import Parameter, constant
    >>> class Leaky(NeuronModel):
    ...     '''Leaky integrate-and-fire.'''
    ...
    ...     state = {"v": 0.0}
    ...     tau_mem: Parameter = constant(default=20.0, unit="ms", above=0.0)
    ...
    ...     def step(self, current, state, p, dt):
    ...         v = current + (state.v - current) * torch.exp(-dt / p.tau_mem)
    ...         spikes = self.spike(v - 1)
    ...         return spikes, self.State(torch.where(spikes.detach() > 0, 0.0, v))
    >>> spikes, state = Leaky(tau_mem=10.0)(torch.full((20, 1, 1), 2.0))
    >>> int(spikes.sum())
    2
    """

    learn: Sequence[str] = option(
        default=(),
        doc="Names of constants to learn: as many numbers of each as it is given.",
        kw_only=True,
        common=True,
    )
    surrogate: Surrogate = option(
        default="atan",
        doc="Gradient of the spike: a name, or a function of the distance.",
        kw_only=True,
        common=True,
    )
    slope: float | None = option(
        default=None, doc="Slope of the surrogate; by default its own.", kw_only=True, common=True
    )
    detach_reset: bool = option(
        default=True, doc="Whether no gradient passes through the reset.", kw_only=True, common=True
    )
    dt: TimeStep = TimeStep(
        default=None,
        doc="Step in ms; by default the network's, and 1 ms in a model alone.",
        kw_only=True,
        common=True,
    )

    _functions: ClassVar[tuple[str, ...]] = ("surrogate",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the type of the state of a class that declares one."""
        super().__init_subclass__(**kwargs)
        if "state" in vars(cls):
            if not isinstance(cls.state, Mapping) or not cls.state:
                raise TypeError(
                    f"{cls.__name__}.state must say what each variable starts from, such as {{'v': 0.0}}, "
                    f"got {cls.state!r}"
                )
            cls.State = state_type(cls.__qualname__, "State", cls.state, cls.__module__)

    @classmethod
    def taken(cls, fields: dict[str, Field]) -> dict[str, Field]:
        """Without what is of spikes, where none are sent."""
        unused = ("surrogate", "slope", "detach_reset") if cls.graded else ()
        return {name: field for name, field in fields.items() if name not in unused}

    def accept(self, given: dict[str, Any]) -> None:
        """Take the arguments by name: check them, and make those to learn parameters."""
        nn.Module.__init__(self)
        self.own_dt = given.get("dt")
        fields = type(self).fields
        if not self.state:
            raise TypeError(f"{type(self).__name__} must declare the variables of its state")
        for variable, start in self.state.items():
            if isinstance(start, str):
                checks.one_of(
                    f"{type(self).__name__}.state[{variable!r}]", start, type(self).constants_declared()
                )
        for name, value in given.items():
            if not isinstance(fields[name], Constant):
                setattr(self, name, value)
        self.take_constants(given)
        if not self.graded:
            resolve(self.surrogate, self.slope)
        self.check()

    @abstractmethod
    def step(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """``step(self, current, state, p, dt)``: the equations.

        Plain operations of torch, elementwise over neurons: they are traced once and compiled. It takes the
        input ``[B, N]``, held over the step; the variables `State`, which it does not modify; the constants
        and what `constants` adds, tensors by name; the step in ms; and by name the further `inputs` of the
        model, if it has any, zero where they are absent. It returns spikes ``[B, N]``, the next `State` and,
        if a spike changes it, the `State` before that, for recordings.
        """

    def start(self, p: Any) -> Mapping[str, Tensor | float]:
        """What the variables start from, by name; a model overrides this where `state` cannot say it."""
        plain = {x: value for x, value in self.numbers.items() if isinstance(value, float)}
        return {
            name: x if not isinstance(x, str) else plain[x] if x in plain else getattr(p, x)
            for name, x in self.state.items()
        }

    def spike(self, distance: Tensor) -> Tensor:
        """1 where the ``distance`` to threshold is 0 or above, else 0; its gradient is the surrogate's."""
        return spike(distance, self.surrogate, self.slope)

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """State ``[batch, num_neurons]`` to start from, at least float32, on the device of ``like``."""
        dtype = torch.promote_types(like.dtype, torch.float32)
        empty = like.new_empty((batch, num_neurons), dtype=dtype)
        found = self.start(self._prepared(empty).exact)
        return self.State(*(_filled(found[name], empty) for name in self.state))

    def again(self, **changes: Any) -> Self:
        """Another one of the same arguments, but for ``changes``; with the ``dt`` of now."""
        made = super().again(**changes)
        if "dt" not in changes:
            made.time_step = self.time_step  # it may have been changed since
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

    def sized(self, num_neurons: int) -> "NeuronModel":
        """This model for a population of ``num_neurons``.

        Raises:
            ValueError: if a constant is given for another number of neurons.
        """
        for name in self.constants_declared():
            check_length(name, self.value_of(name), num_neurons)
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

    def forward(
        self,
        current: Tensor,
        state: Any = None,
        *,
        steps: int | None = None,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``, or maps ``[T, B, C, H, W]``, where parameters of one number a neuron
                are in the order of the flattened map.
            state: State to continue from, its fields of the shape of one step; rest by default.
            steps: Steps T for which a ``current`` ``[B, N]`` stays the same: it takes the memory of one step,
                and its gradient the time of one.
            tap: Gets variables of the state of every step ``[T, B, N]``, of maps too.
            **others: Further `inputs` by name, each of the shape of ``current``; zero by default.

        Returns:
            Spikes of the shape of ``current`` in {0, 1}, or any values where it is `graded`, and the state
            after the last step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, ...]`` with T at least 1, the state or an input has
                another shape, or the model has no such input.
        """
        self.check_inputs(current, others)
        if steps is not None:
            checks.count("steps", steps)
            check_sequence(current[None])
            state = self.rest(current.shape[0], current.shape[1], current) if state is None else state
            return self.scan_held(current, state, steps, tap=tap)
        if current.ndim > 3:
            return run_maps(partial(self, tap=tap), current, state, others)
        check_sequence(current)
        if state is None:
            state = self.rest(current.shape[1], current.shape[2], current)
        return self.scan(current, state, tap=tap, **others)
