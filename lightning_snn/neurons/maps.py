"""Neurons in maps, run as one row of neurons."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from lightning_snn.ops.sequence import check_batch


def run_maps(
    neurons: Callable[..., tuple[Tensor, Any]], current: Tensor, state: Any, others: Mapping[str, Tensor]
) -> tuple[Tensor, Any]:
    """Run neurons of ``[T, B, N]`` over maps.

    Args:
        neurons: ``(current [T, B, N], state, **others) -> (spikes [T, B, N], state)``.
        current: Input ``[T, B, C, H, W]``, or with any other dimensions of neurons.
        state: State to continue from, its fields ``[B, C, H, W, ...]``; None for rest.
        others: Further inputs by name, each of the shape of ``current``.

    Returns:
        Spikes of the shape of ``current`` and the state after the last step, in maps too.

    Raises:
        ValueError: if the state is of another shape.
    """
    shape = current.shape[2:]
    check_batch(current, state)
    row = _each(state, lambda value: value.flatten(1, len(shape)))
    rows = {name: value.flatten(2) for name, value in others.items()}
    spikes, end = neurons(current.flatten(2), row, **rows)
    return spikes.reshape(current.shape), _each(
        end, lambda value: value.reshape(value.shape[0], *shape, *value.shape[2:])
    )


def _each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A state with every field ``[B, ...]`` changed."""
    if isinstance(state, Tensor):
        return change(state)
    if not hasattr(state, "_fields"):
        return state
    return type(state)(*(change(x) if isinstance(x, Tensor) and x.ndim > 1 else x for x in state))
