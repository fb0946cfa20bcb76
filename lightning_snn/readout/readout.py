"""What a readout is: from the features of a sample to class scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.readout.feature_norm import FeatureNorm

Standardise = Literal["sample", "feature"]


class Readout(Configurable, nn.Module, ABC):
    """Base of the readouts: ``readout(features [B, in_features]) -> scores [B, num_classes]``.

    One that is no `LocalReadout` is trained by the gradients of its scores.

    Args:
        in_features: Size of a sample's features.
        num_classes: Number of classes.
        standardise: What features are brought to mean 0 and variance 1 within: each ``sample``, which needs
            no statistics of the data and takes out how much ink an image has, or each ``feature``, over the
            training samples.

    Raises:
        ValueError: if a size is not positive or the option unknown.
    """

    def __init__(self, in_features: int, num_classes: int, *, standardise: Standardise = "sample") -> None:
        super().__init__()
        checks.count("in_features", in_features)
        checks.count("num_classes", num_classes)
        checks.one_of("standardise", standardise, ("sample", "feature"))
        self.in_features = in_features
        self.norm = FeatureNorm(in_features) if standardise == "feature" else None

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]`` of features ``[B, in_features]``."""

    def standardise(self, features: Tensor) -> Tensor:
        """Features ``[B, in_features]`` with mean 0 and variance 1; a silent sample gives 0.

        In training with ``feature`` those of the batch, over all processes; see `FeatureNorm`.
        """
        if self.norm is None:
            return F.layer_norm(features, (self.in_features,), eps=1e-8)
        normal: Tensor = self.norm(features)
        return normal


class LocalReadout(Readout):
    """Base of the readouts that learn by themselves, without gradients; arguments as of `Readout`.

    Attributes:
        one_pass: Whether it learns in the first epoch only, since further ones would change nothing.
    """

    one_pass = False

    @abstractmethod
    def learn(self, features: Tensor, label: Tensor, *, combine: Callable[[Tensor], Tensor]) -> None:
        """Learn from a batch, in place.

        Args:
            features: Features ``[B, in_features]``; one of several processes may have none.
            label: Classes ``[B]``.
            combine: Sums a tensor over all processes, which see different samples of the batch.
        """

    def end_epoch(self) -> None:
        """All samples have been learned from once; called by all processes. By default nothing is done."""


class SequenceReadout(Readout):
    """Base of the readouts over time: ``readout(spikes [T, B, in_features]) -> outputs [T, B, num_classes]``.

    What becomes of the outputs, such as their mean over time, is for the loss to say.

    Args:
        in_features: Neurons of the layer that is read.
        num_classes: Number of classes, or of outputs.

    Attributes:
        spiking: Whether the outputs are spikes, or shares of neurons that spike, and no potentials.

    Raises:
        ValueError: if a size is not positive.
    """

    spiking = False

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)

    def at(self, dt: float) -> None:
        """Take the step ``dt`` in ms of a network; by default nothing depends on it."""

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """Outputs ``[T, B, num_classes]`` of spikes ``[T, B, in_features]``."""


def check_gradients(readout: Readout, below: nn.Module, *, key: str = "readout") -> None:
    """Raise ``ValueError`` if a `LocalReadout` sits above something that is trained by gradients."""
    if isinstance(readout, LocalReadout) and any(p.requires_grad for p in below.parameters()):
        raise ValueError(
            f"{key}: {type(readout).__name__} learns without gradients, so no projection below can be "
            "trained (trainable: true)"
        )
