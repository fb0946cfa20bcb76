"""The constants of a model in the forms that its step and its kernels take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.unchanged import Unchanged
from lightning_snn.ops.compiler import Kind


class Values:
    """Constants by name, as a step reads them: ``p.tau_mem``."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        """Say which constants there are."""
        raise AttributeError(f"there is no constant {name!r} among {', '.join(vars(self))}")


@dataclass
class Prepared:
    """Constants for one number format and device.

    Args:
        exact: The declared ones in float64.
        values: All by name, as a step takes them.
        sources: The tensors that they come from, as they were then.
        programs: Keys of the kernels that were made for them.
    """

    exact: Values
    values: dict[str, Tensor]
    sources: Unchanged = field(default_factory=lambda: Unchanged([]))
    programs: dict[Any, tuple[str, str]] = field(default_factory=dict)


def prepared(values: Mapping[str, Tensor], like: Tensor) -> dict[str, Tensor]:
    """Constants as a step takes them: one number as a float64 without dimensions, ``[N]`` like ``like``.

    One number is rounded to the format of a state where it meets it, so that what follows from it is exact.
    """
    return {
        name: value.reshape(()) if value.numel() == 1 else value.to(like) for name, value in values.items()
    }


def listed(values: Iterable[Tensor]) -> list[Tensor]:
    """Constants as the operator takes them.

    `torch.jit.trace` takes one without dimensions for a number of Python where it meets an equal one.
    """
    return [x.reshape(-1) for x in values] if checks.is_recorded() else [*values]


def kind_of(value: Tensor) -> Kind:
    """Whether it is one for each neuron, or one number; its value where that is a fixed 0 or 1."""
    if value.ndim:
        return "each"
    if value.requires_grad or type(value) is not Tensor or value.device.type != "cpu":
        return "one"
    number = value.item()
    return float(number) if number in (0, 1) else "one"


def exact(value: float | Tensor) -> Tensor:
    """A constant in float64."""
    return value.double() if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def own(values: Iterable[Tensor], others: Iterable[Tensor]) -> list[Tensor]:
    """``values``, none of which shares memory with another or with ``others``."""
    seen, found = {id(x) for x in others}, []
    for value in values:
        shared = id(value) in seen or value._is_view()
        seen.add(id(value))
        found.append(value.clone(memory_format=torch.contiguous_format) if shared else value)
    return found
