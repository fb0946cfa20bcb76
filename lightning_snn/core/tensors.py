"""Tensors by name, and tensors in nested containers."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

Tensors = dict[str, Tensor]


def leaves(state: Any) -> Iterator[Tensor]:
    """The tensors of nested tuples, lists and dictionaries, in order."""
    if isinstance(state, Tensor):
        yield state
    else:
        for item in state.values() if isinstance(state, dict) else state:
            yield from leaves(item)


def rebuilt(template: Any, values: Iterator[Tensor]) -> Any:
    """``template`` with its tensors replaced by ``values``, in order."""
    if isinstance(template, Tensor):
        return next(values)
    if isinstance(template, dict):
        return {name: rebuilt(item, values) for name, item in template.items()}
    items = [rebuilt(item, values) for item in template]
    return type(template)(*items) if hasattr(template, "_fields") else items
