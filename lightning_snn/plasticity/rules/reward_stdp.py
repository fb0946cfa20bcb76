"""Reward-modulated STDP: pairs of spikes mark a synapse, and a later reward turns the mark into a change."""

import math
from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.stdp_window import Coincidence, STDPWindow, stdp_window
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.bounds import check_range, uniform
from lightning_snn.plasticity.earnings import earnings, in_steps, lasting, rewards_of
from lightning_snn.plasticity.reduction import Reduction, add_streams
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class RewardSTDP(LearningRule):
    """Pair STDP into an eligibility trace, and a reward that multiplies it.

        dc/dt = -c / tau_eligibility + STDP(t),    dw/dt = learning_rate * d * c

    STDP(t) is all-to-all pair STDP, A+ for pre before post, -A- for post before pre, half of both for a
    coincidence. d is the reward: a pulse r acts at once, ``dw = learning_rate r c``, or with ``tau_reward``
    over time, and all of it together is the same r:

        dd/dt = -d / tau_reward + r / tau_reward

    Rewards come in any step, or at the end of a chunk (`Activity.reward`), and find what is left of all pairs
    until then and in that step. Eligibility and d go on from chunk to chunk: how long chunks are changes only
    when weights move. Where rounds start from rest (`RewardedImages`), d ends with them. Weights may have
    either sign. Graded spikes, 0 or above, count in proportion.

    Args:
        learning_rate: Change of a weight for a reward of 1 and an eligibility of 1.
        a_plus: A+, eligibility of a pair at no difference in time.
        a_minus: A-, likewise.
        tau_plus: Time constant in ms of A+.
        tau_minus: Time constant in ms of A-.
        tau_eligibility: Time constant in ms with which the eligibility decays.
        tau_reward: Time constant in ms with which a reward decays; by default it acts in its step only.
        coincidence: ``half``, ``potentiate`` or ``none``; see `PairSTDP`.
        w_min: Smallest weight, below 0 for synapses that may inhibit.
        w_max: Largest weight.
        reduction: Whether the changes of all streams are added up or averaged; places of a stream add up.
        initial_range: The first weights are drawn evenly from it; by default from all of [w_min, w_max].
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a time constant or the learning rate is not positive, an amplitude negative, ``w_min``
            not below ``w_max``, or the range outside them.

    Source: Izhikevich, Cereb. Cortex 17 (2007), equations 1 to 3 (a pulse of dopamine there is an r of the
    pulse times tau_reward here); Florian, Neural Comput. 19 (2007), section 3.3 (modulated STDP with
    eligibility trace).
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
        tau_reward: float | None = None,
        coincidence: Coincidence = "half",
        w_min: float = 0.0,
        w_max: float = 1.0,
        reduction: Reduction = "mean",
        initial_range: tuple[float, float] | None = None,
        connected_above: float = 0.1,
        dt: float | None = None,
    ) -> None:
        times = {"tau_plus": tau_plus, "tau_minus": tau_minus, "tau_eligibility": tau_eligibility}
        if tau_reward is not None:
            times["tau_reward"] = tau_reward
        for name, value in {"learning_rate": learning_rate, **times}.items():
            checks.positive(name, value)
        checks.non_negative("a_plus", a_plus)
        checks.non_negative("a_minus", a_minus)
        checks.finite("w_min", w_min)
        checks.finite("w_max", w_max)
        if w_min >= w_max:
            raise ValueError(f"w_min must lie below w_max = {w_max}, got {w_min}")
        checks.one_of("coincidence", coincidence, get_args(Coincidence))
        checks.one_of("reduction", reduction, get_args(Reduction))
        self.initial_range = (w_min, w_max) if initial_range is None else initial_range
        check_range("initial_range", self.initial_range, w_min, w_max)
        checks.between("connected_above", connected_above, w_min, w_max)
        self.learning_rate = learning_rate
        self.a_plus, self.a_minus = a_plus, a_minus
        self.tau_plus, self.tau_minus, self.tau_eligibility = tau_plus, tau_minus, tau_eligibility
        self.tau_reward, self.coincidence = tau_reward, coincidence
        self.w_min, self.w_max = w_min, w_max
        self.reduction: Reduction = reduction
        self.connected_above = connected_above
        self.dt = in_force(dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights drawn evenly from ``initial_range``."""
        return {"weight": uniform(num_pre, num_post, self.initial_range, generator)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Traces, eligibility ``[R, K, F]`` and what goes on of rewards ``[R]``, all at 0."""
        *units, fan_in = wiring["weight"].shape
        zeros = wiring["weight"].new_zeros
        state = {
            "pre_trace": zeros(num_rows, num_inputs or fan_in),
            "post_trace": zeros(num_rows, *units),
            "eligibility": zeros(num_rows, *units, fan_in),
        }
        return state if self.tau_reward is None else state | {"reward_trace": zeros(num_rows)}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """What rewards make of the eligibility, added up over places: ``[S, K, F]``."""
        del wiring
        activity.require_graded(self)
        steps, rows = activity.pre.shape[:2]
        reward = rewards_of(activity, stream["eligibility"])
        decay = math.exp(-self.dt / self.tau_eligibility)
        left = decay ** torch.arange(steps - 1, -1, -1, device=activity.pre.device)
        window, new = self._pairs(activity, stream, left[:, None], rows)
        eligibility = decay**steps * stream["eligibility"] + new
        traces = {"pre_trace": window.pre_trace, "post_trace": window.post_trace}
        after = traces | {"eligibility": eligibility}
        if self.tau_reward is None and reward.ndim == 1:
            rewarded = _times(reward, _of_streams(eligibility, activity.places))
        else:
            reward = in_steps(reward, steps)
            if self.tau_reward is not None:
                trace = stream["reward_trace"][:: activity.places]
                times = {"tau_reward": self.tau_reward, "tau_eligibility": self.tau_eligibility}
                reward, trace = lasting(reward, trace, dt=self.dt, **times)
                after["reward_trace"] = trace.repeat_interleave(activity.places)
            earned = earnings(reward, decay)
            factor = earned.repeat_interleave(activity.places, 1)
            _, new = self._pairs(activity, stream, factor, rows // activity.places)
            rewarded = new + _times(decay * earned[0], _of_streams(stream["eligibility"], activity.places))
        return {"rewarded": rewarded, "spikes": activity.require_post().sum(0)}, after

    def _pairs(
        self, activity: Activity, stream: Tensors, factor: Tensor, groups: int
    ) -> tuple[STDPWindow, Tensor]:
        """The window, and what STDP in it adds up to in each group of rows, times a factor ``[T, R]``."""
        post = activity.require_post()
        window = stdp_window(
            pre=activity.pre,
            post=post,
            pre_trace=stream["pre_trace"],
            post_trace=stream["post_trace"],
            pre_decay=math.exp(-self.dt / self.tau_plus),
            post_decay=math.exp(-self.dt / self.tau_minus),
            coincidence=self.coincidence,
            groups=groups,
            pre_factor=self.a_minus * factor[..., None],
            post_factor=self.a_plus * factor.reshape(*factor.shape, *(1 for _ in post.shape[2:])),
            nodes=activity.nodes,
        )
        return window, window.potentiation - window.depression

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The weights after the changes of all streams."""
        del steps
        change = self.learning_rate * add_streams(proposal["rewarded"], streams, self.reduction)
        return wiring | {"weight": (wiring["weight"] + change).clamp(self.w_min, self.w_max)}


def _of_streams(eligibility: Tensor, places: int) -> Tensor:
    """Eligibility ``[R, ...]`` summed over places: ``[S, ...]``."""
    return eligibility.reshape(-1, places, *eligibility.shape[1:]).sum(1)


def _times(of_streams: Tensor, values: Tensor) -> Tensor:
    """A number a stream ``[S]`` times ``[S, ...]``."""
    return of_streams.reshape(-1, *(1 for _ in values.shape[1:])) * values
