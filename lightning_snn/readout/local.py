"""Readouts that learn without gradients."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.neurons import IntegrateFire
from lightning_snn.plasticity import delta_update
from lightning_snn.readout.readout import LocalReadout, Standardise


class ClassAssignment(LocalReadout):
    """Each unit votes for the classes in proportion to its mean responses to them.

    With ``r[c, i]`` the mean feature of unit i over the training samples of class c, the score of a class is
    ``sum_i x_i r[c, i] / sum_c' r[c', i]``. No gradient and no error signal; one pass over the data is all.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.6; voting in proportion: Hazan et al.
    (BindsNET), Front. Neuroinform. 12 (2018).
    """

    samples: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        # a parameter, and not a buffer, since several processes need one that could have a gradient
        self.total = nn.Parameter(torch.zeros(num_classes, in_features))
        self.register_buffer("samples", torch.zeros(num_classes))

    @torch.no_grad()
    def learn(self, features: Tensor, label: Tensor, *, combine: Callable[[Tensor], Tensor]) -> None:
        """Add the responses to the sums of their classes."""
        label = checks.labels(label, len(self.samples))
        member = F.one_hot(label, len(self.samples)).to(features.dtype)
        self.total.add_(combine(member.t() @ features))
        self.samples.add_(combine(member.sum(0)))

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``; 0 before anything was learned."""
        mean = self.total.detach() / self.samples.clamp_min(1)[:, None]
        vote = mean / mean.sum(0).clamp_min(1e-12)
        return features @ vote.t()


class SpikingDelta(LocalReadout):
    """One spiking neuron a class, trained by the delta rule on spike rates.

    Integrate-and-fire neurons with soft reset get the current ``W x + b`` for ``num_steps`` steps; their
    rates, in spikes a step, are the scores, and after each batch

        dw = learning_rate mean_b (target - rate) x^T

    with a target of ``target_rate`` for the neuron of the sample's class and 0 for the others. Each synapse
    needs its own input and its neuron's error: with local plasticity below, nothing uses gradients.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.
        learning_rate: Step.
        num_steps: Steps for which the neurons integrate.
        target_rate: Rate of the neuron of the right class, in spikes a step.
        standardise: Within what features are standardised; see `Readout`.

    Raises:
        ValueError: if a number is not positive, or the rate above 1.

    Source: Widrow and Hoff, IRE WESCON Convention Record 4 (1960), with the rates of spiking neurons as
        output.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        learning_rate: float = 0.01,
        num_steps: int = 50,
        target_rate: float = 0.8,
        standardise: Standardise = "sample",
    ) -> None:
        super().__init__(in_features, num_classes, standardise=standardise)
        checks.positive("learning_rate", learning_rate)
        checks.count("num_steps", num_steps)
        checks.positive("target_rate", target_rate)
        checks.between("target_rate", target_rate, 0, 1)
        self.learning_rate = learning_rate
        self.num_steps = num_steps
        self.target_rate = target_rate
        # start above threshold, so that every neuron spikes and has an error to learn from
        self.weight = nn.Parameter(torch.zeros(num_classes, in_features))
        self.bias = nn.Parameter(torch.full((num_classes,), target_rate / 2))

    def forward(self, features: Tensor) -> Tensor:
        """Rates ``[B, num_classes]``; what is left in the membrane decides between equal ones."""
        return self._rates(self.standardise(features))

    def _rates(self, inputs: Tensor) -> Tensor:
        current = F.linear(inputs, self.weight.detach(), self.bias.detach())
        if not len(current):
            return current
        neurons = IntegrateFire(1.0, reset="soft")
        spikes, state = neurons(current.expand(self.num_steps, -1, -1))
        rates: Tensor = (spikes.sum(0) + 0.5 * state.v.clamp(-1, 1)) / self.num_steps
        return rates

    @torch.no_grad()
    def learn(self, features: Tensor, label: Tensor, *, combine: Callable[[Tensor], Tensor]) -> None:
        """One step of the delta rule, with the mean over the samples of all processes."""
        label = checks.labels(label, len(self.bias))
        target = self.target_rate * F.one_hot(label, len(self.bias)).to(features.dtype)
        inputs, own = self.standardise(features), (self.weight.detach(), self.bias.detach())
        weight, bias = delta_update(
            *own, inputs, target, self._rates(inputs), learning_rate=self.learning_rate
        )
        assert bias is not None
        share = len(label) / combine(torch.tensor(float(len(label)), device=label.device))
        self.weight.add_(combine(share * (weight - own[0])))
        self.bias.add_(combine(share * (bias - own[1])))
