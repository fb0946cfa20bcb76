"""Readouts that learn without gradients."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_snn.readout.readout import Readout


class ClassAssignment(Readout):
    """Each unit votes for the classes in proportion to its mean responses to them.

    With ``r[c, i]`` the mean feature of unit i over the training samples of class c, the score of a class is
    ``sum_i x_i r[c, i] / sum_c' r[c', i]``. No gradient and no error signal; one pass over the data is all.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.6; voting in proportion: Hazan et al.
    (BindsNET), Front. Neuroinform. 12 (2018).
    """

    local = True
    samples: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        # a parameter, and not a buffer, since several processes need one that could have a gradient
        self.total = nn.Parameter(torch.zeros(num_classes, in_features))
        self.register_buffer("samples", torch.zeros(num_classes))

    @torch.no_grad()
    def learn(self, features: Tensor, label: Tensor, *, combine: Callable[[Tensor], Tensor]) -> None:
        """Add the responses to the sums of their classes."""
        member = F.one_hot(label, len(self.samples)).to(features.dtype)
        self.total.add_(combine(member.t() @ features))
        self.samples.add_(combine(member.sum(0)))

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``; 0 before anything was learned."""
        mean = self.total.detach() / self.samples.clamp_min(1)[:, None]
        vote = mean / mean.sum(0).clamp_min(1e-12)
        return features @ vote.t()
