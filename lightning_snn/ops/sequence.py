"""What every scan takes: a sequence of inputs, and a state that fits it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

FORMATS = (torch.float32, torch.float64)
"""Number formats that states have and kernels compute in."""


def check_sequence(current: Tensor) -> None:
    """Raise ``ValueError`` unless ``current`` is a floating-point ``[T, B, N]`` with no empty dimension."""
    if current.ndim != 3 or 0 in current.shape or not current.is_floating_point():
        raise ValueError(
            "current must be floating point, [T, B, N] with no empty dimension, "
            f"got {current.dtype} {list(current.shape)}"
        )


def check_state(current: Tensor, state: Any, kind: type) -> None:
    """Raise ``ValueError`` unless ``state`` is one of the neurons and samples of ``current`` ``[T, B, N]``.

    It must be of its ``kind``, every field ``[B, N]``, on the device of ``current``, and in the number format
    of the first.
    """
    check_kind(state, kind)
    fields = state._asdict()
    check_formats("state", fields)
    for name, value in fields.items():
        check_part(f"state.{name}", value, current.shape[1:], like=current)


def check_kind(state: Any, kind: type) -> None:
    """Raise ``ValueError`` unless ``state`` is of its ``kind``, with a tensor in every field."""
    fields = state if isinstance(state, tuple) and isinstance(state, kind) else (None,)
    if not all(isinstance(value, Tensor) for value in fields):
        raise ValueError(
            f"state must be a {kind.__name__} of tensors, as rest() or a call before gave it, got "
            f"{type(state).__name__}{' of another class' if type(state).__name__ == kind.__name__ else ''}"
        )


def check_formats(name: str, fields: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless all ``fields`` have one number format, float32 or float64."""
    formats = {value.dtype for value in fields.values()}
    if len(formats) > 1 or not formats <= set(FORMATS):
        found = ", ".join(f"{field} {value.dtype}" for field, value in fields.items())
        raise ValueError(f"{name} must hold numbers of one format, float32 or float64, got {found}")


def check_part(name: str, value: Tensor, shape: Iterable[int], *, like: Tensor) -> None:
    """Raise ``ValueError`` unless a part of a state has ``shape`` and lies on the device of ``like``."""
    if value.shape != tuple(shape):
        raise ValueError(
            f"{name} must be {list(shape)} to fit an input of {list(like.shape)}, got {list(value.shape)}: a "
            "state belongs to its batch; start from rest, or give a state of as many samples and neurons"
        )
    if value.device != like.device:
        raise ValueError(f"{name} must be on {like.device} like the input, got {value.device}")


def check_batch(current: Tensor, state: Any) -> None:
    """Raise ``ValueError`` unless each field ``[B, N, ...]`` of a state of any kind fits ``current``.

    Of maps ``[T, B, C, H, W]`` the fields are ``[B, C, H, W, ...]``.
    """
    for name, value in getattr(state, "_asdict", dict)().items():
        if isinstance(value, Tensor) and value.ndim > 1:
            check_part(
                f"state.{name}", value, (*current.shape[1:], *value.shape[current.ndim - 1 :]), like=current
            )


def check_inputs(current: Tensor, others: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless further inputs have the shape of ``current`` and lie on its device."""
    for name, value in others.items():
        if value.shape != current.shape or value.device != current.device:
            raise ValueError(
                f"{name} must be {list(current.shape)} on {current.device} like the current, got "
                f"{list(value.shape)} on {value.device}"
            )


def steps_of(current: Tensor, others: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """The current ``[B, N]`` and the further inputs ``[B, N]`` by name of each step of sequences."""
    sequences = (value.unbind(0) for value in (current, *others.values()))
    for step_current, *rows in zip(*sequences, strict=True):
        yield step_current, dict(zip(others, rows, strict=True))


def check_each(constants: Mapping[str, Tensor], current: Tensor) -> None:
    """Raise ``ValueError`` unless constants are one number, or one a neuron of an input ``[T, B, N]``."""
    for name, value in constants.items():
        if value.ndim and value.shape != current.shape[2:]:
            raise ValueError(
                f"{name} must hold 1 or {current.shape[2]} values, one a neuron of an input of "
                f"{list(current.shape)}, got {value.numel()}"
            )


def check_coupling(spikes: Tensor, coupling: Tensor, current: Tensor) -> None:
    """Raise ``ValueError`` unless ``spikes`` are ``[B, N]`` and ``coupling`` is ``[N, N]``."""
    nodes = current.shape[2]
    check_part("spikes", spikes, current.shape[1:], like=current)
    if coupling.shape != (nodes, nodes) or coupling.device != current.device:
        raise ValueError(
            f"coupling must be {[nodes, nodes]} on {current.device}, got {list(coupling.shape)} on "
            f"{coupling.device}"
        )


def check_copies(spikes: Tensor, state: Any, nodes: Tensor | None = None) -> None:
    """Raise ``ValueError`` unless ``state`` is one of the S streams of ``spikes`` ``[T, S, pre]``.

    Its ``weight`` is ``[S, pre, post]``, its ``pre_trace``, if any, ``[S, pre]``, everything else
    ``[S, post]``; all are contiguous, since they are overwritten, and ``wins`` are int64. Where G groups see
    ``nodes [G, F]``, ``weight`` is ``[S, G, F, K]``, and what has a value for each unit ``[S, G, K]``.
    """
    fields = state._asdict()
    check_formats("state", {name: value for name, value in fields.items() if name != "wins"})
    _, streams, num_pre = spikes.shape
    last = fields["threshold"].shape[-1]
    seen, units = ((num_pre,), (last,)) if nodes is None else (nodes.shape, (nodes.shape[0], last))
    sizes = {"weight": (streams, *seen, last), "pre_trace": (streams, num_pre)}
    for name, value in fields.items():
        check_part(f"state.{name}", value, sizes.get(name, (streams, *units)), like=spikes)
        if not value.is_contiguous() or (name == "wins" and value.dtype != torch.int64):
            raise ValueError(f"state.{name} must be contiguous, and wins int64, got {value.dtype}")
