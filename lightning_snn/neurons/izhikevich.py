"""Izhikevich's simple model as a module."""

from typing import Any, Literal, Self

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.izhikevich import (
    PRESETS,
    IzhikevichParameters,
    RefractoryIzhikevichState,
    heterogeneous_population,
    izhikevich_before_reset,
    izhikevich_rest,
    izhikevich_step,
    refractory_izhikevich_before_reset,
    refractory_izhikevich_step,
)
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_length, entry
from lightning_snn.ops.izhikevich import izhikevich_scan, izhikevich_sheet_scan
from lightning_snn.ops.sequence import check_kind

Preset = Literal[
    "regular_spiking",
    "intrinsically_bursting",
    "chattering",
    "fast_spiking",
    "low_threshold_spiking",
    "thalamo_cortical",
    "resonator",
    "heterogeneous",
]


class Izhikevich(NeuronModel):
    """Izhikevich's simple model; see `lightning_snn.dynamics.izhikevich`.

    Args:
        preset: Name of a firing pattern, or ``heterogeneous``: every neuron its own, from regular spiking
            to chattering.
        a: Overrides the preset's a (1/ms); one number or one a neuron. b, c, d likewise.
        b: Sensitivity of u to v (1/ms).
        c: Reset of v (mV).
        d: Jump of u (mV/ms).
        num_neurons: Size of a heterogeneous population; a layer fills it in.
        seed: Seed of a heterogeneous population; by default the network's, or one by torch's generator.
        dt: Step in ms, by default the network's, and 1 ms in a model alone; the paper's program has 1, exact
            spike times need 0.01.
        clip_peak: Limit v to 30 mV before each use.
        refractory: Time in ms for which v stays at c after a spike, rounded up to whole steps; 0: none, as in
            the paper. With one, neurons run in plain PyTorch, step by step.
        surrogate: Gradient of the spike: ``atan``, ``fast_sigmoid`` or ``triangle``.

    Raises:
        ValueError: if the preset or the surrogate is unknown, a parameter is not finite or needs a gradient,
            ``dt`` is not positive, or the refractory time is negative.

    >>> spikes, state = Izhikevich.preset("regular_spiking")(torch.full((100, 1, 1), 10.0))
    >>> int(spikes.sum())
    3
    """

    a: Tensor
    b: Tensor
    c: Tensor
    d: Tensor

    def __init__(
        self,
        preset: Preset = "regular_spiking",
        *,
        a: Parameter | None = None,
        b: Parameter | None = None,
        c: Parameter | None = None,
        d: Parameter | None = None,
        num_neurons: int | None = None,
        seed: int | None = None,
        dt: float | None = None,
        clip_peak: bool = False,
        refractory: float = 0.0,
        surrogate: Surrogate = "atan",
    ) -> None:
        checks.seed("seed", seed)
        super().__init__(dt)
        checks.one_of("preset", preset, (*PRESETS, "heterogeneous"))
        checks.one_of("surrogate", surrogate, surrogates.names())
        if num_neurons is not None:
            checks.count("num_neurons", num_neurons)
        self.needs_size = preset == "heterogeneous" and num_neurons is None
        self.stream = stream_of("neuron", seed) if preset == "heterogeneous" else None
        checks.non_negative("refractory", refractory)
        self.clip_peak = clip_peak
        self.refractory = refractory
        self.surrogate = surrogate
        values = _preset_values(preset, num_neurons or 1, self.stream)
        for name, default, given in zip("abcd", values, (a, b, c, d), strict=True):
            checks.constant(name, given)
            value = default if given is None else torch.as_tensor(given, dtype=torch.float32)
            if not value.isfinite().all():
                raise ValueError(f"{name} must be finite, got {given}")
            self.register_buffer(name, value)

    @classmethod
    def preset(cls, name: Preset, **options: Any) -> Self:
        """A population with the parameters of a named firing pattern; options as for the constructor."""
        return cls(name, **options)

    def sized(self, num_neurons: int) -> NeuronModel:
        """This model, with one set of parameters a neuron where the population is heterogeneous.

        Raises:
            ValueError: if a parameter is given for another number of neurons.
        """
        for name in "abcd":
            check_length(name, getattr(self, name), num_neurons)
        if not self.needs_size:
            return self
        return self.again(num_neurons=num_neurons)

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """``v = -65 mV, u = b v``, not refractory."""
        rest = izhikevich_rest(batch, num_neurons, self.constants, like)
        return RefractoryIzhikevichState(*rest, torch.zeros_like(rest.v)) if self.refractory else rest

    def step(self, current: Tensor, state: Any, **others: Tensor) -> tuple[Tensor, Any]:
        """One step; see `izhikevich_step` and `refractory_izhikevich_step`."""
        self.check_inputs(current, others)
        if self.refractory:
            check_kind(state, RefractoryIzhikevichState)
            return refractory_izhikevich_step(current, state, self.constants, self.dt, self.refractory)
        return izhikevich_step(current, state, self.constants, self.dt)

    def before_reset(self, current: Tensor, state: Any, **others: Tensor) -> Any:
        """The state of a step before spikes reset it; see `izhikevich_before_reset`."""
        self.check_inputs(current, others)
        if self.refractory:
            return refractory_izhikevich_before_reset(current, state, self.constants, self.dt)
        return izhikevich_before_reset(current, state, self.constants, self.dt)

    def scan(self, current: Tensor, state: Any, **others: Tensor) -> tuple[Tensor, Any]:
        """Steps in one operator, without a refractory time; see `izhikevich_scan`."""
        if self.refractory:
            return super().scan(current, state, **others)
        self.check_inputs(current, others)
        return izhikevich_scan(current, state, self._factors(), **self._options())

    def scan_sheet(
        self, current: Tensor, state: Any, spikes: Tensor, rows: Tensor, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """Steps in one operator, without a refractory time; see `izhikevich_sheet_scan`."""
        if self.refractory:
            return super().scan_sheet(current, state, spikes, rows, **others)
        self.check_inputs(current, others)
        return izhikevich_sheet_scan(current, state, spikes, rows, self._factors(), **self._options())

    def _factors(self) -> Tensor:
        """a, b, c and d as one tensor ``[4, 1]`` or ``[4, N]``."""
        values = [value.reshape(-1) for value in self.constants[:4]]
        size = max(len(value) for value in values)
        return torch.stack([value.expand(size) for value in values])

    def _options(self) -> dict[str, Any]:
        return {"dt": self.dt, "clip_peak": self.clip_peak, "surrogate": self.surrogate}

    def parameters_of(self, index: int) -> dict[str, float]:
        """a, b, c and d of one neuron."""
        return {name: entry(getattr(self, name), index) for name in "abcd"}

    @property
    def constants(self) -> IzhikevichParameters:
        """The parameters as the step function takes them."""
        if self.needs_size:
            raise ValueError("a heterogeneous population needs num_neurons: its neurons differ")
        return IzhikevichParameters(self.a, self.b, self.c, self.d, self.clip_peak, self.surrogate)


def _preset_values(preset: str, num_neurons: int, stream: RandomStream | None) -> tuple[Tensor, ...]:
    if stream is not None:
        return heterogeneous_population(num_neurons, stream.torch())
    return tuple(torch.tensor(value) for value in PRESETS[preset])
