"""Competitive Hebbian learning: the units furthest above their thresholds win and alone learn."""

import torch

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.competitive_scan import CompetitiveConstants, CompetitiveState, competitive_scan
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.rule import LearningRule, copies, in_force, working_copies
from lightning_snn.plasticity.streams import Streams
from lightning_snn.plasticity.windows import in_windows, window_steps


class CompetitiveHebbian(LearningRule):
    """Winner-take-all Hebbian learning with row normalisation (the reference rule).

    In each window of 1 ms ``y = relu(W s)``, s the spikes in it; the unit with the largest ``y - theta > 0``
    wins, ``W[win] += learning_rate (y - theta) s``, its row is rescaled to ``mean_weight``, and
    ``theta[win] += threshold_rate (y - theta)``; with several ``winners``, so do the next ones above their
    thresholds. Every ``review_interval`` windows, a unit that has won fewer than ``review_wins`` times so far
    gets a fifth of its largest response so far as threshold, so that unused units join in; windows and wins
    are totals over the streams, applied at the merge. Spikes may be graded, 0 or above.

    Args:
        learning_rate: eta.
        mean_weight: Mean weight of a unit, mu.
        weight_spread: Standard deviation of the first weights.
        threshold: Mean of the first thresholds.
        threshold_spread: Their standard deviation.
        threshold_rate: Rate at which a winner's threshold follows its response.
        review_interval: Windows between reviews of the unused units.
        review_wins: Wins below which a unit counts as unused.
        connected_above: Weight above which a synapse counts as connected.
        winners: Units that may win and learn in a window: k-winners-take-all.
        window: Time in ms in which units compete, whole steps; a step where that is longer. The last of a
            chunk is as long as what is left.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a rate, the mean weight, the threshold, the interval, the winners or the window is not
            positive, or the window no whole number of steps.

    Source: Raghavan, Lin and Thomson, Self-organization of multi-layer spiking neural networks (2020).
    """

    takes_groups = True
    dt: float

    def __init__(
        self,
        learning_rate: float = 0.1,
        *,
        mean_weight: float = 2.5,
        weight_spread: float = 0.14,
        threshold: float = 70.0,
        threshold_spread: float = 2.0,
        threshold_rate: float = 0.005,
        review_interval: int = 1000,
        review_wins: int = 200,
        connected_above: float = 0.1,
        winners: int = 1,
        window: float = 1.0,
        dt: float | None = None,
    ) -> None:
        checks.positive("learning_rate", learning_rate)
        checks.positive("mean_weight", mean_weight)
        checks.positive("threshold", threshold)
        checks.positive("threshold_rate", threshold_rate)
        checks.positive("window", window)
        checks.count("review_interval", review_interval)
        checks.count("winners", winners)
        checks.non_negative("weight_spread", weight_spread)
        checks.non_negative("threshold_spread", threshold_spread)
        checks.whole("review_wins", review_wins)
        checks.non_negative("connected_above", connected_above)
        self.constants = CompetitiveConstants(learning_rate, mean_weight, threshold_rate, winners)
        self.weight_spread = weight_spread
        self.threshold = threshold
        self.threshold_spread = threshold_spread
        self.review_interval = review_interval
        self.review_wins = review_wins
        self.connected_above = connected_above
        self.window = window
        self.dt = in_force(dt)
        if dt is not None:
            window_steps(window, dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights ``N(mean, spread)`` with every row scaled to the mean; thresholds ``N(mean, spread)``."""
        mean = self.constants.mean_weight
        noise = torch.randn(num_post, num_pre, generator=generator)
        weight = (mean + self.weight_spread * noise).clamp_min(0)
        threshold = self.threshold + self.threshold_spread * torch.randn(num_post, generator=generator)
        return {
            "weight": weight * (mean / weight.mean(1, keepdim=True)),
            "threshold": threshold,
            "wins": torch.zeros(num_post, dtype=torch.int64),
            "largest": torch.zeros(num_post),
            "steps": torch.zeros((), dtype=torch.int64),
        }

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Nothing: the rule has no dynamics of its own."""
        del wiring, num_rows, num_inputs
        return {}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Run one chunk; see `competitive_scan`."""
        activity.require_graded(self)
        spikes = in_windows(activity.pre, window_steps(self.window, self.dt))
        num_streams = spikes.shape[1]
        start = CompetitiveState(
            weight=working_copies(wiring["weight"], num_streams),
            threshold=copies(wiring["threshold"], num_streams),
            wins=copies(torch.zeros_like(wiring["wins"]), num_streams),
            largest=copies(wiring["largest"], num_streams),
        )
        end = competitive_scan(spikes, start, self.constants, nodes=activity.nodes)._asdict()
        spikes_of_units = end.pop("wins")
        return end | {"spikes": spikes_of_units}, stream

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """Each unit from the stream in which it won most often; then the review of unused units."""
        won = streams.gather(proposal["spikes"])
        owner = won.argmax(0)
        windows = -(-steps // window_steps(self.window, self.dt))
        total = wiring["steps"] + windows * streams.total
        wins = wiring["wins"] + won.sum(0)
        largest = streams.gather(proposal["largest"]).amax(0)
        threshold = streams.select(proposal["threshold"], owner)
        review = total // self.review_interval > wiring["steps"] // self.review_interval
        threshold = torch.where(review[..., None] & (wins < self.review_wins), largest / 5, threshold)
        return {
            "weight": streams.select(proposal["weight"], owner),
            "threshold": threshold,
            "wins": wins,
            "largest": largest,
            "steps": total,
        }
