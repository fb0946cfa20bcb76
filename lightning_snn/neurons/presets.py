"""Firing patterns of Izhikevich's simple model by name, and its heterogeneous population."""

import torch
from torch import Tensor

PRESETS: dict[str, tuple[float, float, float, float]] = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
}
"""(a, b, c, d) by name. Source: Izhikevich (2003), fig. 2."""


def heterogeneous_population(
    num_neurons: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Constants a, b, c, d ``[N]`` from regular spiking (r = 0) to chattering (r = 1).

    ``c = -65 + 15 r^2``, ``d = 8 - 6 r^2`` with one ``r ~ U(0, 1)`` a neuron.

    Source: Izhikevich (2003), the excitatory population of the paper's program.
    """
    square = torch.rand(num_neurons, generator=generator) ** 2
    a, b, c, d = PRESETS["regular_spiking"]
    return torch.full_like(square, a), torch.full_like(square, b), c + 15 * square, d - 6 * square
