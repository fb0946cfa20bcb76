"""The wiring that a projection starts from."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.plasticity.groups import stack
from lightning_snn.plasticity.homeostasis import add_variables


def initial_wiring(
    fan_in: int | Sequence[int],
    units: int,
    rule: LearningRule | None,
    homeostasis: Sequence[Homeostasis] | None,
    generator: torch.Generator,
) -> Tensors:
    """Weights and variables before any activity.

    Args:
        fan_in: Inputs of a unit, F. A list: those of each place with weights of its own, whose wirings are
            stacked, what there is for each synapse filled up with zeros to the longest.
        units: Units K.
        rule: Rule that draws them; without one, weights are ``U(-b, b)`` with variance ``1 / F``.
        homeostasis: Adds its variables.
        generator: Source of the draw.
    """

    def one(inputs: int) -> Tensors:
        if rule is None:
            bound = (3 / inputs) ** 0.5
            return {"weight": bound * (2 * torch.rand(units, inputs, generator=generator) - 1)}
        return add_variables(rule.initial(inputs, units, generator), list(homeostasis or []))

    if isinstance(fan_in, int):
        return one(fan_in)
    longest = max(fan_in)
    return stack([_filled_up(one(inputs), longest - inputs) for inputs in fan_in])


def _filled_up(wiring: Tensors, missing: int) -> Tensors:
    """With ``missing`` synapses more ``[K, F]``, all 0."""
    return {name: F.pad(value, (0, missing)) if value.ndim == 2 else value for name, value in wiring.items()}
