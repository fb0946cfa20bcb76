"""Anti-Hebbian learning of lateral inhibition: units that are active together come to inhibit each other."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import steps_in
from lightning_snn.ops.sequence import check_sequence
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class AntiHebbian(LearningRule):
    """Lateral inhibition that decorrelates the units of a layer; both sides are the layer's own spikes.

        dw_ij = learning_rate (y_i y_j - p^2) for i != j,    y_i = 1 where unit i spiked in a time bin, else 0

    Spikes are 0 or 1: graded ones are refused.

    Weights are strengths of inhibition, kept in [0, w_max]: whoever uses them subtracts them. A pair that is
    active together more often than two independent units of activity p would be comes to inhibit each other.

    Args:
        learning_rate: Change of a weight for a bin in which both units are active.
        activity: p, share of the bins in which a unit is meant to be active.
        bin_time: Length of a bin in ms; the last of a chunk is as long as what is left.
        w_max: Strongest inhibition.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a rate or time is not positive, p is not between 0 and 1, or a bin is no whole number
            of steps.

    Source: Foldiak, Biol. Cybern. 64 (1990), equation 3.
    """

    needs_post = True
    absolute_weights = True
    lateral = True
    dt: float

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        activity: float = 0.1,
        bin_time: float = 10.0,
        w_max: float = 10.0,
        connected_above: float = 0.0,
        dt: float | None = None,
    ) -> None:
        checks.positive("learning_rate", learning_rate)
        checks.between("activity", activity, 0, 1)
        for name, value in {"bin_time": bin_time, "w_max": w_max}.items():
            checks.positive(name, value)
        checks.between("connected_above", connected_above, 0, w_max)
        self.bin_time = bin_time
        self.learning_rate = learning_rate
        self.activity = activity
        self.w_max = w_max
        self.connected_above = connected_above
        self.dt = in_force(dt)
        if dt is not None:
            _ = self.bin_steps

    @property
    def bin_steps(self) -> int:
        """Steps of a bin.

        Raises:
            ValueError: if it is no whole number of them.
        """
        steps = steps_in(self.bin_time, self.dt)
        if not steps:
            raise ValueError(f"bin_time must be a whole multiple of dt = {self.dt} ms, got {self.bin_time}")
        return steps

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """No inhibition.

        Raises:
            ValueError: if both sides are not the same units.
        """
        del generator
        if num_pre != num_post:
            raise ValueError(
                f"lateral inhibition needs as many inputs as units, got {num_pre} and {num_post}"
            )
        return {"weight": torch.zeros(num_post, num_pre)}

    def open(self, wiring: Tensors, num_rows: int) -> Tensors:
        """Nothing: bins end with the chunk."""
        del wiring, num_rows
        return {}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Count the bins in which both units of a pair were active ``[K, K]``, over all rows."""
        del wiring
        activity.require_spikes(self)
        post = activity.require_post()
        proposal = {"together": coactive_bins(post, self.bin_steps), "spikes": post.sum(0)}
        return proposal, stream

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The weights after the mean change of all rows; counts are whole numbers, so their sum is exact."""
        bins = -(-steps // self.bin_steps)
        share = streams.sum(proposal["together"]) / streams.total
        change = self.learning_rate * (share - bins * self.activity**2)
        weight = (wiring["weight"] + change).clamp(0, self.w_max)
        return wiring | {"weight": weight.fill_diagonal_(0)}


def coactive_bins(spikes: Tensor, bin_steps: int) -> Tensor:
    """In how many bins, over all rows, both units of each pair spiked.

    Args:
        spikes: Spikes ``[T, R, K]``.
        bin_steps: Steps of a bin; the last may be shorter.

    Returns:
        Counts ``[K, K]``.
    """
    check_sequence(spikes)
    steps, rows, units = spikes.shape
    filled = pad(spikes, (0, 0, 0, 0, 0, -steps % bin_steps))
    active = (filled.reshape(-1, bin_steps, rows, units).amax(1) > 0).float().flatten(0, 1)
    return active.t() @ active
