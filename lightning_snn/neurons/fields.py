"""What a neuron model declares: constants with units and ranges, and options."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.neurons.parameters import Parameter
from lightning_snn.ops import compiler


@dataclass(eq=False)
class Field:
    """An argument of a neuron model; see `option`."""

    default: Any
    doc: str
    choices: Collection[str] | None = None
    kw_only: bool = False
    common: bool = False
    positive: bool = False
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn what it is called."""
        self.name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        """The value of a model."""
        return self if model is None else vars(model).get(self.name, self.default)

    def __set__(self, model: Any, value: Any) -> None:
        """Change the value of a model."""
        vars(model)[self.name] = self.checked(value)

    @property
    def text(self) -> str:
        """Its line of a docstring."""
        return f"{self.name}: {self.doc}"

    def checked(self, value: Any) -> Any:
        """``value``, if it is allowed.

        Raises:
            ValueError: if it is not.
        """
        if self.choices is not None:
            checks.one_of(self.name, value, self.choices)
        if self.positive and value is not None:
            checks.positive(self.name, value)
        if isinstance(self.default, bool):
            checks.flag(self.name, value)
        return value


@dataclass(eq=False)
class Constant(Field):
    """A number of the equations; see `constant`. On a model it reads the value and sets it."""

    unit: str = ""
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    stored: bool = False

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        """The value of a model."""
        if model is None:
            return self
        compiler.refuse(self.name, f"p.{self.name}")
        return model.value_of(self.name)

    def __set__(self, model: Any, value: Any) -> None:
        """Change the value of a model."""
        model.set_constant(self.name, value)

    @property
    def text(self) -> str:
        """Its line of a docstring, with unit and range."""
        unit = f" ({self.unit})" if self.unit else ""
        limits = self.range
        return f"{self.name}: {self.doc.rstrip('.')}{unit}{', ' + limits if limits else ''}."

    @property
    def range(self) -> str:
        """What is allowed, in words; nothing where every finite number is."""
        parts = [
            f"above {self.above:g}" if self.above is not None else "",
            f"{self.at_least:g} or above" if self.at_least is not None else "",
            f"below {self.below:g}" if self.below is not None else "",
        ]
        return " and ".join(part for part in parts if part)

    def checked(self, value: Any) -> float | Tensor:
        """``value`` as a number or float64 ``[N]``; every entry is finite and in the range.

        Raises:
            ValueError: if one is not, or a tensor needs a gradient.
        """
        checks.constant(self.name, value)
        one = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            values = torch.as_tensor(value, dtype=torch.float64).detach().clone()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{self.name} must be a number, or one a neuron, got {value!r}") from error
        if isinstance(value, bool) or values.ndim > 1 or values.numel() == 0:
            raise ValueError(f"{self.name} must be a number, or a list of one a neuron, got {value!r}")
        for number in (values.amin().item(), values.amax().item()):
            if not (math.isfinite(number) and self._allows(number)):
                limits = f"{', ' if self.at_least is not None else ' '}{self.range}" if self.range else ""
                raise ValueError(f"{self.name} must be a finite number{limits}, got {number}")
        return float(value) if one else values

    def _allows(self, value: float) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
        )

    def free(self, value: Tensor) -> Tensor:
        """The unbounded number behind a learned value: no step of a gradient moves that out of the range."""
        low = self.above if self.above is not None else self.at_least
        if low is not None and self.below is not None:
            return torch.logit((value - low) / (self.below - low), eps=1e-6)
        if self.above is not None:
            return torch.log(value - self.above)
        return value if self.below is None else torch.log(self.below - value)

    def bound(self, free: Tensor) -> Tensor:
        """Its value: exponential above a bound, logistic between two, mirrored at one."""
        low = self.above if self.above is not None else self.at_least
        if low is not None and self.below is not None:
            return low + (self.below - low) * torch.sigmoid(free)
        if self.above is not None:
            return self.above + torch.exp(free)
        if self.at_least is not None:
            return torch.where(free < self.at_least, 2 * self.at_least - free, free)
        return free if self.below is None else self.below - torch.exp(free)


def constant(
    *,
    default: Parameter | None,
    unit: str = "",
    doc: str = "",
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    stored: bool = False,
    kw_only: bool = False,
) -> Any:
    """Declare a number of the equations: one for all neurons, one a neuron, or learned.

    Args:
        default: Its value; None where the model finds one (`NeuronModel.default_of`).
        unit: Its unit, for the docstring.
        doc: What it is.
        above: All values lie above this.
        at_least: All values are this or above.
        below: All values lie below this.
        stored: Keep it in the ``state_dict``, since it may be drawn.
        kw_only: Whether it must be named.
    """
    return Constant(
        default, doc, kw_only=kw_only, unit=unit, above=above, at_least=at_least, below=below, stored=stored
    )


def option(
    *,
    default: Any,
    doc: str = "",
    choices: Collection[str] | None = None,
    kw_only: bool = False,
    common: bool = False,
    positive: bool = False,
) -> Any:
    """Declare an argument that is not a number of the equations.

    Args:
        default: Its value.
        doc: What it does.
        choices: The allowed values.
        kw_only: Whether it must be named.
        common: Whether every model has it: then it comes last.
        positive: Whether it is a number above 0, or None.
    """
    return Field(default, doc, choices, kw_only, common, positive)


@dataclass(eq=False)
class TimeStep(Field):
    """The argument ``dt``: the step in ms of a model alone; None, until it runs in a network, is 1 ms."""

    def __get__(self, model: Any, owner: type | None = None) -> float:
        """The step of a model in ms."""
        if model is None:
            return self  # type: ignore[return-value]
        compiler.refuse(self.name, "the dt that step is given")
        return model.time_step  # type: ignore[no-any-return]

    def __set__(self, model: Any, value: float | None) -> None:
        """Change the step of a model."""
        if value is not None:
            checks.positive(self.name, value)
        model.time_step = 1.0 if value is None else value
