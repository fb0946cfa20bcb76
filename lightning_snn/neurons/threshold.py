"""What it takes to make a neuron spike, in the charges that weights are."""

import torch
from torch import Tensor

from lightning_snn.neurons.model import NeuronModel

PULSE = 1e-3
"""Charge of the pulse that is tried, so small that what it does is proportional to it."""
LONGEST = 2000
"""Most steps in which the potential may reach its peak."""


def distance_to_threshold(model: NeuronModel, num_neurons: int, like: Tensor) -> Tensor | None:
    """From the potential at rest to the threshold ``[N]``; None where a model has no such variable ``v``.

    ``like`` is a tensor of the device and number format.
    """
    if "v" not in model.state or "threshold" not in model.constants_declared():
        return None
    rest: Tensor = model.rest(1, num_neurons, like).v[0]
    return torch.as_tensor(model.value_of("threshold"), dtype=torch.float64).to(rest) - rest


@torch.no_grad()
def threshold_charge(model: NeuronModel, num_neurons: int, *, input: str | None = None) -> Tensor:
    """Charge that lifts neurons from rest to their threshold when it arrives alone in one step.

    It is found from what a small pulse does to the potential at its peak, whatever the equations are.

    Args:
        model: The neurons; a learned constant counts as it is now.
        num_neurons: How many N.
        input: Which of their inputs the charge drives; the first by default.

    Returns:
        Charges ``[N]``, float32.

    Raises:
        ValueError: if the model has no variable ``v`` with a constant ``threshold``, or such a charge does
            not lift it.

    >>> from lightning_snn.neurons import LIF, IntegrateFire
    >>> threshold_charge(IntegrateFire(2.0), 1), threshold_charge(LIF(20.0), 1)
    (tensor([2.]), tensor([20.5042]))
    """
    name = type(model).__name__
    input = model.inputs[0] if input is None else input
    model.check_input(input)
    held = next((x for x in (*model.parameters(), *model.buffers())), None)
    silent = torch.zeros(2, num_neurons, dtype=torch.float64, device=None if held is None else held.device)
    distance = distance_to_threshold(model, num_neurons, silent)
    if distance is None:
        raise ValueError(f"{name} does not say at which potential it spikes: no variable v and threshold")
    pulse = silent.clone()
    pulse[1] = PULSE / model.dt
    state = model.rest(2, num_neurons, silent)
    peak = torch.zeros_like(distance)
    for number in range(LONGEST):
        given = {input: silent if number else pulse}
        current = given.pop(model.inputs[0], silent)
        _, state = model.advance(current, state, tap=None, **given)
        found = state.v[1] - state.v[0]
        if number and not bool((found > peak).any()) and bool((peak > 0).all()):
            break
        peak = torch.maximum(peak, found)
    if not bool((peak > 0).all()) or not bool((distance > 0).all()):
        raise ValueError(f"{name} at rest is not lifted towards its threshold by its input {input!r}")
    charge: Tensor = (distance / peak * PULSE).float()
    return charge
