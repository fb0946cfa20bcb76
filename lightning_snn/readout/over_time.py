"""Readouts over time: a neuron for each class, which integrates what it gets from a layer's spikes."""

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons import LIF, LeakyIntegrator, NeuronModel
from lightning_snn.readout.readout import SequenceReadout


class NeuronReadout(SequenceReadout):
    """Base of the readouts of one neuron a class, which all neurons of the layer drive.

    A spike raises the potential by its weight, whatever the step and the time constant (by less, where a step
    is not short beside it); a neuron without input comes to rest at its bias.

    Args:
        in_features: Neurons of the layer that is read.
        num_classes: Number of classes, or of outputs.
        neuron: The neurons, of resistance 1.
        tau_mem: Their membrane time constant in ms, at the start where it is learned.
    """

    def __init__(self, in_features: int, num_classes: int, neuron: NeuronModel, *, tau_mem: float) -> None:
        super().__init__(in_features, num_classes)
        self.output = nn.Linear(in_features, num_classes)
        self.neuron = neuron
        self.charge = tau_mem

    def at(self, dt: float) -> None:
        """Take the step ``dt`` in ms of a network."""
        self.neuron.at(dt, "readout.neuron.dt")

    def forward(self, features: Tensor) -> Tensor:
        """Outputs ``[T, B, num_classes]`` of spikes ``[T, B, in_features]``."""
        return self.respond(F.linear(features, self.output.weight))

    def respond(self, arriving: Tensor) -> Tensor:
        """Outputs ``[T, B, num_classes]`` where the weights of spikes ``[T, B, num_classes]`` arrive."""
        charge = arriving * self.charge
        outputs: Tensor = self.neuron(current_of(charge, self.neuron.dt) + self.output.bias)[0]
        return outputs


class LeakyReadout(NeuronReadout):
    """Leaky integrators: their potentials are the outputs.

        tau_mem dv_c/dt = b_c - v_c + tau_mem sum_i w_ci s_i(t)

    Args:
        in_features: Neurons of the layer that is read; the module fills it in.
        num_classes: Number of classes, or of outputs; the module fills it in.
        tau_mem: Membrane time constant in ms.
        learn_tau: Whether it is learned, one number for all classes.

    Raises:
        ValueError: if a number is out of range.

    Source: Bellec et al., NeurIPS (2018); Zenke and Vogels, Neural Comput. 33 (2021).
    """

    def __init__(
        self, in_features: int, num_classes: int, *, tau_mem: float = 20.0, learn_tau: bool = False
    ) -> None:
        neuron = LeakyIntegrator(tau_mem, learn=_learned(learn_tau))
        super().__init__(in_features, num_classes, neuron, tau_mem=tau_mem)


class SpikingReadout(NeuronReadout):
    """Leaky integrate-and-fire neurons with soft reset: their spikes are the outputs.

    Args:
        in_features: Neurons of the layer that is read; the module fills it in.
        num_classes: Number of classes; the module fills it in.
        tau_mem: Membrane time constant in ms.
        learn_tau: Whether it is learned, one number for all classes.
        threshold: Potential at which a neuron spikes, above the reset at 0.
        surrogate: Gradient of the spike: a name, or a function of the distance; see `spike`.
        slope: Slope of the surrogate; by default its own.

    Raises:
        ValueError: if a number is out of range, or the surrogate unknown.

    Source: Neftci, Mostafa and Zenke, IEEE Signal Process. Mag. 36 (2019).
    """

    spiking = True
    _functions = ("surrogate",)

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        tau_mem: float = 20.0,
        learn_tau: bool = False,
        threshold: float = 1.0,
        surrogate: Surrogate = "atan",
        slope: float | None = None,
    ) -> None:
        neuron = LIF(
            tau_mem, threshold=threshold, reset="soft", surrogate=surrogate, slope=slope,
            learn=_learned(learn_tau),
        )  # fmt: skip
        super().__init__(in_features, num_classes, neuron, tau_mem=tau_mem)


def _learned(learn_tau: bool) -> list[str]:
    checks.flag("learn_tau", learn_tau)
    return ["tau_mem"] if learn_tau else []
