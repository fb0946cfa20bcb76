"""Parameters of neurons: one number, or one a neuron."""

from collections.abc import Sequence

import torch
from torch import Tensor

Parameter = float | Sequence[float] | Tensor
"""One number, or one a neuron."""

LASTING = 100_000.0
"""Least time constant in ms of an adaptation that can hold thresholds over a presentation."""


def check_lasting(adaptation: Parameter, tau: Parameter) -> None:
    """Raise ``ValueError`` if an adaptation forgets within a presentation what homeostasis has set."""
    short = (torch.as_tensor(adaptation) > 0) & (torch.as_tensor(tau) < LASTING)
    if short.any():
        raise ValueError(
            f"neuron.tau_adaptation must be at least {LASTING:.0f} ms (or adaptation 0), since a rule or "
            "homeostasis sets thresholds, which would decay with it, got "
            f"{torch.as_tensor(tau).min().item():g}"
        )


def check_below(low: str, lower: Parameter, high: str, higher: Parameter) -> None:
    """Raise ``ValueError`` unless a parameter named ``low`` lies below another."""
    if bool((torch.as_tensor(lower) >= torch.as_tensor(higher)).any()):
        raise ValueError(f"{low} must lie below {high} = {higher}, got {lower}")


def unit_of(scale: float | None, otherwise: Tensor) -> Tensor:
    """The distance that a surrogate counts as 1: what was given, or else another."""
    return otherwise if scale is None else torch.as_tensor(scale)


def check_length(name: str, value: float | Tensor, num_neurons: int) -> None:
    """Raise ``ValueError`` unless a parameter holds one value, or one for each neuron."""
    if isinstance(value, Tensor) and value.ndim and len(value) not in (1, num_neurons):
        raise ValueError(f"{name} must hold 1 or {num_neurons} values (num_nodes), got {len(value)}")


def entry(value: float | Tensor, index: int) -> float:
    """A parameter of one neuron."""
    if not isinstance(value, Tensor):
        return value
    return (value if value.numel() == 1 else value[index]).item()
