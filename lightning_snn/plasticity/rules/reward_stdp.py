"""Reward-modulated STDP: pairs of spikes mark a synapse, and a later reward turns the mark into a change."""

import math
from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.stdp_window import stdp_window
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.bounds import check_range, uniform
from lightning_snn.plasticity.reduction import Reduction, add_streams
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class RewardSTDP(LearningRule):
    """Pair STDP into an eligibility trace, and a reward that multiplies it.

        dc/dt = -c / tau_eligibility + STDP(t),    dw = learning_rate * reward * c

    STDP(t) is all-to-all pair STDP, A+ for pre before or with post, -A- for post before pre. A reward is one
    number a stream and chunk (`Activity.reward`) and acts at the end of the chunk, on what is left of all
    pairs until then; no reward counts as 0, and the eligibility goes on. Weights may have either sign.
    Graded spikes, 0 or above, count in proportion.

    Args:
        learning_rate: Change of a weight for a reward of 1 and an eligibility of 1.
        a_plus: A+, eligibility of a pair at no difference in time.
        a_minus: A-, likewise.
        tau_plus: Time constant in ms of A+.
        tau_minus: Time constant in ms of A-.
        tau_eligibility: Time constant in ms with which the eligibility decays.
        w_min: Smallest weight, below 0 for synapses that may inhibit.
        w_max: Largest weight.
        reduction: Whether the changes of all streams are added up or averaged; places of a stream add up.
        initial_range: The first weights are drawn evenly from it; by default from all of [w_min, w_max].
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a time constant or the learning rate is not positive, an amplitude negative, ``w_min``
            not below ``w_max``, or the range outside them.

    Source: Izhikevich, Cereb. Cortex 17 (2007), equations 1 and 2; Florian, Neural Comput. 19 (2007),
    section 3.3 (modulated STDP with eligibility trace).
    """

    needs_post = True
    needs_reward = True
    absolute_weights = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        a_plus: float = 1.0,
        a_minus: float = 1.0,
        tau_plus: float = 20.0,
        tau_minus: float = 20.0,
        tau_eligibility: float = 1000.0,
        w_min: float = 0.0,
        w_max: float = 1.0,
        reduction: Reduction = "mean",
        initial_range: tuple[float, float] | None = None,
        connected_above: float = 0.1,
        dt: float | None = None,
    ) -> None:
        times = {"tau_plus": tau_plus, "tau_minus": tau_minus, "tau_eligibility": tau_eligibility}
        for name, value in {"learning_rate": learning_rate, **times}.items():
            checks.positive(name, value)
        checks.non_negative("a_plus", a_plus)
        checks.non_negative("a_minus", a_minus)
        checks.finite("w_min", w_min)
        checks.finite("w_max", w_max)
        if w_min >= w_max:
            raise ValueError(f"w_min must lie below w_max = {w_max}, got {w_min}")
        checks.one_of("reduction", reduction, get_args(Reduction))
        self.initial_range = (w_min, w_max) if initial_range is None else initial_range
        check_range("initial_range", self.initial_range, w_min, w_max)
        checks.between("connected_above", connected_above, w_min, w_max)
        self.learning_rate = learning_rate
        self.a_plus, self.a_minus = a_plus, a_minus
        self.tau_plus, self.tau_minus, self.tau_eligibility = tau_plus, tau_minus, tau_eligibility
        self.w_min, self.w_max = w_min, w_max
        self.reduction: Reduction = reduction
        self.connected_above = connected_above
        self.dt = in_force(dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights drawn evenly from ``initial_range``."""
        return {"weight": uniform(num_pre, num_post, self.initial_range, generator)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Traces and eligibility ``[R, K, F]`` at 0."""
        *units, fan_in = wiring["weight"].shape
        zeros = wiring["weight"].new_zeros
        return {
            "pre_trace": zeros(num_rows, num_inputs or fan_in),
            "post_trace": zeros(num_rows, *units),
            "eligibility": zeros(num_rows, *units, fan_in),
        }

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Reward times eligibility at the end of the chunk, added up over places: ``[S, K, F]``."""
        del wiring
        activity.require_graded(self)
        pre, post = activity.pre, activity.require_post()
        steps, rows = pre.shape[:2]
        decay = math.exp(-self.dt / self.tau_eligibility)
        kept = decay ** torch.arange(steps - 1, -1, -1, device=pre.device)
        window = stdp_window(
            pre=pre,
            post=post,
            pre_trace=stream["pre_trace"],
            post_trace=stream["post_trace"],
            pre_decay=math.exp(-self.dt / self.tau_plus),
            post_decay=math.exp(-self.dt / self.tau_minus),
            groups=rows,
            pre_factor=self.a_minus * kept.reshape(-1, 1, 1),
            post_factor=self.a_plus * kept.reshape(-1, *(1 for _ in post.shape[1:])),
            nodes=activity.nodes,
        )
        new = window.potentiation - window.depression
        eligibility = decay**steps * stream["eligibility"] + new
        proposal = {"rewarded": _rewarded(eligibility, activity), "spikes": post.sum(0)}
        after = {
            "pre_trace": window.pre_trace,
            "post_trace": window.post_trace,
            "eligibility": eligibility,
        }
        return proposal, after

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The weights after the changes of all streams."""
        del steps
        change = self.learning_rate * add_streams(proposal["rewarded"], streams, self.reduction)
        return wiring | {"weight": (wiring["weight"] + change).clamp(self.w_min, self.w_max)}


def _rewarded(eligibility: Tensor, activity: Activity) -> Tensor:
    """Reward times eligibility ``[R, ...]``, summed over places: ``[S, ...]``.

    Raises:
        ValueError: if there is not one reward a stream.
    """
    of_streams = eligibility.reshape(-1, activity.places, *eligibility.shape[1:]).sum(1)
    reward = activity.reward
    if reward is None:
        return torch.zeros_like(of_streams)
    if reward.shape != of_streams.shape[:1]:
        raise ValueError(f"reward must be one number a stream, [{len(of_streams)}], got {list(reward.shape)}")
    return reward.to(of_streams).reshape(-1, *(1 for _ in of_streams.shape[1:])) * of_streams
