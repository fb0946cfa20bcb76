"""What a recording asks of a run, checked before the run: names, neurons, and memory."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.network.record import Record, Recording, RecordingTooLargeError
from lightning_snn.network.take import INPUT, KINETICS, Take
from lightning_snn.network.watch import Watch
from lightning_snn.network.wire import Wire
from lightning_snn.neurons import NeuronModel
from lightning_snn.synapses.projection import AXONS


def watch_of(
    recording: Recording,
    layers: Mapping[str, SpikingLayer],
    states: Mapping[str, LayerState],
    wires: Mapping[str, Wire],
    synapses: Mapping[str, Tensors],
    like: Tensor,
    *,
    dt: float,
) -> Watch:
    """What takes the numbers of a run.

    Args:
        recording: What to record.
        layers: The layers that run, by name.
        states: Their states before.
        wires: The connections that act, by name.
        synapses: Their states before.
        like: A sequence ``[T, B, ...]`` of that T and B.
        dt: Step in ms.

    Raises:
        ValueError: if a name, a variable or a neuron does not exist, a neuron model does not tell its state
            before the reset, ``every`` is more than all steps, or it would take more memory than its limit.
    """
    watch, total = Watch(dt), 0
    for name, records in recording.records.items():
        wire = wires.get(name.removeprefix("connections."))
        if name in layers:
            known, there = _of_layer(layers[name], states[name]), watch.layers.setdefault(name, [])
        elif wire is not None:
            known = _of_wire(wire, synapses[wire.name], like)
            there = watch.wires.setdefault(wire.name, [])
        else:
            raise ValueError(
                f"record must name layers ({', '.join(layers) or 'none'}) or connections "
                f"({', '.join(wires) or 'none'}) of this run, got {name!r}"
            )
        takes = [
            _take(name, variable, record, known, like) for record in records for variable in record.variables
        ]
        for take in takes:
            if name in layers and take.is_state and take.record.when == "before":
                _check_told(name, layers[name].neuron, states[name].neurons)
            total += take.count * like.shape[1] * len(take.neurons) * take.bytes_each
        watch.asked[name] = takes
        there += takes
    _check_memory(total / 1e6, recording.limit_mb)
    return watch


def _take(name: str, variable: str, record: Record, known: Tensors, like: Tensor) -> Take:
    if variable not in known:
        raise ValueError(f"record.{name} must name some of {', '.join(known)}, got {variable!r}")
    value = known[variable]
    take = Take(variable, record, len(like), value.shape[-1], value.element_size())
    if record.every > take.steps:
        raise ValueError(
            f"record.{name}.every must be at most the {take.steps} steps of the run, got {record.every}"
        )
    wrong = [number for number in record.neurons or [] if not 0 <= number < take.size]
    if wrong:
        raise ValueError(
            f"record.{name}.neurons must lie in 0 to {take.size - 1}, got {', '.join(map(str, wrong))}"
        )
    return take


def _of_layer(layer: SpikingLayer, state: LayerState) -> Tensors:
    """Values like those of each variable of a layer ``[B, N]``, by name."""
    names = ["spikes", "current", *(INPUT + name for name in layer.neuron.inputs[1:])]
    fields: Tensors = getattr(state.neurons, "_asdict", dict)()
    shape = state.spikes.shape
    return dict.fromkeys(names, state.spikes) | {
        name: value for name, value in fields.items() if isinstance(value, Tensor) and value.shape == shape
    }


def _of_wire(wire: Wire, state: Tensors, like: Tensor) -> Tensors:
    """Values like those of each variable of a connection ``[B, num_post]``, by name."""
    shape = (like.shape[1], wire.projection.num_post)
    kinetics = {n: value for n, value in state.items() if n not in AXONS and value.shape == shape}
    return {"current": like.new_empty(1).expand(shape)} | {KINETICS + n: v for n, v in kinetics.items()}


def _check_told(name: str, neuron: NeuronModel, state: Any) -> None:
    if not neuron.graded and not neuron.tells_before_reset(state):
        raise ValueError(
            f"record.{name}.when must be 'after' for {type(neuron).__name__}, whose step does not return the "
            "state before the reset, got 'before'"
        )


def _check_memory(needed: float, limit: float) -> None:
    if needed > limit:
        times = math.ceil(needed / limit)
        raise RecordingTooLargeError(
            f"record would take {needed:.3g} MB, and its limit_mb is {limit:g}: record {times} times more "
            "seldom (every), fewer neurons or fewer variables, or raise the limit"
        )
