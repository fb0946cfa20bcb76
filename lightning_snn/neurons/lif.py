"""Leaky integrate-and-fire as a module."""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.lif import (
    LIFFactors,
    LIFParameters,
    LIFState,
    Reset,
    lif_advance,
    lif_before_reset,
    lif_factors,
    lif_rest,
)
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_lasting, check_length, entry
from lightning_snn.ops.lif import lif_scan, lif_sheet_scan
from lightning_snn.ops.sequence import check_kind


class LIF(NeuronModel):
    """Leaky integrate-and-fire; see `lightning_snn.dynamics.lif`.

    Potentials are dimensionless with threshold 1 by default. A current held for one step moves v by
    ``resistance * i * (1 - exp(-dt / tau_mem))``. Every parameter is one number, or one a neuron.

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
        dt: Step in ms; by default the network's, and 1 ms in a model alone.

    Raises:
        ValueError: if a time constant, the threshold, the resistance or ``dt`` is not positive, the
            refractory period or the adaptation is negative, ``v_reset`` is not below the threshold, or a
            parameter needs a gradient.
    """

    def __init__(
        self,
        tau_mem: Parameter = 20.0,
        *,
        v_rest: Parameter = 0.0,
        v_reset: Parameter = 0.0,
        threshold: Parameter = 1.0,
        resistance: Parameter = 1.0,
        refractory: Parameter = 0.0,
        adaptation: Parameter = 0.0,
        tau_adaptation: Parameter = 100.0,
        reset: Reset = "hard",
        surrogate: Surrogate = "atan",
        dt: float | None = None,
    ) -> None:
        super().__init__(dt)
        checks.one_of("reset", reset, get_args(Reset))
        checks.one_of("surrogate", surrogate, surrogates.names())
        self.constants = LIFParameters(
            tau_mem=_checked("tau_mem", tau_mem, checks.positive),
            v_rest=_checked("v_rest", v_rest, checks.finite),
            v_reset=_checked("v_reset", v_reset, checks.finite),
            threshold=_checked("threshold", threshold, checks.positive),
            resistance=_checked("resistance", resistance, checks.positive),
            refractory=_checked("refractory", refractory, checks.non_negative),
            adaptation=_checked("adaptation", adaptation, checks.non_negative),
            tau_adaptation=_checked("tau_adaptation", tau_adaptation, checks.positive),
            reset=reset,
            surrogate=surrogate,
        )
        self._check_reset()
        self._factors: dict[tuple[object, ...], Tensor] = {}

    def sized(self, num_neurons: int) -> NeuronModel:
        """This model.

        Raises:
            ValueError: if a parameter is given for another number of neurons.
        """
        for name, value in self._numbers().items():
            check_length(name, value, num_neurons)
        return self

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> LIFState:
        """``v = v_rest``, not refractory, not adapted."""
        return lif_rest(batch, num_neurons, self.constants, like)

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if the adaptation forgets the rise within a presentation."""
        check_lasting(self.constants.adaptation, self.constants.tau_adaptation)

    def step(self, current: Tensor, state: LIFState, **others: Tensor) -> tuple[Tensor, LIFState]:
        """One step; see `lif_step`."""
        self.check_inputs(current, others)
        c, factors = self.constants, LIFFactors(*self._factors_for(state).unbind())
        return lif_advance(current, state, factors, c.reset, c.surrogate)

    def before_reset(self, current: Tensor, state: LIFState, **others: Tensor) -> LIFState:
        """The state of a step before spikes reset it; see `lif_before_reset`."""
        self.check_inputs(current, others)
        return lif_before_reset(current, state, LIFFactors(*self._factors_for(state).unbind()))

    def scan(self, current: Tensor, state: LIFState, **others: Tensor) -> tuple[Tensor, LIFState]:
        """Steps in one operator; see `lif_scan`."""
        self.check_inputs(current, others)
        c = self.constants
        return lif_scan(current, state, self._factors_for(state), reset=c.reset, surrogate=c.surrogate)

    def scan_sheet(
        self, current: Tensor, state: LIFState, spikes: Tensor, rows: Tensor, **others: Tensor
    ) -> tuple[Tensor, LIFState]:
        """Steps in one operator; see `lif_sheet_scan`."""
        self.check_inputs(current, others)
        c = self.constants
        factors = self._factors_for(state)
        return lif_sheet_scan(current, state, spikes, rows, factors, reset=c.reset, surrogate=c.surrogate)

    def parameters_of(self, index: int) -> dict[str, float]:
        """The constants of one neuron."""
        return {name: entry(value, index) for name, value in self._numbers().items()}

    def _numbers(self) -> dict[str, float | Tensor]:
        c = self.constants._asdict()
        return {name: value for name, value in c.items() if name not in ("reset", "surrogate")}

    def _factors_for(self, state: LIFState) -> Tensor:
        """The factors in the format and on the device of a state; kept where numbers are all they hold."""
        check_kind(state, LIFState)
        like = state.v
        if any(isinstance(value, Tensor) for value in self.constants):
            return lif_factors(self.constants, self.dt).to(like)
        key = (like.device, like.dtype, self.dt, *self.constants)
        if key not in self._factors:
            with torch.inference_mode(False):  # validation may come before training
                self._factors = {key: lif_factors(self.constants, self.dt).to(like)}
        return self._factors[key]

    def _check_reset(self) -> None:
        v_reset, threshold = self.constants.v_reset, self.constants.threshold
        if bool((torch.as_tensor(v_reset) >= torch.as_tensor(threshold)).any()):
            raise ValueError(f"v_reset must lie below threshold = {threshold}, got {v_reset}")


def _checked(name: str, value: Parameter, check: Callable[[str, float], None]) -> float | Tensor:
    """``value`` as one number or ``[N]``; every entry passes ``check``."""
    checks.constant(name, value)
    if isinstance(value, int | float):
        check(name, value)
        return float(value)
    values = torch.as_tensor(value, dtype=torch.float64)
    for number in (values.amin().item(), values.amax().item()):
        check(name, number)
    return values
