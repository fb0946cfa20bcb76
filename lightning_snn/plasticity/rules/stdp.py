"""STDP among spiking units that inhibit each other: the default rule."""

import math

import torch

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.stdp_scan import STDPConstants, STDPState, stdp_scan
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.rule import LearningRule, copies, in_force, working_copies
from lightning_snn.plasticity.streams import Streams
from lightning_snn.plasticity.windows import in_windows, window_steps


class STDP(LearningRule):
    """Trace STDP with an offset, adaptive thresholds and inhibition between the units.

    Units are leaky integrators, ``v <- v exp(-window / tau_mem) + W s`` for the spikes s of a window of 1 ms;
    the one furthest above its threshold (``threshold`` plus an adaptive part) spikes and resets to 0, every
    other unit loses its own threshold, not below minus it. At the spike, inputs with a presynaptic trace
    ``x > trace_offset`` gain ``learning_rate min(x - trace_offset, 1) (1 - w)``, the others lose
    ``learning_rate (trace_offset - x) / trace_offset w``; a presynaptic spike after the unit's own lowers w
    by ``pair_depression y w``. The adaptive threshold rises by ``threshold_jump`` at a spike and decays.

    One unit spikes in a window, however fine the network's steps are; the inputs in it come before the unit,
    each of them once at most. The last window of a chunk is as long as what is left.

    What depresses silent inputs is essential: pair STDP with soft bounds alone does not localise. A graded
    spike, from 0 to 1, adds in proportion to potentials and traces, and depresses in proportion.

    Args:
        learning_rate: Size of a change at the unit's spike.
        tau_mem: Membrane time constant in ms.
        tau_pre: Time constant of the presynaptic trace x in ms; a spike adds 1.
        tau_post: Time constant of the postsynaptic trace y in ms; a spike adds 1.
        trace_offset: Trace that separates gain from loss.
        pair_depression: Depression at presynaptic spikes after the unit's own.
        threshold: Fixed part of the threshold.
        threshold_jump: Rise of the adaptive part at a spike; it starts at ``U(0, threshold_jump)``.
        tau_threshold: Time constant in ms with which it decays.
        window: Time in ms in which the units compete, whole steps; a step where that is longer.
        connected_above: Weight above which a synapse counts as connected; weights lie in [0, 1].
        dt: Step in ms; by default the network's, alone 1.

    Raises:
        ValueError: if a rate, a time constant or the threshold is not positive, or the window no whole number
            of steps.

    Source: the offset rule of Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.4, with a
    soft upper bound and the loss scaled to the offset; traces: Morrison, Diesmann and Gerstner (2008).
    """

    takes_groups = True
    dt: float

    def __init__(
        self,
        learning_rate: float = 0.05,
        *,
        tau_mem: float = 5.0,
        tau_pre: float = 5.0,
        tau_post: float = 5.0,
        trace_offset: float = 0.05,
        pair_depression: float = 0.002,
        threshold: float = 8.0,
        threshold_jump: float = 2.0,
        tau_threshold: float = 20_000.0,
        window: float = 1.0,
        connected_above: float = 0.3,
        dt: float | None = None,
    ) -> None:
        checks.between("learning_rate", learning_rate, 0, 1)
        for name, value in {
            "tau_mem": tau_mem,
            "tau_pre": tau_pre,
            "tau_post": tau_post,
            "trace_offset": trace_offset,
            "threshold": threshold,
            "tau_threshold": tau_threshold,
            "window": window,
        }.items():
            checks.positive(name, value)
        checks.between("pair_depression", pair_depression, 0, 1)
        checks.non_negative("threshold_jump", threshold_jump)
        checks.between("connected_above", connected_above, 0, 1)
        self.tau_mem, self.tau_pre, self.tau_post, self.tau_threshold = (
            tau_mem,
            tau_pre,
            tau_post,
            tau_threshold,
        )
        self.threshold, self.threshold_jump = threshold, threshold_jump
        self.window = window
        self.learning_rate, self.trace_offset = learning_rate, trace_offset
        self.pair_depression = pair_depression
        self.connected_above = connected_above
        self.dt = in_force(dt)
        if dt is not None:
            _ = self.constants

    @property
    def constants(self) -> STDPConstants:
        """What `stdp_scan` takes, for the rule's ``dt``.

        Raises:
            ValueError: if ``pair_depression`` is too large for it, or the window no whole number of steps.
        """
        step = self.dt * window_steps(self.window, self.dt)
        # the postsynaptic trace is below 1 / (1 - exp(-step / tau_post)); a factor below 0 would flip weights
        checks.between("pair_depression", self.pair_depression, 0, 1 - math.exp(-step / self.tau_post))
        return STDPConstants(
            membrane_decay=math.exp(-step / self.tau_mem),
            pre_decay=math.exp(-step / self.tau_pre),
            post_decay=math.exp(-step / self.tau_post),
            threshold=self.threshold,
            threshold_decay=math.exp(-step / self.tau_threshold),
            threshold_jump=self.threshold_jump,
            learning_rate=self.learning_rate,
            trace_offset=self.trace_offset,
            pair_depression=self.pair_depression,
        )

    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """Weights ``U(0.2, 0.5)``, adaptive thresholds ``U(0, threshold_jump)``."""
        return {
            "weight": 0.2 + 0.3 * torch.rand(num_post, num_pre, generator=generator),
            "threshold": self.threshold_jump * torch.rand(num_post, generator=generator),
        }

    def open(self, wiring: Tensors, num_rows: int, num_inputs: int | None = None) -> Tensors:
        """Potentials and traces at 0."""
        *units, fan_in = wiring["weight"].shape
        zeros = wiring["weight"].new_zeros
        return {
            "v": zeros(num_rows, *units),
            "pre_trace": zeros(num_rows, num_inputs or fan_in),
            "post_trace": zeros(num_rows, *units),
        }

    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Run one chunk; see `stdp_scan`."""
        activity.require_graded(self, most=1.0)
        spikes = in_windows(activity.pre, window_steps(self.window, self.dt), most=1.0)
        num_streams = spikes.shape[1]
        start = STDPState(
            weight=working_copies(wiring["weight"], num_streams),
            threshold=copies(wiring["threshold"], num_streams),
            wins=copies(torch.zeros_like(wiring["threshold"], dtype=torch.int64), num_streams),
            **{name: value.clone() for name, value in stream.items()},
        )
        end = stdp_scan(spikes, start, self.constants, nodes=activity.nodes)._asdict()
        proposal = {"weight": end["weight"], "threshold": end["threshold"], "spikes": end["wins"]}
        return proposal, {name: end[name] for name in stream}

    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """Each unit from the stream in which it spiked most often; a silent one keeps its weights.

        The threshold of a silent unit has decayed alike in all streams.
        """
        del steps
        won = streams.gather(proposal["spikes"])
        owner = won.argmax(0)
        silent = (won.amax(0) == 0)[..., None]
        weight = streams.select(proposal["weight"], owner)
        return {
            "weight": torch.where(silent, wiring["weight"], weight),
            "threshold": streams.select(proposal["threshold"], owner),
        }
