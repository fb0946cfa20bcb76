"""Conductance-based leaky integrate-and-fire as a module."""

from collections.abc import Mapping

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import charge_of
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.conductance_lif import (
    ConductanceLIFFactors,
    ConductanceLIFParameters,
    ConductanceLIFState,
    conductance_lif_before_reset,
    conductance_lif_factors,
    conductance_lif_rest,
    conductance_lif_step,
)
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import check_lasting
from lightning_snn.ops.conductance_lif import conductance_lif_scan


class ConductanceLIF(NeuronModel):
    """Leaky integrate-and-fire with conductance synapses.

    It has two inputs whose charges add to a conductance: a weight of a projection without kinetics as it is,
    0 or above, in units of the leak's conductance. ``current`` adds to the excitatory conductance,
    ``inhibition`` to the inhibitory one. See `lightning_snn.dynamics.conductance_lif`; the defaults are the
    excitatory cells of the source. Every parameter is one number, the same for all neurons.

    Args:
        tau_mem: Membrane time constant in ms.
        v_rest: Resting potential in mV.
        v_reset: Potential after a spike in mV.
        threshold: Potential in mV at which a neuron spikes.
        refractory: Refractory period in ms; rounded up to whole steps.
        tau_excitation: Time constant in ms of the excitatory conductance.
        tau_inhibition: Time constant in ms of the inhibitory conductance.
        reversal_excitation: Reversal potential of excitation in mV.
        reversal_inhibition: Reversal potential of inhibition in mV.
        adaptation: Rise of the threshold in mV at each spike.
        tau_adaptation: Time constant in ms with which that rise decays.
        surrogate: Gradient of the spike: ``atan``, ``fast_sigmoid`` or ``triangle``.
        dt: Step in ms; by default the network's, and 1 ms in a model alone.

    Raises:
        ValueError: if a parameter is not one number, a time constant or ``dt`` is not positive, a strength is
            negative, or the potentials are not in the order inhibition's reversal <= rest, reset <
            threshold < excitation's reversal.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), sections 2.1 and 2.2.
    """

    inputs = ("current", "inhibition")

    def __init__(
        self,
        tau_mem: float = 100.0,
        *,
        v_rest: float = -65.0,
        v_reset: float = -65.0,
        threshold: float = -52.0,
        refractory: float = 5.0,
        tau_excitation: float = 1.0,
        tau_inhibition: float = 2.0,
        reversal_excitation: float = 0.0,
        reversal_inhibition: float = -100.0,
        adaptation: float = 0.05,
        tau_adaptation: float = 1e7,
        surrogate: Surrogate = "atan",
        dt: float | None = None,
    ) -> None:
        super().__init__(dt)
        checks.one_of("surrogate", surrogate, surrogates.names())
        self.constants = ConductanceLIFParameters(
            tau_mem, v_rest, v_reset, threshold, refractory, tau_excitation, tau_inhibition,
            reversal_excitation, reversal_inhibition, adaptation, tau_adaptation, surrogate,
        )  # fmt: skip
        for name, value in self.parameters_of(0).items():
            checks.number(name, value)
        for name in ("tau_mem", "tau_excitation", "tau_inhibition", "tau_adaptation"):
            checks.positive(name, getattr(self.constants, name))
        for name in ("refractory", "adaptation"):
            checks.non_negative(name, getattr(self.constants, name))
        for name in ("v_rest", "v_reset", "threshold", "reversal_excitation", "reversal_inhibition"):
            checks.finite(name, getattr(self.constants, name))
        if not reversal_inhibition <= min(v_rest, v_reset) <= max(v_rest, v_reset) < threshold:
            raise ValueError(
                f"threshold must lie above v_rest and v_reset, and these not below reversal_inhibition, got "
                f"{threshold}, {v_rest}, {v_reset} and {reversal_inhibition}"
            )
        if threshold >= reversal_excitation:
            raise ValueError(
                f"reversal_excitation must lie above threshold = {threshold}, got {reversal_excitation}"
            )

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> ConductanceLIFState:
        """``v = v_rest``, no conductances, not refractory, not adapted."""
        return conductance_lif_rest(batch, num_neurons, self.constants, like)

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if the adaptation forgets the rise within a presentation."""
        check_lasting(1.0, self.constants.tau_adaptation)

    def step(
        self, current: Tensor, state: ConductanceLIFState, **others: Tensor
    ) -> tuple[Tensor, ConductanceLIFState]:
        """One step; see `conductance_lif_step`."""
        self.check_inputs(current, others)
        drive, inhibition = self._charges(current, others)
        return conductance_lif_step(drive, state, self.constants, self.dt, inhibition)

    def before_reset(
        self, current: Tensor, state: ConductanceLIFState, **others: Tensor
    ) -> ConductanceLIFState:
        """The state of a step before spikes reset it; see `conductance_lif_before_reset`."""
        self.check_inputs(current, others)
        drive, inhibition = self._charges(current, others)
        return conductance_lif_before_reset(drive, state, self._factors(), inhibition)

    def scan(
        self, current: Tensor, state: ConductanceLIFState, **others: Tensor
    ) -> tuple[Tensor, ConductanceLIFState]:
        """Steps in one operator; see `conductance_lif_scan`."""
        self.check_inputs(current, others)
        drive, inhibition = self._charges(current, others)
        return conductance_lif_scan(
            drive, state, self._factors(), surrogate=self.constants.surrogate, inhibition=inhibition
        )

    def scan_uniform(
        self,
        current: Tensor,
        state: ConductanceLIFState,
        spikes: Tensor,
        strength: float,
        *,
        input: str = "current",
        **others: Tensor,
    ) -> tuple[Tensor, ConductanceLIFState]:
        """As in `NeuronModel`; inhibition of all others runs in one operator, see `conductance_lif_scan`."""
        if input != "inhibition":
            return super().scan_uniform(current, state, spikes, strength, input=input, **others)
        self.check_inputs(current, others)
        drive, inhibition = self._charges(current, others)
        return conductance_lif_scan(
            drive, state, self._factors(), surrogate=self.constants.surrogate,
            inhibition=inhibition, spikes=spikes, strength=charge_of(strength, self.dt),
        )  # fmt: skip

    def _charges(self, current: Tensor, others: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """What the inputs add to the conductances in each step, excitation and inhibition."""
        inhibition = others.get("inhibition")
        return charge_of(current, self.dt), None if inhibition is None else charge_of(inhibition, self.dt)

    def _factors(self) -> ConductanceLIFFactors:
        return conductance_lif_factors(self.constants, self.dt)

    def parameters_of(self, index: int) -> dict[str, float]:
        """The constants, the same for every neuron."""
        del index
        return {name: value for name, value in self.constants._asdict().items() if name != "surrogate"}
