"""A current held over the presentation."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.encoders.image_encoder import ANY_VALUE, ImageEncoder


class ConstantCurrent(ImageEncoder):
    """A current in proportion to the value of a pixel, held over the presentation.

    Images may be normalised: every finite value will do.

    Args:
        num_steps: Steps T of a presentation.
        gain: Current of a white pixel, a value of 1.
        bias: Current of a black pixel, a value of 0.

    >>> ConstantCurrent(2, gain=10.0)(torch.tensor([[0.5]]), dt=1.0).tolist()
    [[[5.0]], [[5.0]]]
    """

    value_range = ANY_VALUE

    def __init__(self, num_steps: int = 100, *, gain: float = 30.0, bias: float = 0.0) -> None:
        super().__init__(num_steps)
        checks.positive("gain", gain)
        checks.finite("bias", bias)
        self.gain = gain
        self.bias = bias

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]``, a view that takes the memory of one step."""
        del dt, generator
        return (self.bias + self.gain * values).expand(self.num_steps, *values.shape)
