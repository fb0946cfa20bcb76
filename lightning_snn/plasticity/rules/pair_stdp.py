"""Pair STDP: spikes of both sides of a synapse potentiate and depress it by their difference in time."""

import math
from typing import get_args

import torch

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import checked_delay, delay_steps, delayed
from lightning_snn.ops.stdp_window import Coincidence, Pairing, stdp_window
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.bounds import Bounds, bounded, check_range, uniform
from lightning_snn.plasticity.reduction import Reduction, add_streams, spikes_of_streams
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class PairSTDP(LearningRule):
    """Pair STDP on the spikes of the layer's own neurons, with weights that are fixed during a chunk.

        dw = A+ exp(-(t_post - t_pre) / tau+)    for t_post > t_pre,
        dw = -A- exp(-(t_pre - t_post) / tau-)   for t_post < t_pre,

    times ``w_max`` with hard bounds, times the distance to the bound, ``w_max - w`` or ``w``, with soft ones.
    Spikes of both sides in one step, a coincidence, could have come in either order and count half of A+ and
    half of A-: uncorrelated spikes then depress and potentiate as A- tau- to A+ tau+, at any ``dt``. Where
    what a spike causes lies in its own step (no delay, no kinetics), ``potentiate`` counts it as the cause.

    Streams learn from the same weights; their changes are added up or averaged. With ``trace_offset`` a
    unit's spike also depresses, by ``A+ trace_offset``, whatever the input did: inputs that were silent lose,
    which pair STDP alone does not do. Graded spikes, 0 or above, count in proportion; ``nearest`` pairs take
    0 and 1 only.

    Args:
        a_plus: A+, change for a pair at no difference in time, as a share of w_max.
        a_minus: A-, likewise.
        tau_plus: Time constant in ms of potentiation.
        tau_minus: Time constant in ms of depression.
        pairing: Whether a spike pairs with ``all`` earlier spikes of the other side or the ``nearest`` one.
        coincidence: Whether spikes of both sides in one step count ``half`` on either side, ``potentiate``
            only, or do nothing (``none``); see `stdp_window`.
        bounds: ``hard`` (additive, clipped) or ``soft`` (multiplicative); see `bounded`.
        w_max: Largest weight; weights lie in [0, w_max].
        trace_offset: Presynaptic trace below which a unit's spike depresses an input with hard bounds.
        delay: Axonal delay in ms of the presynaptic spikes, whole steps.
        reduction: Whether the changes of all streams are added up or averaged; places of a stream add up.
        initial_range: The first weights are drawn evenly from it.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a time constant or bound is not positive, an amplitude negative, the delay no whole
            number of steps, the range outside the bounds, or an option unknown.

    Source: Bi and Poo, J. Neurosci. 18 (1998); Song, Miller and Abbott, Nat. Neurosci. 3 (2000); pairing
    and traces: Morrison, Diesmann and Gerstner, Biol. Cybern. 98 (2008), section 4.1; offset: Diehl and
    Cook, Front. Comput. Neurosci. 9 (2015), section 2.4.
    """

    needs_post = True
    absolute_weights = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        a_plus: float = 0.01,
        a_minus: float = 0.0105,
        *,
        tau_plus: float = 20.0,
        tau_minus: float = 20.0,
        pairing: Pairing = "all",
        coincidence: Coincidence = "half",
        bounds: Bounds = "hard",
        w_max: float = 1.0,
        trace_offset: float = 0.0,
        delay: float = 0.0,
        reduction: Reduction = "mean",
        initial_range: tuple[float, float] = (0.0, 1.0),
        connected_above: float = 0.1,
        dt: float | None = None,
    ) -> None:
        for name, value in {"tau_plus": tau_plus, "tau_minus": tau_minus, "w_max": w_max}.items():
            checks.positive(name, value)
        for name, value in {"a_plus": a_plus, "a_minus": a_minus, "trace_offset": trace_offset}.items():
            checks.non_negative(name, value)
        checks.one_of("pairing", pairing, get_args(Pairing))
        checks.one_of("coincidence", coincidence, get_args(Coincidence))
        checks.one_of("bounds", bounds, get_args(Bounds))
        checks.one_of("reduction", reduction, get_args(Reduction))
        check_range("initial_range", initial_range, 0, w_max)
        checks.between("connected_above", connected_above, 0, w_max)
        self.a_plus, self.a_minus, self.trace_offset = a_plus, a_minus, trace_offset
        self.tau_plus, self.tau_minus = tau_plus, tau_minus
        self.pairing: Pairing = pairing
        self.coincidence: Coincidence = coincidence
        self.bounds: Bounds = bounds
        self.reduction: Reduction = reduction
        self.w_max = w_max
        self.delay = delay
        self.initial_range = initial_range
        self.connected_above = connected_above
        self.dt = in_force(dt)
        checked_delay(delay)
        if dt is not None:
            delay_steps(delay, dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights drawn evenly from ``initial_range``."""
        return {"weight": uniform(num_pre, num_post, self.initial_range, generator)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Traces at 0, and no spike under way."""
        *units, fan_in = wiring["weight"].shape
        num_pre, zeros = num_inputs or fan_in, wiring["weight"].new_zeros
        state = {"pre_trace": zeros(num_rows, num_pre), "post_trace": zeros(num_rows, *units)}
        if steps := delay_steps(self.delay, self.dt):
            state["under_way"] = zeros(num_rows, steps, num_pre)
        return state

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """The pair sums of a chunk ``[S, K, F]``, P and Q; see `stdp_window`."""
        del wiring
        activity.require_for_pairing(self.pairing, self)
        pre, post, held = activity.pre, activity.require_post(), {}
        if "under_way" in stream:
            pre, held["under_way"] = delayed(pre, stream["under_way"])
        window = stdp_window(
            pre=pre,
            post=post,
            pre_trace=stream["pre_trace"],
            post_trace=stream["post_trace"],
            pre_decay=math.exp(-self.dt / self.tau_plus),
            post_decay=math.exp(-self.dt / self.tau_minus),
            pairing=self.pairing,
            coincidence=self.coincidence,
            groups=pre.shape[1] // activity.places,
            nodes=activity.nodes,
        )
        proposal = {
            "potentiation": window.potentiation,
            "depression": window.depression,
            "spikes": post.sum(0),
        }
        return proposal, {"pre_trace": window.pre_trace, "post_trace": window.post_trace} | held

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The weights after the changes of all streams."""
        del steps
        gain = self.a_plus * add_streams(proposal["potentiation"], streams, self.reduction)
        loss = self.a_minus * add_streams(proposal["depression"], streams, self.reduction)
        if self.trace_offset:
            counts = spikes_of_streams(proposal["spikes"], len(proposal["potentiation"]))
            spikes = add_streams(counts, streams, self.reduction)
            loss = loss + self.a_plus * self.trace_offset * spikes[..., None]
        weight = bounded(wiring["weight"], gain, loss, w_max=self.w_max, bounds=self.bounds)
        return wiring | {"weight": weight}
