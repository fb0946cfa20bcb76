"""What takes the numbers of a run that are recorded, layer by layer or step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network.record import Recorded
from lightning_snn.network.take import INPUT, KINETICS, Take
from lightning_snn.network.wire import Wire
from lightning_snn.neurons import NeuronModel


@dataclass
class Watch:
    """The recording of one run.

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

    def needs_steps(self, group: Sequence[str], inner: Sequence[Wire]) -> bool:
        """Whether the layers of a ``group`` with connections ``inner`` must run step by step for it."""
        fed = {wire.target for wire in inner}
        return any(self.wires.get(wire.name) for wire in inner) or any(
            take.is_state or (take.is_input and name in fed)
            for name in group
            for take in self.layers.get(name, [])
        )

    def sees_kinetics(self, name: str) -> bool:
        """Whether the state of a connection's kinetics is recorded."""
        return any(take.variable.startswith(KINETICS) for take in self.wires.get(name, []))

    def inputs(self, name: str, neuron: NeuronModel, inputs: Tensors, step: int | None = None) -> None:
        """Take what a layer is given: in a step ``[1, B, N]``, or in all ``[T, B, N]``."""
        for take in self.layers.get(name, []):
            if take.is_input:
                given = neuron.inputs[0] if take.variable == "current" else take.variable.removeprefix(INPUT)
                silent = torch.zeros_like(inputs[neuron.inputs[0]])
                _put(take, inputs.get(given, silent), step)

    def neurons(
        self, name: str, step: int, neuron: NeuronModel, inputs: Tensors, before: Any, after: Any
    ) -> None:
        """Take a layer's state of a step, for its inputs ``[1, B, N]`` and its states before and after."""
        takes = [take for take in self.layers.get(name, []) if take.is_state]
        unreset: Any = None
        for take in takes:
            if take.record.when == "before" and unreset is None:
                unreset = _before_reset(neuron, inputs, before)
            take.put(step, getattr(after if take.record.when == "after" else unreset, take.variable))

    def spikes(self, name: str, spikes: Tensor) -> None:
        """Take the spikes ``[T, B, N]`` of a layer."""
        for take in self.layers.get(name, []):
            if take.variable == "spikes":
                take.put_all(spikes)

    def wire(self, name: str, current: Tensor, step: int | None = None) -> None:
        """Take what a connection delivers: in a step ``[1, B, N]``, or in all ``[T, B, N]``."""
        for take in self.wires.get(name, []):
            if take.variable == "current":
                _put(take, current, step)

    def kinetics(self, name: str, step: int, state: Tensors) -> None:
        """Take the state of a connection's kinetics after a step."""
        for take in self.wires.get(name, []):
            if take.variable.startswith(KINETICS):
                take.put(step, state[take.variable.removeprefix(KINETICS)])

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


def _put(take: Take, values: Tensor, step: int | None) -> None:
    if step is None:
        take.put_all(values)
    else:
        take.put(step, values[0])


def _before_reset(neuron: NeuronModel, inputs: Tensors, before: Any) -> Any:
    first, *others = neuron.inputs
    further = {name: inputs[name][0] for name in others if name in inputs}
    with torch.no_grad():
        return neuron.before_reset(inputs[first][0], before, **further)
