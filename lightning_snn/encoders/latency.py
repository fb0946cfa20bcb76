"""One pulse, the earlier the brighter."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.encoders.image_encoder import ImageEncoder


class Latency(ImageEncoder):
    """One pulse a neuron, the earlier the brighter it is; none where it is too dark.

    A value x gives a pulse in step ``floor((1 - x) T)``, counted from 0; x = 0 would come in the last. Images
    must lie in [0, 1]. A pulse is a charge of 1: a current of ``1 / dt`` in one step.

    Args:
        num_steps: Steps T of a presentation.
        cutoff: Value below which there is no pulse.

    Raises:
        ValueError: if ``cutoff`` does not lie in [0, 1].

    Source: Thorpe and Gautrais, Rank order coding (1998); as used here: Kheradpisheh et al. (2018), section
        2.1.

    >>> Latency(4)(torch.tensor([[1.0, 0.5, 0.0]]), dt=1.0)[:, 0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, num_steps: int = 8, *, cutoff: float = 0.05) -> None:
        super().__init__(num_steps)
        checks.between("cutoff", cutoff, 0, 1)
        self.cutoff = cutoff

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]`` in {0, 1 / dt}."""
        del generator
        step = ((1 - values) * self.num_steps).floor().clamp(0, self.num_steps - 1)
        step = torch.where(values < self.cutoff, -1, step)
        time = torch.arange(self.num_steps, device=values.device, dtype=values.dtype)
        return current_of((step == time[:, None, None]).to(values.dtype), dt)
