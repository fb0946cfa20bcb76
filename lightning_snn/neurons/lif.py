"""Leaky integrate-and-fire as a module."""

import math

from torch import Tensor

from lightning_snn import checks
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.lif import LIFParameters, LIFState, Reset, lif_rest, lif_step
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons.model import NeuronModel


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
