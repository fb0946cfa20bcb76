"""From a batch to features: one presentation to a network, and to the same network with other projections."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn import metrics
from lightning_snn.core import batches, checks
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingLayer, SpikingNetwork, graph
from lightning_snn.presentation.trace import spike_trace
from lightning_snn.synapses import Projection

NETWORK = "network"
"""The name of the network itself beside its controls."""


BLOCK_BYTES = 2**24
"""Most memory on a CPU of one layer's spikes.

Linux takes back tensors from 32 MB on at each free and faults in every page of the next: with 100 digits
instead of 50 at once, a retina took eight times as long.
"""


class Presentation(NamedTuple):
    """What a batch evoked.

    Args:
        features: Traces ``[B, F]`` of the layer that is read, by network; see `NETWORK`.
        rate: Mean firing rate in Hz of each layer that ran, of the network itself ``[B, L]``; where its
            neurons send graded values, their mean.
        sparsity: Share of neurons of each of these layers that stay silent ``[B, L]``.
        spikes: Spikes ``[T, B, N]`` of these layers by name where gradients are recorded, else none.
    """

    features: dict[str, Tensor]
    rate: Tensor
    sparsity: Tensor
    spikes: dict[str, Tensor] = {}  # noqa: RUF012


def present(
    input: Any,
    network: SpikingNetwork,
    encoders: Mapping[str, Encoder],
    *,
    read_from: str,
    controls: Mapping[str, Mapping[str, Projection]],
    tau_trace: float | None,
) -> Presentation:
    """Show an input to the network; layers that a control does not change are simulated once for all.

    Layers that do not lead to the one that is read do not run. On a CPU, where no gradient is needed, few
    samples at once; the result does not depend on how many.

    Args:
        input: What the encoders take: one input for all input layers, or a dictionary of one for each.
        network: The network.
        encoders: Those of the input layers, by name.
        read_from: Name of the layer whose spikes are the features.
        controls: By name, the projections that a control has instead of the network's own, by connection.
        tau_trace: Time constant of the trace in ms; None counts spikes.

    Returns:
        Features and activity.

    Raises:
        ValueError: if an input does not fit its encoder or layer, is missing or for no input layer, or
            inputs last for different numbers of steps.
    """
    layers = network.needed_for([read_from])
    names = [name for name in network.inputs if name in layers]
    given = by_layer(input, names, known=network.inputs)
    show = partial(_present, network=network, encoders=encoders, read_from=read_from, layers=layers,
                   controls=controls, tau_trace=tau_trace)  # fmt: skip
    if torch.is_grad_enabled() or network.seed.device.type != "cpu" or checks.is_recorded():
        return show(given)
    widest = max(network.layer(name).num_nodes for name in layers)
    steps = max(encoders[name].steps(given[name], dt=network.dt) for name in names)
    size = max(1, BLOCK_BYTES // (4 * steps * widest))
    parts = [show(block) for block in batches.split(given, size)]
    return parts[0] if len(parts) == 1 else _joined(parts)


def by_layer(input: Any, names: list[str], *, known: list[str]) -> dict[str, Any]:
    """The input of each of the layers ``names``."""
    if not isinstance(input, Mapping):
        return dict.fromkeys(names, input)
    if not set(names) <= set(input) <= set(known):
        raise ValueError(f"inputs by name must be for the input layers {known}, got {list(input)}")
    return {name: input[name] for name in names}


def _present(
    given: dict[str, Any],
    *,
    network: SpikingNetwork,
    encoders: Mapping[str, Encoder],
    read_from: str,
    layers: list[str],
    controls: Mapping[str, Mapping[str, Projection]],
    tau_trace: float | None,
) -> Presentation:
    dt = network.dt
    currents = currents_of(given, network, encoders)
    lengths = _longest([encoders[name].lengths(one, dt=dt) for name, one in given.items()])
    spikes, _ = network.run(currents, layers=layers)
    trace = partial(spike_trace, tau=tau_trace, dt=dt, lengths=lengths)
    features = {NETWORK: trace(spikes[read_from])}
    for name, projections in controls.items():
        changed = graph.reachable([network.connection(key).target for key in projections], network.edges)
        known = {layer: sent for layer, sent in spikes.items() if layer not in changed}
        if read_from in known:
            features[name] = features[NETWORK]
            continue
        own, _ = network.run(currents, known=known, layers=layers, projections=projections)
        features[name] = trace(own[read_from])
    with torch.no_grad():
        shown = {name: _until(lengths, sent) for name, sent in spikes.items()}
        rate = torch.stack([_rate(network.layer(n), s, lengths) for n, s in shown.items()], dim=1)
        sparsity = torch.stack([metrics.sparsity(sent) for sent in shown.values()], dim=1)
    return Presentation(features, rate, sparsity, spikes if torch.is_grad_enabled() else {})


def currents_of(
    given: Mapping[str, Any], network: SpikingNetwork, encoders: Mapping[str, Encoder]
) -> dict[str, Tensor]:
    """What the encoders make of inputs: ``[T, B, N]`` by layer.

    Raises:
        ValueError: if they last for different numbers of steps.
    """
    currents = {name: _current(one, network.layer(name), encoders[name]) for name, one in given.items()}
    steps = {name: len(current) for name, current in currents.items()}
    if len(set(steps.values())) > 1:
        raise ValueError(f"the inputs of all layers must last for as many steps, got {steps}")
    return currents


def _current(input: Any, layer: SpikingLayer, encoder: Encoder) -> Tensor:
    """``[T, B, N]``, in the layer's number format."""
    dtype = layer.positions.dtype
    return encoder.encode(batches.cast(input, dtype), layer.geometry, dt=layer.dt).to(dtype)


def _longest(lengths: list[Tensor | None]) -> Tensor | None:
    """Steps of each sample ``[B]``, those of its longest input; None where one of them lasts to the end."""
    found = [length for length in lengths if length is not None]
    return torch.stack(found).amax(0) if len(found) == len(lengths) else None


def _until(lengths: Tensor | None, spikes: Tensor) -> Tensor:
    """Spikes ``[T, B, N]`` without those behind the end of a sample."""
    if lengths is None:
        return spikes
    return spikes * (torch.arange(len(spikes), device=lengths.device)[:, None] < lengths)[..., None]


def _rate(layer: SpikingLayer, spikes: Tensor, lengths: Tensor | None) -> Tensor:
    """Rate in Hz, or the mean of graded values ``[B]``."""
    rate = metrics.firing_rate(spikes, dt=1000.0 if layer.neuron.graded else layer.dt)
    return rate if lengths is None else rate * len(spikes) / lengths


def _joined(parts: list[Presentation]) -> Presentation:
    features = {name: torch.cat([part.features[name] for part in parts]) for name in parts[0].features}
    return Presentation(
        features, torch.cat([part.rate for part in parts]), torch.cat([part.sparsity for part in parts])
    )
