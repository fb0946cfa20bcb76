"""From images to features: one presentation to a stack, and to the same stack with other projections."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn import metrics
from lightning_snn.core import checks
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingLayer, SpikingStack
from lightning_snn.presentation.trace import spike_trace
from lightning_snn.synapses import Projection

NETWORK = "network"
"""The name of the stack's own network beside its controls."""


BLOCK_BYTES = 2**24
"""Most memory on a CPU of one layer's spikes.

Linux takes back tensors from 32 MB on at each free and faults in every page of the next: with 100 digits
instead of 50 at once, a retina took eight times as long.
"""


class Presentation(NamedTuple):
    """What a batch of images evoked.

    Args:
        features: Traces ``[B, F]`` of the top layer by network; see `NETWORK`.
        rate: Mean firing rate in Hz of each layer of the stack's own network ``[B, L]``; where its neurons
            send graded values, their mean.
        sparsity: Share of neurons of each layer that stay silent ``[B, L]``.
    """

    features: dict[str, Tensor]
    rate: Tensor
    sparsity: Tensor


def present(
    images: Tensor,
    stack: SpikingStack,
    encoder: Encoder,
    *,
    controls: Mapping[str, Mapping[str, Projection]],
    tau_trace: float | None,
) -> Presentation:
    """Show images to the stack; the first layer is simulated once for it and all controls.

    On a CPU, where no gradient is needed, few images at once; the result does not depend on how many.

    Args:
        images: ``[B, 1, H, W]`` in [0, 1].
        stack: The stack.
        encoder: Grey values to currents.
        controls: By name, the projections that a control has instead of the stack's own.
        tau_trace: Time constant of the trace in ms; None counts spikes.

    Returns:
        Features and activity.
    """
    show = partial(_present, stack=stack, encoder=encoder, controls=controls, tau_trace=tau_trace)
    if torch.is_grad_enabled() or images.device.type != "cpu" or checks.is_recorded():
        return show(images)
    widest = max(stack.layer(name).num_nodes for name in stack.names)
    size = max(1, BLOCK_BYTES // (4 * encoder.num_steps * widest))
    parts = [show(block) for block in torch.split(images, size)]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _present(
    images: Tensor,
    stack: SpikingStack,
    encoder: Encoder,
    *,
    controls: Mapping[str, Mapping[str, Projection]],
    tau_trace: float | None,
) -> Presentation:
    dt = stack.bottom.dt
    retina, _ = stack.bottom(encoder(stack.bottom.geometry.sample(images), dt=dt))
    layers = {stack.names[0]: retina} | stack.ascend(retina)[0]
    features = {NETWORK: spike_trace(layers[stack.names[-1]], tau=tau_trace, dt=dt)}
    for name, projections in controls.items():
        top = stack.ascend(retina, projections=projections)[0][stack.names[-1]]
        features[name] = spike_trace(top, tau=tau_trace, dt=dt)
    with torch.no_grad():
        rate = torch.stack([_rate(stack.layer(name), s) for name, s in layers.items()], dim=1)
        sparsity = torch.stack([metrics.sparsity(spikes) for spikes in layers.values()], dim=1)
    return Presentation(features, rate, sparsity)


def _rate(layer: SpikingLayer, spikes: Tensor) -> Tensor:
    """Rate in Hz, or the mean of graded values ``[B]``."""
    return metrics.firing_rate(spikes, dt=1000.0 if layer.neuron.graded else layer.dt)


def _joined(parts: list[Presentation]) -> Presentation:
    features = {name: torch.cat([part.features[name] for part in parts]) for name in parts[0].features}
    return Presentation(
        features, torch.cat([part.rate for part in parts]), torch.cat([part.sparsity for part in parts])
    )
