"""First-spike competition and STDP for latency-coded input: how spiking convolutions learn features."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.homeostasis.homeostasis import THRESHOLD_RISE
from lightning_snn.plasticity.rule import LearningRule
from lightning_snn.plasticity.streams import Streams


class FirstSpikeSTDP(LearningRule):
    """The first units to fire in an image learn; each weight only asks whether its input came in time.

    A unit sums the weights of the inputs that have spiked so far, at every place; it fires where the sum
    reaches its threshold, and the first at a place keeps the others there from firing. Of all places the
    earliest, then the one with the largest sum, wins; it keeps its unit from winning elsewhere and other
    units from winning within ``inhibition_radius`` of its place; so on, until ``winners`` have won. At a
    winner's place

        dw = potentiation w (1 - w)   for inputs that spiked no later than the unit
        dw = -depression w (1 - w)    for later and silent ones

    The winners of all streams change the weights one after another, in the order of the streams. Learning
    ends when the mean of ``w (1 - w)`` falls below ``converged_below``. Spikes are 0 or 1: graded ones are
    refused.

    The layer's own neurons, `IntegrateFire` with threshold 1, get thresholds of their own: each unit's moves
    (``threshold_rise``) until it fires at a share ``fire_share`` of the places of an image.

    Args:
        potentiation: a+.
        depression: a-.
        threshold: Sum of weights at which a unit fires while it learns.
        win_cost: Rise of that threshold for each win more than the units' mean, so that none wins always.
        winners: Units that may win in an image, k.
        inhibition_radius: Distance between places within which another winner is suppressed.
        mean_weight: Mean of the first weights.
        weight_spread: Their standard deviation.
        fire_share: Share of places at which each unit of the layer fires once it is wired.
        threshold_rate: Rate at which the thresholds of the layer follow.
        converged_below: Mean of ``w (1 - w)`` below which the weights count as wired.

    Raises:
        ValueError: if a rate or threshold is not positive, or a share does not lie between 0 and 1.

    Source: Kheradpisheh, Ganjtabesh, Thorpe and Masquelier, Neural Networks 99 (2018), sections 2.2 and 2.3.
    """

    absolute_weights = True
    connected_above = 0.5

    def __init__(
        self,
        potentiation: float = 0.004,
        depression: float = 0.003,
        *,
        threshold: float,
        win_cost: float = 0.0,
        winners: int = 8,
        inhibition_radius: float = 3.0,
        mean_weight: float = 0.8,
        weight_spread: float = 0.05,
        fire_share: float = 0.05,
        threshold_rate: float = 0.1,
        converged_below: float = 0.01,
    ) -> None:
        for name, value in {
            "potentiation": potentiation,
            "depression": depression,
            "threshold": threshold,
            "threshold_rate": threshold_rate,
            "converged_below": converged_below,
        }.items():
            checks.positive(name, value)
        checks.non_negative("win_cost", win_cost)
        checks.count("winners", winners)
        checks.non_negative("inhibition_radius", inhibition_radius)
        checks.between("mean_weight", mean_weight, 0, 1)
        checks.non_negative("weight_spread", weight_spread)
        checks.positive("fire_share", fire_share)
        checks.between("fire_share", fire_share, 0, 1)
        self.potentiation = potentiation
        self.depression = depression
        self.threshold = threshold
        self.win_cost = win_cost
        self.winners = winners
        self.inhibition_radius = inhibition_radius
        self.mean_weight = mean_weight
        self.weight_spread = weight_spread
        self.fire_share = fire_share
        self.threshold_rate = threshold_rate
        self.converged_below = converged_below

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights ``N(mean, spread)`` inside (0, 1); the layer's thresholds at the rule's."""
        noise = torch.randn(num_post, num_pre, generator=generator)
        weight = (self.mean_weight + self.weight_spread * noise).clamp(0.01, 0.99)
        threshold = torch.full((num_post,), self.threshold)
        return {"weight": weight, "threshold": threshold, THRESHOLD_RISE: threshold - 1}

    def open(self, wiring: Tensors, num_rows: int) -> Tensors:
        """Nothing: every image is on its own."""
        del wiring, num_rows
        return {}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Find the winners of every stream's image, with the weights before the round."""
        activity.require_spikes(self)
        steps, _, fan_in = activity.pre.shape
        seen = activity.pre.cumsum(0).clamp_max(1).view(steps, -1, activity.places, fan_in)
        found = [self._compete(image, wiring, activity.positions) for image in seen.unbind(1)]
        proposal = {name: torch.stack([one[name] for one in found]) for name in found[0]}
        return proposal, stream

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The winners' changes, stream by stream; then the thresholds."""
        del steps
        weight = wiring["weight"].clone()
        gathered = (streams.gather(proposal[name]) for name in ("unit", "in_time"))
        for unit, in_time in zip(*gathered, strict=True):
            won = unit >= 0
            rows = weight[unit[won]]
            rate = torch.where(in_time[won], self.potentiation, -self.depression)
            weight[unit[won]] = rows + rate * rows * (1 - rows)
        wins = streams.sum(proposal["spikes"].sum(0)).to(weight)
        threshold = wiring["threshold"] + self.win_cost * (wins - wins.mean())
        share = streams.gather(proposal["fire_share"]).mean(0)
        excess = (share / self.fire_share - 1).clamp(-1, 2)
        limit = (1 + wiring[THRESHOLD_RISE]) * (self.threshold_rate * excess).exp()
        return wiring | {"weight": weight, "threshold": threshold, THRESHOLD_RISE: limit - 1}

    def convergence(self, wiring: Tensors) -> float:
        """Mean of ``w (1 - w)``."""
        weight = wiring["weight"]
        return (weight * (1 - weight)).mean().item()

    def _compete(self, seen: Tensor, wiring: Tensors, positions: Tensor | None) -> Tensors:
        """Winners of one image, from the inputs ``[T, P, F]`` that have spiked so far."""
        weight, limits = wiring["weight"], 1 + wiring[THRESHOLD_RISE]
        potential = seen @ weight.t()
        fires = potential >= wiring["threshold"]
        delay = len(seen) - fires.sum(0)  # weights are not negative: once above, always above
        first = potential.gather(0, delay.clamp_max(len(seen) - 1)[None])[0]
        score = torch.where(fires[-1], len(seen) - delay + first / (weight.shape[1] + 1), 0.0)
        score = torch.where(score == score.amax(1, keepdim=True), score, 0.0)  # one unit fires at a place
        unit = torch.full((self.winners,), -1, device=weight.device)
        in_time = torch.zeros(self.winners, weight.shape[1], dtype=torch.bool, device=weight.device)
        wins = torch.zeros(len(weight), dtype=torch.int64, device=weight.device)
        for place_of_winner in range(self.winners):
            best = int(score.argmax())
            place, winner = divmod(best, len(weight))
            if score[place, winner] <= 0:
                break
            unit[place_of_winner] = winner
            in_time[place_of_winner] = seen[delay[place, winner], place] > 0
            wins[winner] += 1
            score[:, winner] = 0
            score[_near(place, positions, len(score), self.inhibition_radius)] = 0
        share = (potential[-1] >= limits).float().mean(0)
        return {"unit": unit, "in_time": in_time, "spikes": wins, "fire_share": share}


def _near(place: int, positions: Tensor | None, count: int, radius: float) -> Tensor:
    """Places within ``radius`` of one, bool ``[P]``; only that place where positions are not known."""
    if positions is None:
        return torch.arange(count) == place
    return (positions - positions[place]).abs().amax(1) <= radius
