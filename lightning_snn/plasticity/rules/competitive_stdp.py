"""A race to the first spike: the winner's weights move towards the inputs that have spiked so far."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.race_scan import race_scan
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.annealing import ELAPSED, annealed
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams

CONSCIENCE = "conscience"
"""Variable ``[K]``: share by which a unit's threshold lies above, or below, that of the rule."""

LEAST_CONSCIENCE = -0.9
"""A unit that never wins ends at a tenth of the threshold, above 0: in silence nobody wins."""


class CompetitiveSTDP(LearningRule):
    """Units that share a field race to a threshold; the first to spike learns what it has seen.

    A chunk is one presentation, on its own. Units integrate without leak, ``v <- v + W s``; the first to
    reach its threshold ``threshold (1 + conscience)`` spikes, of several in one step the one furthest above
    it, which is all that the step decides. It keeps the others silent for the rest of the presentation. With
    x the inputs' spikes up to and with that step

        w <- (1 - learning_rate) w + learning_rate x / |x|,  then  w <- w / |w|

    All streams race with the weights from before the round; a unit that has won in c of them learns from the
    mean of its inputs, with the rate ``1 - (1 - learning_rate)^c``. One that wins more often than the others
    of its field gets a higher threshold, by ``conscience`` for each win in a stream above their mean.
    Weights are 0 or above, those of a unit of Euclidean norm 1. Spikes may be graded, 0 or above.

    Args:
        learning_rate: Share of the way that a winner's weights move, in (0, 1).
        final_learning_rate: To this it falls geometrically at ``horizon``; by default it stays.
        horizon: Simulated time in ms, summed over the streams (and places that share weights).
        threshold: Potential at which a unit spikes.
        conscience: Rise of the threshold, as a share of it, for each win more than the units' mean.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a learning rate does not lie between 0 and 1, threshold or horizon is not positive, or
            the conscience is negative.

    Source: competitive learning: Rumelhart and Zipser, Cognitive Science 9 (1985), at the first spike, as in
    Masquelier and Thorpe, PLoS Comput. Biol. 3 (2007); weights towards the input: Grossberg, Biol. Cybern.
    23 (1976); of constant norm: von der Malsburg, Kybernetik 14 (1973); conscience: DeSieno, Proc. IEEE
    International Conference on Neural Networks (1988).
    """

    absolute_weights = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        learning_rate: float = 0.06,
        *,
        final_learning_rate: float | None = None,
        horizon: float = 1e6,
        threshold: float = 5.0,
        conscience: float = 0.2,
        connected_above: float = 0.05,
        dt: float | None = None,
    ) -> None:
        final = learning_rate if final_learning_rate is None else final_learning_rate
        for name, rate in {"learning_rate": learning_rate, "final_learning_rate": final}.items():
            checks.positive(name, rate)
            checks.between(name, rate, 0, 1)
        checks.positive("horizon", horizon)
        checks.positive("threshold", threshold)
        checks.non_negative("conscience", conscience)
        checks.between("connected_above", connected_above, 0, 1)
        self.learning_rate, self.final_learning_rate, self.horizon = learning_rate, final, horizon
        self.threshold = threshold
        self.conscience = conscience
        self.connected_above = connected_above
        self.dt = in_force(dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights ``U(0, 1)``, then of norm 1; all thresholds alike, and no time has passed."""
        return {
            "weight": _normalised(torch.rand(num_post, num_pre, generator=generator)),
            CONSCIENCE: torch.zeros(num_post),
            ELAPSED: torch.zeros((), dtype=torch.float64),
        }

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Nothing: every presentation is on its own."""
        del wiring, num_rows, num_inputs
        return {}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Who has won each race ``[R, (G)]``, -1 for nobody, and what its group had seen ``[R, (G,) F]``."""
        activity.require_graded(self)
        weight = wiring["weight"]
        threshold = self.threshold * (1 + wiring[CONSCIENCE])
        race = race_scan(activity.pre, weight, threshold, nodes=activity.nodes)
        won = _won(race.winner, weight.shape[-2])
        return {"winner": race.winner, "seen": _normalised(race.sent), "spikes": won.to(torch.int64)}, stream

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The wins of all streams; a unit without any keeps its weights."""
        weight, elapsed = wiring["weight"].clone(), wiring[ELAPSED]
        winner, seen = (streams.gather(proposal[name]) for name in ("winner", "seen"))
        won = _won(winner, weight.shape[-2])
        wins = won.sum(0)
        rate = annealed(self.learning_rate, self.final_learning_rate, elapsed, self.horizon)
        kept = (1 - rate)[..., None] ** wins
        learned = wins > 0
        mean = _sums(won, seen)[learned] / wins[learned][:, None]
        old, new = (share[learned][:, None].to(weight) for share in (kept, 1 - kept))
        weight[learned] = _normalised(old * weight[learned] + new * mean)
        excess = (wins - wins.to(torch.float64).mean(-1, keepdim=True)) / streams.total
        conscience = wiring[CONSCIENCE] + (self.conscience * excess).to(weight)
        return wiring | {
            "weight": weight,
            CONSCIENCE: conscience.clamp_min(LEAST_CONSCIENCE),
            ELAPSED: elapsed + steps * streams.total * self.dt,
        }


def _normalised(rows: Tensor) -> Tensor:
    """``[..., F]`` of norm 1 each, or 0; a sum in order, since torch defines none for its own."""
    squared = rows.square().cumsum(-1, dtype=torch.float64)[..., -1:]
    return rows / squared.sqrt().to(rows).clamp_min(1e-30)


def _won(winner: Tensor, units: int) -> Tensor:
    """Whether each unit has won, bool ``[R, (G,) K]``."""
    return winner[..., None] == torch.arange(units, device=winner.device)


def _sums(won: Tensor, seen: Tensor) -> Tensor:
    """What each unit saw where it won ``[(G,) K, F]``, added in the order of the rows."""
    rows, *groups, units = won.shape
    each = won.reshape(rows, -1, units).permute(2, 1, 0).flatten(0, 1)  # unit by unit, in each its groups
    by_group = seen.reshape(rows, -1, seen.shape[-1]).transpose(0, 1).contiguous()
    sums = event_sum(each.to(seen), by_group)
    return sums.reshape(units, -1, seen.shape[-1]).transpose(0, 1).reshape(*groups, units, seen.shape[-1])
