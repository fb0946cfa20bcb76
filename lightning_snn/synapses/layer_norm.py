"""Layer normalisation of charges: over the neurons of a step, which a loop can lead through."""

from typing import Literal, get_args

from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.synapses.normalisation import Normalisation

Over = Literal["neurons", "channels"]


class LayerNorm(Normalisation):
    """Normalisation of the charges of each step and sample on its own, alike in training and evaluation.

    Args:
        over: ``neurons``: over all neurons of the target; ``channels``: of maps, at each place over the maps.
        alpha: Deviation at first, in thresholds; see `Normalisation`.
        scale: The charge that counts as the threshold; by default as the target's neurons say.
        eps: Added to the variance, in charges squared; a step in which nothing arrives delivers the biases.

    Raises:
        ValueError: if a number is out of range, ``over`` is unknown, or there is one value alone to normalise
            over.

    Source: Ba et al., Layer normalization, arXiv:1607.06450 (2016).
    """

    whole_sequences = False
    holds = True

    def __init__(
        self, over: Over = "neurons", alpha: float = 1.0, *, scale: float | None = None, eps: float = 1e-5
    ) -> None:
        super().__init__(alpha, scale=scale, eps=eps)
        checks.one_of("over", over, get_args(Over))
        self.over = over

    def make(self, channels: int) -> nn.Module:
        """Over C and P, or over C."""
        number = channels * self.places if self.over == "neurons" else channels
        if number == 1:
            raise ValueError(f"norm: LayerNorm over {self.over} needs more than one of them, got 1")
        if self.over == "neurons":
            return nn.GroupNorm(1, channels, eps=self.eps)
        return _OverChannels(channels, eps=self.eps)


class _OverChannels(nn.LayerNorm):
    """Layer normalisation of ``[n, C, P]`` over C."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalised values ``[n, C, P]``."""
        return super().forward(input.transpose(1, 2)).transpose(1, 2).contiguous()
