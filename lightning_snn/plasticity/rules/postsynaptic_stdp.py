"""STDP at postsynaptic spikes only: recent inputs gain, all others lose."""

import math

import torch

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.stdp_window import stdp_window
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.annealing import ELAPSED, annealed
from lightning_snn.plasticity.bounds import bounded, check_range, uniform
from lightning_snn.plasticity.reduction import add_streams
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class PostsynapticSTDP(LearningRule):
    """At each spike of a unit, inputs that spiked lately gain and silent ones lose, with soft bounds.

        dw = rate (x (w_max - w) - silent_loss (1 - x) w)

    x the presynaptic trace, 1 at a spike and decaying with ``tau_pre``; an input that spikes in the unit's
    own step has just spiked. Weights are fixed during a chunk; at its end the spikes of all streams act one
    after another, in closed form, so nothing overshoots:

        w <- w_inf + (w - w_inf) exp(-(G + L)),  G = rate sum x,  L = rate silent_loss sum (1 - x),
        w_inf = w_max G / (G + L)

    Spikes are 0 or 1: graded ones are refused.

    The rate falls geometrically to ``final_rate`` at ``horizon``, and stays there.

    Args:
        rate: Learning rate at the start.
        final_rate: Learning rate from ``horizon`` on; by default the same.
        horizon: Simulated time in ms, summed over the streams (and places that share weights), in which it
            falls.
        tau_pre: Time constant in ms of the presynaptic trace.
        silent_loss: Loss of a silent input, relative to the gain of one that has just spiked.
        w_max: Largest weight; weights lie in [0, w_max].
        initial_range: The first weights are drawn evenly from it.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a rate, a time or w_max is not positive, or the range lies outside the bounds.

    Source: Querlioz, Bichler, Dollfus and Gamrat, IEEE Trans. Nanotechnol. 12 (2013) (at postsynaptic spikes
    only); the offset rule of Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.4.
    """

    needs_post = True
    absolute_weights = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        rate: float = 0.05,
        *,
        final_rate: float | None = None,
        horizon: float = 1e6,
        tau_pre: float = 20.0,
        silent_loss: float = 0.4,
        w_max: float = 1.0,
        initial_range: tuple[float, float] = (0.0, 1.0),
        connected_above: float = 0.1,
        dt: float | None = None,
    ) -> None:
        final = rate if final_rate is None else final_rate
        for name, value in {
            "rate": rate,
            "final_rate": final,
            "horizon": horizon,
            "tau_pre": tau_pre,
            "silent_loss": silent_loss,
            "w_max": w_max,
        }.items():
            checks.positive(name, value)
        check_range("initial_range", initial_range, 0, w_max)
        checks.between("connected_above", connected_above, 0, w_max)
        self.rate, self.final_rate, self.horizon = rate, final, horizon
        self.tau_pre = tau_pre
        self.silent_loss = silent_loss
        self.w_max = w_max
        self.initial_range = initial_range
        self.connected_above = connected_above
        self.dt = in_force(dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights drawn evenly from ``initial_range``; no time has passed."""
        weight = uniform(num_pre, num_post, self.initial_range, generator)
        return {"weight": weight, ELAPSED: torch.zeros((), dtype=torch.float64)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Traces at 0."""
        weight = wiring["weight"]
        return {"pre_trace": weight.new_zeros(num_rows, num_inputs or weight.shape[-1])}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """The traces summed over the spikes of each unit ``[S, K, F]``; see `stdp_window`."""
        del wiring
        activity.require_spikes(self)
        post = activity.require_post()
        window = stdp_window(
            pre=activity.pre,
            post=post,
            pre_trace=stream["pre_trace"],
            post_trace=torch.zeros_like(post[0]),
            pre_decay=math.exp(-self.dt / self.tau_pre),
            post_decay=0.0,
            pairing="nearest",
            coincidence="potentiate",
            groups=post.shape[1] // activity.places,
            depression=False,
            nodes=activity.nodes,
        )
        return {"traces": window.potentiation, "spikes": post.sum(0)}, {"pre_trace": window.pre_trace}

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The spikes of all streams in closed form."""
        elapsed = wiring[ELAPSED]
        weight = wiring["weight"]
        rate = annealed(self.rate, self.final_rate, elapsed, self.horizon)[..., None, None]
        traces = add_streams(proposal["traces"], streams, "sum")
        spikes = streams.sum(proposal["spikes"].sum(0))[..., None]
        gain = rate.to(weight) * traces
        loss = (rate * self.silent_loss).to(weight) * (spikes - traces).clamp_min(0)
        weight = bounded(weight, gain, loss, w_max=self.w_max, bounds="soft")
        return wiring | {"weight": weight, ELAPSED: elapsed + steps * streams.total * self.dt}
