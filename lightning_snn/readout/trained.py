"""Readouts that are trained by gradients."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.readout.readout import Readout, Standardise


class Linear(Readout):
    """Softmax regression.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.
        standardise: Within what features are standardised; see `Readout`.
    """

    def __init__(self, in_features: int, num_classes: int, *, standardise: Standardise = "sample") -> None:
        super().__init__(in_features, num_classes, standardise=standardise)
        self.output = nn.Linear(in_features, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``."""
        scores: Tensor = self.output(self.standardise(features))
        return scores


class ExtremeLearningMachine(Readout):
    """A fixed random hidden layer and a trained output.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.
        num_hidden: Hidden units.
        seed: Seed of the hidden layer; by default the network's, or one by torch's generator.
        standardise: Within what features are standardised; see `Readout`.

    Source: Huang, Zhu and Siew, Extreme learning machine, Neurocomputing 70 (2006).
    """

    hidden_weight: Tensor
    hidden_bias: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        num_hidden: int = 2000,
        seed: int | None = None,
        standardise: Standardise = "sample",
    ) -> None:
        super().__init__(in_features, num_classes, standardise=standardise)
        checks.count("num_hidden", num_hidden)
        generator = stream_of("hidden", seed).torch()
        weight = torch.randn(num_hidden, in_features, generator=generator) / in_features**0.5
        self.register_buffer("hidden_weight", weight)
        self.register_buffer("hidden_bias", torch.randn(num_hidden, generator=generator))
        self.output = nn.Linear(num_hidden, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``."""
        hidden = F.linear(self.standardise(features), self.hidden_weight, self.hidden_bias)
        scores: Tensor = self.output(hidden.relu())
        return scores


class MLP(Readout):
    """One trained hidden layer.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.
        num_hidden: Hidden units.
        dropout: Share of hidden units left out in a training step.
        standardise: Within what features are standardised; see `Readout`.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        num_hidden: int = 500,
        dropout: float = 0.5,
        standardise: Standardise = "sample",
    ) -> None:
        super().__init__(in_features, num_classes, standardise=standardise)
        checks.count("num_hidden", num_hidden)
        checks.between("dropout", dropout, 0, 1)
        self.hidden = nn.Linear(in_features, num_hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(num_hidden, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``."""
        hidden = self.hidden(self.standardise(features)).relu()
        scores: Tensor = self.output(self.dropout(hidden))
        return scores
