"""Learning while a network runs: what e-prop and OTTT share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.random import fresh_seed
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import (
    Presentation,
    by_layer,
    currents_of,
    lengths_of,
)
from lightning_snn.presentation.rates import per_second
from lightning_snn.presentation.trace import trace_weights
from lightning_snn.readout.over_time import NeuronReadout
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.online.collected import collected
from lightning_snn.training.online.learning import Learner, Learning, Reading
from lightning_snn.training.online.local import has_membrane
from lightning_snn.training.online.shown import Shown, Sum
from lightning_snn.training.online.signals import Signals
from lightning_snn.training.online.walk import wires_of


class Online(Learning):
    """Base of the rules that collect gradients while a network runs, from eligibility vectors and signals.

    The network runs twice, and of neither run anything is kept but what the readout takes: first to see the
    loss, then to learn. So memory does not depend on the number of steps, but for the input and the outputs.

    Gradients are exact within a neuron, whatever its model; they reach the weights of every projection with
    weights, and constants that neurons learn. Kinetics and delays are followed exactly too.
    """

    @abstractmethod
    def signals(self, reading: Reading) -> Signals:
        """Where learning signals come from.

        Raises:
            ValueError: if something that is to be trained would get none.
        """

    def of(self, reading: Reading) -> Learner:
        """See `Learning.of`."""
        check_can_learn(type(self).__name__, reading.network, reading.network.needed_for([reading.read_from]))
        return OnlineLearner(self.signals(reading))


class OnlineLearner(Learner):
    """A rule that collects gradients while a network runs.

    Args:
        signals: Where its learning signals come from.
    """

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self.signals = signals

    def forward(self, input: Any, reading: Reading) -> tuple[Presentation, Tensor]:
        """See `Learner`."""
        network, encoders = reading.network, reading.encoders
        names = network.needed_for([reading.read_from])
        inputs = [name for name in network.inputs if name in names]
        given = by_layer(input, inputs, known=network.inputs)
        currents, lengths = currents_of(given, network, encoders), lengths_of(given, network, encoders)
        like = next(iter(currents.values()))
        ends = torch.tensor([len(like)], device=like.device) if lengths is None else lengths
        mean = trace_weights(ends, len(like), None, network.dt)
        sums = [Sum(name, mean) for name in names]
        output: Tensor | None = None
        if isinstance(reading.readout, NeuronReadout):
            output = reading.readout.output.weight
        else:
            sums.append(Sum(reading.read_from, trace_weights(ends, len(like), reading.tau_trace, network.dt)))
        seed = fresh_seed() if _draws(network, names) else 0
        shown = Shown(currents, names, reading.read_from, output, sums, seed)
        drive, totals = collected(network, shown, self.signals)
        means = dict(zip(names, totals, strict=False))
        if isinstance(reading.readout, NeuronReadout):
            assert drive is not None
            found = reading.readout.respond(drive)
        else:
            found = reading.readout(totals[-1])
        return _presentation(network, means, lengths, len(like)), found


def _draws(network: SpikingNetwork, names: list[str]) -> bool:
    return any(network.layer(name).noise for name in names) or any(
        wire.projection.dropout for wire in wires_of(network, names)
    )


def _presentation(
    network: SpikingNetwork, means: Mapping[str, Tensor], lengths: Tensor | None, steps: int
) -> Presentation:
    """What is known of a run by the mean ``[B, N]`` of what each layer sent."""
    rates = {name: per_second(network.layer(name)) * mean for name, mean in means.items()}
    return Presentation({}, None, None, rates=rates, lengths=lengths, steps=steps)


def check_can_learn(rule: str, network: SpikingNetwork, names: list[str]) -> None:
    """Check that all of a network that is to be trained can learn online.

    Raises:
        ValueError: if a connection that is trained leads to a layer without a membrane, or has something to
            train beside its weights.
    """
    for wire in wires_of(network, names):
        key, projection = network.key(wire.name), wire.projection
        if projection.norm is not None:
            raise ValueError(
                f"learning: {rule} takes one step of one sample at a time, and {key} has a norm, which sees "
                f"them together, {type(projection.norm).__name__}: leave it out"
            )
        wanted = [name for name, p in projection.named_parameters() if p.requires_grad]
        if not wanted:
            continue
        others = [name for name in wanted if name != "weight"]
        if others or not isinstance(projection, WeightedProjection):
            raise ValueError(
                f"learning: {rule} trains weights only, and {key} is to learn "
                f"{', '.join(others or wanted)} too"
            )
        try:
            projection.fields(network.layer(wire.source).positions.new_zeros(1, projection.num_pre))
        except ValueError as error:
            raise ValueError(f"learning: {rule} cannot train {key}: {error}") from error
        layer = network.layer(wire.target)
        if not has_membrane(layer.neuron, wire.input, layer.positions.new_zeros(1, layer.num_nodes)):
            raise ValueError(
                f"learning: {rule} needs a membrane that keeps what arrives, and {key}, which is trainable, "
                f"leads to {wire.target}, whose {type(layer.neuron).__name__} has none"
            )
