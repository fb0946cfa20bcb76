"""Neuron models as modules: thin shells around `lightning_snn.dynamics` and the time loops."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.izhikevich import (
    PRESETS,
    IzhikevichParameters,
    IzhikevichState,
    heterogeneous_population,
    izhikevich_rest,
    izhikevich_step,
)
from lightning_snn.dynamics.lif import LIFParameters, LIFState, Reset, lif_rest, lif_step
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops.neuron_scan import neuron_scan

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
Parameter = float | Sequence[float] | Tensor


class NeuronModel(Configurable, nn.Module, ABC):
    """A population of neurons; state is passed in and returned, never kept.

    Adding a model: write its step and state in `lightning_snn.dynamics`, then this shell.

    Args:
        dt: Step in ms.
    """

    def __init__(self, dt: float = 1.0) -> None:
        super().__init__()
        checks.positive("dt", dt)
        self.dt = dt

    @abstractmethod
    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """State ``[batch, num_neurons]`` to start from, on the device of ``like``."""

    @abstractmethod
    def step(self, current: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Spikes ``[B, N]`` and the next state, for a current ``[B, N]`` held over ``dt``."""

    @abstractmethod
    def parameters_of(self, index: int) -> dict[str, float]:
        """The parameters of one neuron by name."""

    def sized(self, num_neurons: int) -> "NeuronModel":
        """This model for a population of ``num_neurons``; models with one value for all return themselves."""
        del num_neurons
        return self

    def forward(self, current: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``.
            state: State to continue from; rest by default.

        Returns:
            Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with T at least 1.
        """
        check_sequence(current)
        if state is None:
            state = self.rest(current.shape[1], current.shape[2], current)
        return neuron_scan(self.step, current, state)


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
        seed: Seed of a heterogeneous population.
        dt: Step in ms; the paper's program has 1, exact spike times need 0.01.
        clip_peak: Limit v to 30 mV before each use.

    Raises:
        ValueError: if the preset is unknown, a parameter is not finite, or ``dt`` is not positive.

    >>> spikes, state = Izhikevich.preset("regular_spiking")(torch.full((100, 1, 1), 10.0))
    >>> int(spikes.sum())
    4
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
        seed: int = 0,
        dt: float = 1.0,
        clip_peak: bool = False,
    ) -> None:
        super().__init__(dt)
        checks.one_of("preset", preset, (*PRESETS, "heterogeneous"))
        if num_neurons is not None:
            checks.positive("num_neurons", num_neurons)
        self.needs_size = preset == "heterogeneous" and num_neurons is None
        self.clip_peak = clip_peak
        values = _preset_values(preset, num_neurons or 1, seed)
        for name, default, given in zip("abcd", values, (a, b, c, d), strict=True):
            value = default if given is None else torch.as_tensor(given, dtype=torch.float32)
            if not value.isfinite().all():
                raise ValueError(f"{name} must be finite, got {given}")
            self.register_buffer(name, value)

    @classmethod
    def preset(cls, name: Preset, **options: Any) -> Self:
        """A population with the parameters of a named firing pattern; options as for the constructor."""
        return cls(name, **options)

    def sized(self, num_neurons: int) -> NeuronModel:
        """This model, with one set of parameters a neuron where the population is heterogeneous."""
        if not self.needs_size:
            return self
        return type(self)(**(self._init_args | {"num_neurons": num_neurons}))

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> IzhikevichState:
        """``v = -65 mV, u = b v``."""
        return izhikevich_rest(batch, num_neurons, self.constants, like)

    def step(self, current: Tensor, state: IzhikevichState) -> tuple[Tensor, IzhikevichState]:
        """One step; see `izhikevich_step`."""
        return izhikevich_step(current, state, self.constants, self.dt)

    def parameters_of(self, index: int) -> dict[str, float]:
        """a, b, c and d of one neuron."""
        return {name: _entry(getattr(self, name), index) for name in "abcd"}

    @property
    def constants(self) -> IzhikevichParameters:
        """The parameters as the step function takes them."""
        if self.needs_size:
            raise ValueError("a heterogeneous population needs num_neurons: its neurons differ")
        return IzhikevichParameters(self.a, self.b, self.c, self.d, self.clip_peak)


class LIF(NeuronModel):
    """Leaky integrate-and-fire; see `lightning_snn.dynamics.lif`.

    Potentials are dimensionless with threshold 1 by default. A current held for one step moves v by
    ``resistance * i * (1 - exp(-dt / tau_mem))``.

    Args:
        tau_mem: Membrane time constant in ms.
        v_rest: Resting potential.
        v_reset: Potential after a spike with ``reset="hard"``.
        threshold: Potential at which a neuron spikes, above 0.
        resistance: Membrane resistance r.
        refractory: Refractory period in ms; rounded up to whole steps.
        adaptation: Rise of the threshold at each spike.
        tau_adaptation: Time constant in ms with which that rise decays.
        reset: ``hard``: v to ``v_reset``; ``soft``: v lowered by the threshold.
        surrogate: Gradient of the spike: ``atan``, ``fast_sigmoid`` or ``triangle``.
        dt: Step in ms.

    Raises:
        ValueError: if a time constant, the threshold, the resistance or ``dt`` is not positive, the
            refractory period or the adaptation is negative, or ``v_reset`` is not below the threshold.
    """

    def __init__(
        self,
        tau_mem: float = 20.0,
        *,
        v_rest: float = 0.0,
        v_reset: float = 0.0,
        threshold: float = 1.0,
        resistance: float = 1.0,
        refractory: float = 0.0,
        adaptation: float = 0.0,
        tau_adaptation: float = 100.0,
        reset: Reset = "hard",
        surrogate: Surrogate = "atan",
        dt: float = 1.0,
    ) -> None:
        super().__init__(dt)
        for name, value in {
            "tau_mem": tau_mem,
            "threshold": threshold,
            "resistance": resistance,
            "tau_adaptation": tau_adaptation,
        }.items():
            checks.positive(name, value)
        checks.non_negative("refractory", refractory)
        checks.non_negative("adaptation", adaptation)
        checks.one_of("reset", reset, ("hard", "soft"))
        checks.one_of("surrogate", surrogate, surrogates.names())
        for name, value in {"v_rest": v_rest, "v_reset": v_reset}.items():
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")
        if v_reset >= threshold:
            raise ValueError(f"v_reset must lie below threshold = {threshold}, got {v_reset}")
        self.constants = LIFParameters(
            tau_mem, v_rest, v_reset, threshold, resistance, refractory, adaptation, tau_adaptation,
            reset, surrogate,
        )  # fmt: skip

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> LIFState:
        """``v = v_rest``, not refractory, not adapted."""
        return lif_rest(batch, num_neurons, self.constants, like)

    def step(self, current: Tensor, state: LIFState) -> tuple[Tensor, LIFState]:
        """One step; see `lif_step`."""
        return lif_step(current, state, self.constants, self.dt)

    def parameters_of(self, index: int) -> dict[str, float]:
        """The constants, the same for every neuron."""
        del index
        return {k: v for k, v in self.constants._asdict().items() if isinstance(v, float)}


def check_sequence(current: Tensor) -> None:
    """Raise ``ValueError`` unless ``current`` is a floating-point ``[T, B, N]`` with no empty dimension."""
    if current.ndim != 3 or 0 in current.shape or not current.is_floating_point():
        raise ValueError(
            "current must be floating point, [T, B, N] with no empty dimension, "
            f"got {current.dtype} {list(current.shape)}"
        )


def _preset_values(preset: str, num_neurons: int, seed: int) -> tuple[Tensor, ...]:
    if preset == "heterogeneous":
        return heterogeneous_population(num_neurons, torch.Generator().manual_seed(seed))
    return tuple(torch.tensor(value) for value in PRESETS[preset])


def _entry(values: Tensor, index: int) -> float:
    return (values if values.ndim == 0 else values[index]).item()
