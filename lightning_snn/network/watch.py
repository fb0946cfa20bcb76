"""What takes the numbers of a run that are recorded, some steps at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network.record import Recorded
from lightning_snn.network.take import INPUT, KINETICS, Take
from lightning_snn.network.wire import Wire
from lightning_snn.neurons import NeuronModel
from lightning_snn.ops.tap import Tap

PIECE = 64e6
"""Bytes of the neurons' states that are held before ``every`` and ``neurons`` choose among them."""


@dataclass
class Watch:
    """The recording of one run.

    Each method that takes ``[S, B, N]`` is given the next S steps.

    Args:
        dt: Step in ms.
        layers: What is recorded of layers, by layer.
        wires: What is recorded of connections, by connection.
        asked: The same by the names that were asked for.
    """

    dt: float
    layers: dict[str, list[Take]] = field(default_factory=dict)
    wires: dict[str, list[Take]] = field(default_factory=dict)
    asked: dict[str, list[Take]] = field(default_factory=dict)

    def steps(self, layers: Iterable[str], batch: int) -> int | None:
        """Most steps that ``layers`` run at once, so that their states take a `PIECE`; None: any number."""
        states = [take for name in layers for take in self.layers.get(name, []) if take.is_state]
        needed = sum(batch * take.size * take.bytes_each for take in states)
        return max(1, int(PIECE // needed)) if states else None

    def tap(self, name: str) -> Tap | None:
        """What the neurons of a layer write variables of their state to, if any is recorded."""
        takes = [take for take in self.layers.get(name, []) if take.is_state]
        return Tap({take.variable: take.record.when for take in takes}) if takes else None

    def layer(self, name: str, neuron: NeuronModel, inputs: Tensors, spikes: Tensor, tap: Tap | None) -> None:
        """Take what a layer was given by name of the input, sent, and wrote to ``tap``."""
        current, *others = neuron.inputs
        found = {"spikes": spikes, "current": inputs[current]}
        for other in others:
            found[INPUT + other] = inputs.get(other, torch.zeros_like(spikes))
        _put(self.layers.get(name, []), found | (tap.taken() if tap else {}))

    def wire(self, name: str, current: Tensor) -> None:
        """Take what a connection delivers."""
        _put(self.wires.get(name, []), {"current": current})

    def kinetics(self, name: str, state: Tensors) -> None:
        """Take the state of a connection's kinetics after the next step."""
        found = {KINETICS + variable: value[None] for variable, value in state.items()}
        _put(self.wires.get(name, []), found)

    def sees_kinetics(self, name: str) -> bool:
        """Whether the state of a connection's kinetics is recorded."""
        return any(take.variable.startswith(KINETICS) for take in self.wires.get(name, []))

    def sees_current(self, wire: Wire) -> bool:
        """Whether what a connection delivers is recorded, or what its target is given."""
        return bool(self.wires.get(wire.name)) or any(
            take.is_input for take in self.layers.get(wire.target, [])
        )

    def recorded(self) -> Recorded:
        """What was recorded."""
        found = Recorded({}, {}, {})
        for name, takes in self.asked.items():
            found.tensors[name] = {t.variable: t.values for t in takes if t.values is not None}
            found.times[name] = {
                t.variable: torch.arange(0, t.steps, t.record.every) * self.dt for t in takes
            }
            found.neurons[name] = {t.variable: t.neurons for t in takes}
        return found


def _put(takes: Iterable[Take], found: Mapping[str, Tensor]) -> None:
    for take in takes:
        if take.variable in found:
            take.put(found[take.variable])
