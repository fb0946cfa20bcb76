"""What a presentation comes to, piece by piece: nothing of a piece is kept but its part of each sum."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.time import within
from lightning_snn.network import NetworkState
from lightning_snn.network.pieces import Pieces
from lightning_snn.presentation.trace import trace_weights

TRACE, INSIDE = "/trace", "/inside"
"""Beside currents by the names of layers, which hold no such sign: what a spike counts, and if it does."""


class Sent(NamedTuple):
    """What was sent in some steps.

    Args:
        spikes: Spikes ``[S, B, N]`` of each layer of the network itself, by name.
        read: Those of the layer that is read, by network.
        states: States after, by network.
    """

    spikes: dict[str, Tensor]
    read: dict[str, Tensor]
    states: dict[str, NetworkState]


def shown_in_pieces(
    run: Callable[[Mapping[str, Tensor], Mapping[str, NetworkState]], Sent],
    currents: Mapping[str, Tensor],
    lengths: Tensor | None,
    pieces: Pieces,
    *,
    tau: float | None,
    dt: float,
    over_time: Collection[str],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features by network and counts of spikes by layer, as of a run at once but for rounding.

    Args:
        run: Runs the network and its controls on some steps, from states by their names.
        currents: Inputs ``[T, B, N]`` by layer.
        lengths: Steps of each sample ``[B]``; None where all last T steps.
        pieces: How the run is cut.
        tau: Time constant of the trace in ms; None counts spikes.
        dt: Step in ms.
        over_time: Names of the networks whose features are the spikes over time.

    Returns:
        Traces ``[B, F]``, or spikes ``[T, B, F]``, by network; and what each neuron sent ``[B, N]`` by layer.
    """
    like = next(iter(currents.values()))
    steps, batch = like.shape[:2]
    ends = torch.full((batch,), steps, device=like.device) if lengths is None else lengths
    weights = {TRACE: trace_weights(ends, steps, tau, dt), INSIDE: within(ends, steps)}

    def piece(given: dict[str, Tensor], states: Any, generator: Any) -> tuple[Any, Any]:
        del generator
        trace, counted = given[TRACE], given[INSIDE]
        sent = run({name: given[name] for name in currents}, states)
        read = {
            name: one if name in over_time else _sum(trace, one, one.dtype) for name, one in sent.read.items()
        }
        counts = {
            name: _sum(counted, one, torch.promote_types(one.dtype, torch.float32))
            for name, one in sent.spikes.items()
        }
        return (read, counts), sent.states

    found, _ = pieces.through(piece, {**currents, **weights}, {})
    features = {
        name: torch.cat([read[name] for read, _ in found])
        if name in over_time
        else torch.stack([read[name] for read, _ in found]).sum(0)
        for name in found[0][0]
    }
    counts = {name: torch.stack([count[name] for _, count in found]).sum(0) for name in found[0][1]}
    return features, counts


def _sum(weights: Tensor, spikes: Tensor, dtype: torch.dtype) -> Tensor:
    """The sum ``[B, N]`` of spikes ``[S, B, N]`` with weights ``[S, B]``."""
    return torch.einsum("tb,tbn->bn", weights.to(dtype), spikes.to(dtype))
