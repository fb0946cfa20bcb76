"""The readout of a network whose last layer has neurons for each class already."""

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.readout.readout import SequenceReadout


class Votes(SequenceReadout):
    """Neurons vote for their class: the output of a class is the share of its neurons that spike in a step.

    The neurons are divided into groups of the same size in their order, one for each class. Nothing is
    learned here, so something below must be.

    Args:
        in_features: Neurons of the layer that is read; the module fills it in.
        num_classes: Number of classes; the module fills it in.

    Raises:
        ValueError: if the neurons cannot be divided evenly among the classes.

    Source: Fang et al., Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks, ICCV (2021) (voting layer).

    >>> import torch
    >>> Votes(4, 2)(torch.tensor([[[1.0, 0.0, 1.0, 1.0]]]))
    tensor([[[0.5000, 1.0000]]])
    """

    spiking = True

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        checks.count("num_classes", num_classes)
        if in_features % num_classes:
            raise ValueError(
                f"readout: Votes needs as many neurons for each of the {num_classes} classes (num_classes), "
                f"got {in_features} neurons of the layer that is read (read_from)"
            )
        self.num_classes = num_classes

    def forward(self, features: Tensor) -> Tensor:
        """Shares ``[T, B, num_classes]`` of spikes ``[T, B, in_features]``."""
        return features.view(*features.shape[:2], self.num_classes, -1).mean(-1)
