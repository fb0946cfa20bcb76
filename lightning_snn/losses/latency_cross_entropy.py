"""Cross-entropy of first spikes: who spikes first is right."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import up_to


class LatencyCrossEntropy(Loss):
    """Cross-entropy of ``-latency / tau``, the latency that of each class's first spike; labels ``[B]``.

    A class that stays silent has the sample's duration as latency. In steps, a latency is the number of steps
    before and without a spike,

        latency = dt sum_t prod_(u <= t) (1 - s_u),

    which is exact for spikes of 0 and 1 and smooth in between, where it is the mean latency of a neuron that
    spikes at step t with probability ``s_t``. Its gradient is that: a first spike weighs the time to the next
    one, any step before it the time to it, and what comes after it nothing. So silent classes learn too.

    Args:
        tau: Difference of latencies in ms that makes a class e times as likely.

    Raises:
        ValueError: if it is not positive.

    Source: softmax of first-spike times: Mostafa, IEEE Trans. Neural Netw. Learn. Syst. 29 (2018);
    the loss of latencies: Zhang et al., Rectified linear postsynaptic potential function, ibid. 33 (2022).
    """

    over_time = True
    of = "spikes"

    def __init__(self, tau: float = 10.0) -> None:
        checks.positive("tau", tau)
        self.tau = tau

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over the samples; see `Loss`."""
        return F.cross_entropy(self.scores(output, dt=dt, lengths=lengths), target)

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """``-latency / tau`` of each class ``[B, C]``."""
        return first_spike_latency(output, dt=dt, lengths=lengths) / -self.tau


def first_spike_latency(spikes: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
    """Time of the first spike ``[B, C]`` in ms, of spikes ``[T, B, C]``; see `LatencyCrossEntropy`.

    >>> first_spike_latency(torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]]]), dt=0.5)
    tensor([[0.5000, 1.0000]])
    """
    silent = torch.cumprod(1 - spikes.to(torch.promote_types(spikes.dtype, torch.float32)), 0)
    return dt * up_to(silent, lengths).sum(0)
