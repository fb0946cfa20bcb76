"""E-prop: eligibility traces and learning signals."""

from typing import Literal, get_args

from lightning_snn.core import checks
from lightning_snn.readout.over_time import NeuronReadout
from lightning_snn.training.online.collected import trained_layers
from lightning_snn.training.online.feedback import random_feedback
from lightning_snn.training.online.learning import Reading
from lightning_snn.training.online.online import Online
from lightning_snn.training.online.signals import Feedback, Signals

FeedbackKind = Literal["symmetric", "random", "adaptive"]


class EProp(Online):
    """E-prop: a weight learns the product of its eligibility trace and the learning signal of its neuron.

        dE/dW_ji = sum_t L_j(t) e_ji(t),    e_ji = dz_j/ds_j eps_ji,    L_j = sum_k B_kj dE/dy_k

    It is the gradient without what passes through spikes that neurons send to each other; with symmetric
    feedback it equals backpropagation in which these are detached. y is what reaches an output of a readout
    over time; its leak is followed exactly. Readouts of traces give the signals that are their gradients.

    Args:
        feedback: The matrices B. ``symmetric``: the weights of the readout, which reach the layer that it
            reads. ``random``: fixed, drawn from the network's seed, for every layer. ``adaptive``: these,
            learning as if they were weights of a readout of their layer; with a weight decay of the
            optimizer both become alike.
        scale: Standard deviation of random matrices, in units of that of the readout's weights.

    Raises:
        ValueError: if the kind is unknown, or the scale not positive.

    Source: Bellec et al., A solution to the learning dilemma for recurrent networks of spiking neurons,
    Nat. Commun. 11 (2020).
    """

    def __init__(self, feedback: FeedbackKind = "symmetric", *, scale: float = 1.0) -> None:
        checks.one_of("feedback", feedback, get_args(FeedbackKind))
        checks.positive("scale", scale)
        self.feedback: FeedbackKind = feedback
        self.scale = scale

    def signals(self, reading: Reading) -> Signals:
        """See `Online.signals`."""
        network, readout = reading.network, reading.readout
        names = trained_layers(network, network.needed_for([reading.read_from]))
        if self.feedback == "symmetric":
            for name in names:
                if name != reading.read_from:
                    raise ValueError(
                        f"learning: EProp(feedback='symmetric') reaches the layer that the readout reads, "
                        f"{reading.read_from}, and {name} is to be trained too: take random or adaptive"
                    )
            return Feedback({})
        if not isinstance(readout, NeuronReadout):
            raise ValueError(
                f"learning: EProp(feedback={self.feedback!r}) needs a readout over time, such as "
                f"LeakyReadout, got {type(readout).__name__}"
            )
        weight = readout.output.weight
        matrices = {
            name: random_feedback(
                network, name, (len(weight), network.layer(name).num_nodes), like=weight, scale=self.scale
            )
            for name in names
        }
        return Feedback(matrices, adaptive=self.feedback == "adaptive")
