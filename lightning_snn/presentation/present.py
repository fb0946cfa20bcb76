"""From a batch to features: one presentation to a network, and to the same network with other projections."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import batches, checks
from lightning_snn.encoders import Encoder
from lightning_snn.network import NetworkState, SpikingLayer, SpikingNetwork, graph
from lightning_snn.network.pieces import Pieces
from lightning_snn.presentation.in_pieces import Sent, shown_in_pieces
from lightning_snn.presentation.rates import Rates, counts_of, mean_rate, rates_of, share_of_silent
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
        features: Of the layer that is read, by network (see `NETWORK`): traces ``[B, F]``, or spikes
            ``[T, B, F]`` for a readout over time.
        known_rate: `rate`, where it is known already.
        known_sparsity: `sparsity`, likewise.
        spikes: Spikes ``[T, B, N]`` of these layers by name where gradients are recorded and nothing is cut
            in pieces, else none.
        rates: Mean firing rates in Hz of their neurons ``[B, N]`` by name, with gradients, where these are
            recorded, else none; see `Rates`.
        lengths: Steps of each sample ``[B]``; None where all of them last T steps.
        steps: Steps T.
    """

    features: dict[str, Tensor]
    known_rate: Tensor | None
    known_sparsity: Tensor | None
    spikes: dict[str, Tensor] = {}  # noqa: RUF012
    rates: Mapping[str, Tensor] = {}
    lengths: Tensor | None = None
    steps: int = 0

    @property
    def rate(self) -> Tensor:
        """Mean firing rate in Hz of each layer that ran, of the network itself ``[B, L]``.

        Where its neurons send graded values, their mean.
        """
        return mean_rate(self.rates) if self.known_rate is None else self.known_rate

    @property
    def sparsity(self) -> Tensor:
        """Share of neurons of each of these layers that stay silent ``[B, L]``."""
        return share_of_silent(self.rates) if self.known_sparsity is None else self.known_sparsity


def present(
    input: Any,
    network: SpikingNetwork,
    encoders: Mapping[str, Encoder],
    *,
    read_from: str,
    controls: Mapping[str, Mapping[str, Projection]],
    tau_trace: float | None,
    over_time: Collection[str] = (),
    projections: Mapping[str, Projection] | None = None,
    pieces: Pieces | None = None,
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
        over_time: Names of the networks whose features are not traces but the spikes over time.
        projections: Projections instead of the network's own, by connection name.
        pieces: How a run is cut where gradients are recorded; by default not at all. No ``spikes`` are kept
            of one that is.

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
                   controls=controls, tau_trace=tau_trace, over_time=over_time,
                   projections=projections, pieces=pieces)  # fmt: skip
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
    over_time: Collection[str],
    projections: Mapping[str, Projection] | None,
    pieces: Pieces | None,
) -> Presentation:
    currents = currents_of(given, network, encoders)
    lengths = lengths_of(given, network, encoders)
    run = partial(_sent, network=network, read_from=read_from, layers=layers, controls=controls,
                  projections=projections)  # fmt: skip
    spikes: dict[str, Tensor] = {}
    steps = len(next(iter(currents.values())))
    rated = partial(rates_of, steps=steps, lengths=lengths)
    if pieces and torch.is_grad_enabled():
        features, counts = shown_in_pieces(
            run, currents, lengths, pieces, tau=tau_trace, dt=network.dt, over_time=over_time
        )
        rates = Rates({n: partial(rated, network.layer(n), lambda x=x: x) for n, x in counts.items()})
    else:
        spikes, sent, _ = run(currents, {})
        trace = partial(spike_trace, tau=tau_trace, dt=network.dt, lengths=lengths)
        seen = {name: one for name, one in sent.items() if name in over_time}
        features = seen | {name: trace(one) for name, one in sent.items() if name not in seen}
        rates = Rates(
            {n: partial(rated, network.layer(n), partial(counts_of, x, lengths)) for n, x in spikes.items()}
        )
    with_gradients = torch.is_grad_enabled()
    shown = Presentation(features, None, None, lengths=lengths, steps=steps)
    if with_gradients:
        shown = shown._replace(spikes=spikes, rates=rates)
    if with_gradients and not checks.is_recorded():  # what is recorded is the same with gradients or without
        return shown
    return shown._replace(known_rate=mean_rate(rates), known_sparsity=share_of_silent(rates))


def _sent(
    currents: Mapping[str, Tensor],
    states: Mapping[str, NetworkState],
    *,
    network: SpikingNetwork,
    read_from: str,
    layers: list[str],
    controls: Mapping[str, Mapping[str, Projection]],
    projections: Mapping[str, Projection] | None,
) -> Sent:
    """Run the network and its controls on from states by their names, at rest where there is none."""
    own = states.get(NETWORK)
    spikes, after = network.run(currents, own, layers=layers, projections=projections)
    sent, found = {NETWORK: spikes[read_from]}, {NETWORK: after}
    for name, others in controls.items():
        changed = graph.reachable([network.connection(key).target for key in others], network.edges)
        known = {layer: same for layer, same in spikes.items() if layer not in changed}
        if read_from not in known:
            state = states.get(name)
            if own is not None and state is not None:
                state = NetworkState(own.layers | state.layers, state.connections)
            known, found[name] = network.run(currents, state, known=known, layers=layers, projections=others)
        sent[name] = known[read_from]
    return Sent(spikes, sent, found)


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


def lengths_of(
    given: Mapping[str, Any], network: SpikingNetwork, encoders: Mapping[str, Encoder]
) -> Tensor | None:
    """Steps of each sample ``[B]``, those of its longest input; None where one of them lasts to the end."""
    lengths = [encoders[name].lengths(one, dt=network.dt) for name, one in given.items()]
    found = [length for length in lengths if length is not None]
    return torch.stack(found).amax(0) if len(found) == len(lengths) else None


def _joined(parts: list[Presentation]) -> Presentation:
    def features(name: str) -> Tensor:
        found = [part.features[name] for part in parts]
        return torch.cat(found, dim=found[0].ndim - 2)  # samples come first in traces, second in spikes

    lengths = [part.lengths for part in parts if part.lengths is not None]
    return Presentation(
        {name: features(name) for name in parts[0].features},
        torch.cat([part.rate for part in parts]),
        torch.cat([part.sparsity for part in parts]),
        steps=parts[0].steps,
        lengths=torch.cat(lengths) if lengths else None,
    )
