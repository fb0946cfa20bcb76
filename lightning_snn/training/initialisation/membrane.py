"""What a spike evokes in the membrane that it reaches: what initialisations scale weights by."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.charge import current_of
from lightning_snn.network import SpikingNetwork
from lightning_snn.neurons import NeuronModel
from lightning_snn.neurons.threshold import distance_to_threshold
from lightning_snn.ops.tap import Tap
from lightning_snn.synapses import WeightedProjection

LONGEST = 2**14
"""Most steps after which the potential of a spike must have faded."""

FADED = 1e-4
"""Share of its peak below which it has."""

SMALL = 1e-3
"""The spike that is tried, in units of the distance to threshold: far from evoking one."""


class Membrane(NamedTuple):
    """The potential eps(t) that a spike evokes at weight 1, from rest, in each neuron of a layer.

    Args:
        distance: From rest to threshold ``[N]``, or ``[1]`` where all neurons have the same.
        area: Its integral over time ``[N]``, per ms.
        energy: The integral of its square ``[N]``, likewise.
    """

    distance: Tensor
    area: Tensor
    energy: Tensor


@torch.no_grad()
def membrane(
    network: SpikingNetwork, name: str, projection: WeightedProjection, duration: float | None = None
) -> Membrane:
    """Send one small spike through a connection, and watch.

    Gain, kinetics, step and neuron are those of the network; the integrals are sums over its steps.

    Args:
        network: The network.
        name: The connection.
        projection: Its projection.
        duration: Time in ms after which what a spike evokes counts no more; None: it must fade.

    Raises:
        ValueError: if the neurons of its target have no threshold of a potential v, or never forget.
    """
    connection = network.connection(name)
    neuron, key = network.layer(connection.target).neuron, f"layers.{connection.target}.neuron"
    size = network.layer(connection.target).num_nodes if _differ(neuron) else 1
    like = torch.zeros(1, dtype=torch.float64, device=projection.weight.device)
    distance = distance_to_threshold(neuron, size, like)
    if distance is None:
        raise ValueError(
            f"initialisation: {key} is {type(neuron).__name__}, which has no `threshold` of a potential `v` "
            "to scale weights by: give LSUV, or neurons such as LIF"
        )
    steps = 64 if duration is None else max(1, round(duration / network.dt))
    while True:
        eps = _evoked(neuron, connection.input, projection, distance, steps, dt=network.dt)
        if duration is not None or bool((eps[-1].abs() <= FADED * eps.abs().amax(0)).all()):
            return Membrane(distance, eps.sum(0) * network.dt, eps.square().sum(0) * network.dt)
        if steps >= LONGEST:
            raise ValueError(
                f"initialisation: {key} is {type(neuron).__name__}, which after {steps * network.dt:g} ms "
                "still holds what a spike evoked: give `duration`, the time of a presentation in ms"
            )
        steps *= 4


def _evoked(
    neuron: NeuronModel,
    driven: str,
    projection: WeightedProjection,
    distance: Tensor,
    steps: int,
    *,
    dt: float,
) -> Tensor:
    """The potential ``[steps, N]`` after a spike of weight 1 in the first step."""
    height = SMALL * distance.min()
    charge = distance.new_zeros(steps, 2, len(distance))
    charge[0, 1] = height
    if projection.kinetics is None:
        current = current_of(charge, dt)
    else:
        silent = projection.kinetics.rest(2, len(distance), charge)
        current, _ = projection.kinetics.run(charge, silent, dt=dt)
    first = neuron.inputs[0]
    others = {} if driven == first else {driven: current}
    tap = Tap({"v": "before"})
    neuron(current if driven == first else torch.zeros_like(current), tap=tap, **others)
    v = tap.taken()["v"]
    return projection.gain * (v[:, 1] - v[:, 0]) / height


def _differ(neuron: NeuronModel) -> bool:
    """Whether neurons have constants of their own."""
    return any(torch.as_tensor(neuron.value_of(name)).numel() > 1 for name in neuron.constants_declared())


def of_units(projection: WeightedProjection, values: Tensor) -> Tensor:
    """One value a neuron, ``[N]`` or ``[1]``, as one for each row of weights: ``[K, 1]`` or ``[P, K, 1]``.

    Where places share weights, their mean.
    """
    found = projection.units(values.expand(projection.num_post))
    return (found if projection.groups is not None else found.mean(0))[..., None]


def fan_in(projection: WeightedProjection) -> Tensor:
    """Synapses of a unit: ``[1, 1]``, or ``[P, 1, 1]`` where places have fields of their own."""
    if projection.exists is not None and projection.groups is not None:
        return projection.exists.sum(1).clamp_min(1)[:, None, None]
    return torch.tensor([[projection.weight.shape[-1]]], device=projection.weight.device)
