"""Gains and thresholds that homeostasis sets: every layer active, before anything is learned."""

from typing import Literal, get_args

import torch

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.bounds import uniform
from lightning_snn.plasticity.homeostasis import THRESHOLD_RISE
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams

Thresholds = Literal["unit", "layer", "none"]

STEEPEST = 3.0
"""Most by which a round scales weights, either way."""

SETTLING = 5
"""Rounds after which the steps of thresholds begin to shrink."""


class GainControl(LearningRule):
    """Scales the weights of a layer, and moves thresholds, until its units vary and spike as they should.

    For weights that gradients train afterwards (``trainable: true``): they are drawn as without a rule, and
    of all that a rule could change only their scale is, by one factor for the whole layer, as synaptic
    scaling does it. After a round, in which row r gave unit k the mean current ``I_rk``,

        w <- w deviation / sqrt(mean over k of the variance over r of I_rk)
        threshold_k <- threshold_k + learning_rate deviation (rate_k / rate - 1) / (1 + round / 5)

    What a row is: a stream in a round, and a place where places share weights; so each should see something
    of its own. The factor sets how well gradients pass, the thresholds that units spike although, or only
    if, many inputs do; each unit's own threshold takes away what all stimuli have in common.

    Args:
        rate: Wanted rate in Hz.
        deviation: Wanted deviation of a unit's mean current over stimuli, at a gain of the projection of 1;
            a `LIF` needs a current of 1 to reach its threshold.
        thresholds: Of each ``unit``; the same for a ``layer``, where deviations are from the mean of all
            units; or ``none``: then the scale itself sets the rate of the layer, and ``deviation`` is unused.
        learning_rate: How fast thresholds move.
        tolerance: Mean relative error of rates and deviation below which a layer is ready.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a number is not positive, the option unknown, or the rate above one spike a step.

    Source: Turrigiano et al., Nature 391 (1998), scaling; Desai, Rutherford and Turrigiano, Nat. Neurosci. 2
    (1999), thresholds; Mishkin and Matas, ICLR (2016), the same on data.
    """

    needs_post = True
    absolute_weights = True
    scales_only = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        rate: float = 100.0,
        *,
        deviation: float = 0.5,
        thresholds: Thresholds = "unit",
        learning_rate: float = 0.4,
        tolerance: float = 0.2,
        connected_above: float = 0.0,
        dt: float | None = None,
    ) -> None:
        for name, value in {"rate": rate, "deviation": deviation, "learning_rate": learning_rate}.items():
            checks.positive(name, value)
        checks.one_of("thresholds", thresholds, get_args(Thresholds))
        checks.positive("tolerance", tolerance)
        checks.finite("connected_above", connected_above)
        self.rate, self.deviation, self.thresholds = rate, deviation, thresholds
        self.learning_rate, self.converged_below = learning_rate, tolerance
        self.connected_above = connected_above
        self.dt = in_force(dt)
        if dt is not None and rate * dt > 1000:
            raise ValueError(f"rate must be at most one spike a step, {1000 / dt:g} Hz, got {rate:g}")

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights ``U(-b, b)`` of variance ``1 / num_pre``, as without a rule, and thresholds as they are."""
        bound = (3 / num_pre) ** 0.5
        wiring = {
            "weight": uniform(num_pre, num_post, (-bound, bound), generator),
            "rounds": torch.zeros((), dtype=torch.int64),
            "gap": torch.full((), torch.inf),
        }
        return wiring if self.thresholds == "none" else wiring | {THRESHOLD_RISE: torch.zeros(num_post)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Nothing: it has no traces."""
        del wiring, num_rows, num_inputs
        return {}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Spikes of each unit and its mean current ``[R, (G,) K]``; both sides may be graded."""
        spikes = activity.require_post().sum(0)
        rows = wiring["weight"].transpose(-1, -2).contiguous()
        charge = event_sum(activity.pre.sum(0), rows, nodes=activity.nodes)
        return {"spikes": spikes, "current": charge / (len(activity.pre) * self.dt)}, stream

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """See the class."""
        current = streams.gather(proposal["current"]).double()  # so that no bit depends on the threads
        spikes = streams.sum(proposal["spikes"].sum(0))
        rates = spikes / (streams.total * steps * self.dt / 1000)
        middle = current.mean(0) if self.thresholds == "unit" else current.mean()
        spread = (current - middle).square().mean().sqrt()
        if self.thresholds == "none":
            factor = (self.rate / rates.mean()).sqrt()
        else:
            factor = torch.where(spread > 0, self.deviation / spread, 1.0)
        found = {
            "weight": wiring["weight"] * factor.clamp(1 / STEEPEST, STEEPEST).to(wiring["weight"]),
            "rounds": wiring["rounds"] + 1,
        }
        ratio = rates if self.thresholds == "unit" else rates.mean().expand_as(rates)
        error = ratio / self.rate - 1
        gap = error.abs().mean()
        if self.thresholds != "none":
            step = self.learning_rate * self.deviation / (1 + wiring["rounds"] / SETTLING)
            found[THRESHOLD_RISE] = wiring[THRESHOLD_RISE] + step.to(error)[..., None] * error
            gap = gap.maximum((factor - 1).abs().to(gap))
        return wiring | found | {"gap": gap.expand_as(wiring["gap"]).clone()}

    def convergence(self, wiring: Tensors) -> float:
        """The larger of two relative errors: the mean one of the rates, and that of the deviation."""
        return float(wiring["gap"].max())
