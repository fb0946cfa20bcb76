"""Izhikevich's simple model of spiking neurons, with the arithmetic of the paper's program."""

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel, state_type
from lightning_snn.neurons.parameters import Parameter
from lightning_snn.neurons.presets import PRESETS, heterogeneous_population
from lightning_snn.neurons.values import Values

Preset = Literal[
    "regular_spiking", "intrinsically_bursting", "chattering", "fast_spiking", "low_threshold_spiking",
    "thalamo_cortical", "resonator", "heterogeneous",
]  # fmt: skip

PEAK = 30.0
"""Potential in mV at which a spike is cut off and counted."""

RATE, SLOPE, OFFSET = 0.04, 5.0, 140.0


class Izhikevich(NeuronModel):
    """Izhikevich's simple model: two half-steps of v, one step of u, then the reset of those at the peak.

        v' = 0.04 v^2 + 5 v + 140 - u + i,    u' = a (b v - u);    v >= 30: v <- c, u <- u + d

    Currents are in mV/ms; the paper's program has ``dt = 1``, exact spike times need 0.01. At 1 ms u
    integrates the overshoot of v, so rates are lower than the equations' own; ``clip_peak`` limits v to 30 mV
    before each use. Far below rest explicit steps of the parabola overshoot: strong inhibition would make v
    flip to large values, which are spikes, and soon NaN. So a half-step from below ``-62.5 - 50 / dt``
    (-112.5 mV at 1 ms) ends at most at -62.5 mV, and none ends below ``-62.5 - 75 / dt``: any constant
    inhibition leaves a neuron silent, and waves, which take v down to -120 mV, keep the bits of the paper's
    program. The quadratic term lets gradients grow by up to a factor of 6 a ms near the peak: long windows
    overflow.

    Raises:
        ValueError: if an option is unknown or a constant out of its range.

    Source: Izhikevich, Simple model of spiking neurons, IEEE Trans. Neural Netw. 14 (2003), and its program.

    >>> spikes, state = Izhikevich("regular_spiking")(torch.full((100, 1, 1), 10.0))
    >>> int(spikes.sum())
    3
    """

    state = {"v": -65.0, "u": 0.0}
    RefractoryState = state_type("Izhikevich", "RefractoryState", (*state, "refractory"), __name__)

    preset: Preset = option(
        default="regular_spiking",
        doc="A firing pattern; ``heterogeneous``: each neuron its own, from regular spiking to chattering.",
        choices=get_args(Preset),
    )
    a: Parameter | None = constant(
        default=None, unit="1/ms", doc="Rate of u; by default the preset's.", stored=True, kw_only=True
    )
    b: Parameter | None = constant(
        default=None,
        unit="1/ms",
        doc="Sensitivity of u to v; by default the preset's.",
        stored=True,
        kw_only=True,
    )
    c: Parameter | None = constant(
        default=None, unit="mV", doc="Reset of v; by default the preset's.", stored=True, kw_only=True
    )
    d: Parameter | None = constant(
        default=None, unit="mV/ms", doc="Jump of u; by default the preset's.", stored=True, kw_only=True
    )
    num_neurons: int | None = option(
        default=None, doc="Size of a heterogeneous population; a layer fills it in.", kw_only=True
    )
    seed: int | None = option(
        default=None,
        doc="Seed of a heterogeneous population; by default the network's, or one by torch's generator.",
        kw_only=True,
    )
    clip_peak: bool = option(default=False, doc="Limit v to 30 mV before each use.", kw_only=True)
    refractory: Parameter = constant(
        default=0.0,
        unit="ms",
        doc="Time for which v stays at c after a spike, rounded up to whole steps; 0: none, as in the paper.",
        at_least=0.0,
        kw_only=True,
    )

    def accept(self, given: dict[str, Any]) -> None:
        """Take the arguments; the constants of the preset where none are given."""
        checks.seed("seed", given["seed"])
        if given["num_neurons"] is not None:
            checks.count("num_neurons", given["num_neurons"])
        checks.one_of("preset", given["preset"], get_args(Preset))
        mixed = given["preset"] == "heterogeneous"
        stream = stream_of("neuron", given["seed"]) if mixed else None
        size = given["num_neurons"] or 1
        drawn = heterogeneous_population(size, stream.torch()) if stream else PRESETS[given["preset"]]
        for name, value in zip("abcd", drawn, strict=True):
            given[name] = value if given[name] is None else given[name]
        super().accept(given)
        self.stream = stream
        self.needs_size = mixed and self.num_neurons is None

    def check(self) -> None:
        """A refractory period needs a clock."""
        cls = type(self)
        has = "refractory" in self.learned or bool(torch.as_tensor(self.refractory).any())
        self.state = {**cls.state, "refractory": 0.0} if has else cls.state
        self.State = cls.RefractoryState if has else cls.State

    def sized(self, num_neurons: int) -> NeuronModel:
        """This model, with one set of constants a neuron where the population is heterogeneous."""
        super().sized(num_neurons)
        return self.again(num_neurons=num_neurons) if self.needs_size else self

    def values(self) -> Values:
        """The declared constants in float64."""
        if self.needs_size:
            raise ValueError("a heterogeneous population needs num_neurons: its neurons differ")
        return super().values()

    def start(self, p: Any) -> Mapping[str, Tensor | float]:
        """``v = -65 mV, u = b v``, not refractory."""
        return {**self.state, "u": -65.0 * p.b}

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """Limits of the half-steps and the length of the refractory period in steps."""
        vertex = -SLOPE / (2 * RATE)
        reach = 1 / (RATE * dt)
        return {"low": vertex - 2 * reach, "floor": vertex - 3 * reach, "pause": steps_of(p.refractory, dt)}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor) -> tuple[Any, ...]:
        """One step; see the class. The parabola is lowest at -62.5 - 25 / dt mV, where v maps to itself."""
        v, vertex = state.v, torch.full_like(state.v, -62.5)
        top = torch.full_like(v, PEAK if self.clip_peak else math.inf)
        for _half in range(2):
            limit = torch.where(v < p.low, vertex, top)
            moved = v + 0.5 * dt * (RATE * v * v + SLOPE * v + OFFSET - state.u + current)
            moved = torch.where(moved > limit, limit, moved)
            v = torch.where(moved < p.floor, p.floor, moved)
        clock = []
        if len(state) == 3:
            v = torch.where(state.refractory > 0, state.v, v)
            clock = [(state.refractory - 1).clamp_min(0)]
        u = state.u + dt * p.a * (p.b * v - state.u)
        spikes = self.spike((v - PEAK) / PEAK)
        fired = spikes.detach() > 0
        after = [
            hard_reset(v, spikes, p.c, self.detach_reset),
            torch.where(fired, u + p.d, u) if self.detach_reset else u + p.d * spikes,
            *(torch.where(fired, p.pause, left) for left in clock),
        ]
        return spikes, self.State(*after), self.State(v, u, *clock)
