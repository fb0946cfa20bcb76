"""Triplet STDP: what a pair of spikes changes depends on how long ago the same neuron spiked before."""

import math
from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.stdp_window import Coincidence, Pairing, stdp_window
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.bounds import Bounds, bounded, check_range, uniform
from lightning_snn.plasticity.reduction import Reduction, add_streams
from lightning_snn.plasticity.rule import LearningRule, in_force
from lightning_snn.plasticity.streams import Streams


class TripletSTDP(LearningRule):
    """Triplet STDP on the spikes of the layer's own neurons, with weights that are fixed during a chunk.

        at a presynaptic spike:    dw = -o1 (A2- + A3- r2)
        at a postsynaptic spike:   dw =  r1 (A2+ + A3+ o2)

    r1 (tau+) and r2 (tau_x) are traces of the input, o1 (tau-) and o2 (tau_y) of the unit; a spike adds 1.
    The slow traces r2 and o2 are read before the current spike counts. Coincidences, bounds, streams, their
    reduction and graded spikes are as in `PairSTDP`. The defaults are the minimal
    all-to-all set for visual cortex, which tells the frequency of pairing: potentiation takes over above
    about 30 Hz.

    Args:
        a2_plus: A2+, potentiation of a pair, as a share of w_max.
        a3_plus: A3+, of a triplet post-pre-post.
        a2_minus: A2-, depression of a pair.
        a3_minus: A3-, of a triplet pre-post-pre.
        tau_plus: Time constant in ms of r1.
        tau_minus: Time constant in ms of o1.
        tau_x: Time constant in ms of r2.
        tau_y: Time constant in ms of o2.
        pairing: ``all`` earlier spikes count, or the ``nearest`` only: a spike sets its traces to 1.
        coincidence: How much of a step's spikes r1 and o1 hold in it; see `PairSTDP`.
        bounds: ``hard`` (additive, clipped) or ``soft`` (multiplicative); see `bounded`.
        w_max: Largest weight; weights lie in [0, w_max].
        reduction: Whether the changes of all streams are added up or averaged; places of a stream add up.
        initial_range: The first weights are drawn evenly from it.
        connected_above: Weight above which a synapse counts as connected.
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a time constant or bound is not positive, an amplitude negative, the range outside the
            bounds, or an option unknown.

    Source: Pfister and Gerstner, J. Neurosci. 26 (2006), equations 2 to 4 and table 4.
    """

    needs_post = True
    absolute_weights = True
    takes_groups = True
    dt: float

    def __init__(
        self,
        *,
        a2_plus: float = 0.0,
        a3_plus: float = 6.5e-3,
        a2_minus: float = 7.1e-3,
        a3_minus: float = 0.0,
        tau_plus: float = 16.8,
        tau_minus: float = 33.7,
        tau_x: float = 101.0,
        tau_y: float = 114.0,
        pairing: Pairing = "all",
        coincidence: Coincidence = "half",
        bounds: Bounds = "hard",
        w_max: float = 1.0,
        reduction: Reduction = "mean",
        initial_range: tuple[float, float] = (0.0, 1.0),
        connected_above: float = 0.1,
        dt: float | None = None,
    ) -> None:
        for name, value in {"w_max": w_max}.items():
            checks.positive(name, value)
        times = {"tau_plus": tau_plus, "tau_minus": tau_minus, "tau_x": tau_x, "tau_y": tau_y}
        for name, value in times.items():
            checks.positive(name, value)
        amplitudes = {
            "a2_plus": a2_plus, "a3_plus": a3_plus, "a2_minus": a2_minus, "a3_minus": a3_minus,
        }  # fmt: skip
        for name, value in amplitudes.items():
            checks.non_negative(name, value)
        checks.one_of("pairing", pairing, get_args(Pairing))
        checks.one_of("coincidence", coincidence, get_args(Coincidence))
        checks.one_of("bounds", bounds, get_args(Bounds))
        checks.one_of("reduction", reduction, get_args(Reduction))
        check_range("initial_range", initial_range, 0, w_max)
        checks.between("connected_above", connected_above, 0, w_max)
        self.amplitudes = amplitudes
        self.times = times
        self.pairing: Pairing = pairing
        self.coincidence: Coincidence = coincidence
        self.bounds: Bounds = bounds
        self.reduction: Reduction = reduction
        self.w_max = w_max
        self.initial_range = initial_range
        self.connected_above = connected_above
        self.dt = in_force(dt)

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights drawn evenly from ``initial_range``."""
        return {"weight": uniform(num_pre, num_post, self.initial_range, generator)}

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """All traces at 0."""
        *units, fan_in = wiring["weight"].shape
        inputs, zeros = (num_inputs or fan_in,), wiring["weight"].new_zeros
        sizes = {"r1": inputs, "o1": units, "r2": inputs, "o2": units}
        return {name: zeros(num_rows, *size) for name, size in sizes.items()}

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Gain and loss of a chunk ``[S, K, F]``, as shares of w_max."""
        del wiring
        activity.require_for_pairing(self.pairing, self)
        pre, post = activity.pre, activity.require_post()
        a, nearest = self.amplitudes, self.pairing == "nearest"
        decays = {name: math.exp(-self.dt / tau) for name, tau in self.times.items()}
        r2, r2_end = slow_trace(pre, stream["r2"], decays["tau_x"], nearest=nearest)
        o2, o2_end = slow_trace(post, stream["o2"], decays["tau_y"], nearest=nearest)
        window = stdp_window(
            pre=pre,
            post=post,
            pre_trace=stream["r1"],
            post_trace=stream["o1"],
            pre_decay=decays["tau_plus"],
            post_decay=decays["tau_minus"],
            pairing=self.pairing,
            coincidence=self.coincidence,
            groups=pre.shape[1] // activity.places,
            nodes=activity.nodes,
            pre_factor=a["a2_minus"] + a["a3_minus"] * r2,
            post_factor=a["a2_plus"] + a["a3_plus"] * o2,
        )
        proposal = {"gain": window.potentiation, "loss": window.depression, "spikes": post.sum(0)}
        return proposal, {"r1": window.pre_trace, "o1": window.post_trace, "r2": r2_end, "o2": o2_end}

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The weights after the changes of all streams."""
        del steps
        gain, loss = (add_streams(proposal[n], streams, self.reduction) for n in ("gain", "loss"))
        weight = bounded(wiring["weight"], gain, loss, w_max=self.w_max, bounds=self.bounds)
        return wiring | {"weight": weight}


def slow_trace(spikes: Tensor, trace: Tensor, decay: float, *, nearest: bool) -> tuple[Tensor, Tensor]:
    """A trace as each step finds it, and after the last.

    Args:
        spikes: Spikes ``[T, R, N]``, 0 or above; with ``nearest`` in {0, 1}.
        trace: The trace ``[R, N]`` before the first step.
        decay: Its factor of a step.
        nearest: Whether a spike sets it to 1 instead of adding 1.

    Returns:
        The trace ``[T, R, N]`` without a step's own spikes, and ``[R, N]`` with the last step's.
    """
    found = []
    for step in spikes.to(trace.dtype).unbind(0):
        trace = trace * decay
        found.append(trace)
        trace = torch.where(step != 0, step, trace) if nearest else trace + step
    return torch.stack(found), trace
