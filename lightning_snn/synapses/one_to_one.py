"""One-to-one projection: what a neuron sends arrives at the neuron of the same number."""

from torch import Tensor

from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.projection import Projection


class OneToOne(Projection):
    """Neuron j to neuron j, for skips between layers of one size; no weights.

    A residual block is a chain of layers with a last one of `SEW` neurons, and two such connections to it:
    from the block's last layer, and from the one that the block was given (Fang et al., NeurIPS 2021).

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons, as many; a network fills it in.
        gain: Charge of a spike.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, or the layers differ in size.
    """

    topographic = True

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        gain: float = 1.0,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            num_pre, num_post, gain=gain, delay=delay, kinetics=kinetics, norm=norm, dropout=dropout
        )
        if num_pre != num_post:
            raise ValueError(
                f"OneToOne joins layers of one size, got {num_pre} neurons (num_pre) and {num_post} "
                "(num_post): Conv2d or Dense lead from one size to another"
            )

    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[..., num_post]`` from spikes ``[..., num_pre]``, which may be graded."""
        self.check_spikes(spikes)
        return spikes if self.gain == 1 else self.gain * spikes
