"""A leaky integrator, which never spikes: the readout of spiking networks."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.fields import constant
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter


class LeakyIntegrator(NeuronModel):
    """Sends its potential, a graded value: what a readout sees of spikes.

        tau_mem dv/dt = v_rest - v + r i,    so    v <- v_inf + (v - v_inf) exp(-dt / tau_mem)

    The step is exact for a current held over ``dt``. Potentials are dimensionless, or in mV.

    Raises:
        ValueError: if a constant is out of its range.

    Source: Gerstner et al., Neuronal Dynamics (2014), eq. 1.5; as a readout: Bellec et al., NeurIPS (2018).

    >>> v, _ = LeakyIntegrator(20.0)(torch.ones(20, 1, 1))
    >>> round(v[-1].item(), 4)
    0.6321
    """

    state = {"v": "v_rest"}
    graded = True

    tau_mem: Parameter = constant(default=20.0, unit="ms", doc="Membrane time constant.", above=0.0)
    v_rest: Parameter = constant(default=0.0, doc="Resting potential.", kw_only=True)
    resistance: Parameter = constant(default=1.0, doc="Membrane resistance r.", above=0.0, kw_only=True)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What is left of a distance after a step."""
        return {"decay": torch.exp(-dt / p.tau_mem)}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        v_inf = p.v_rest + p.resistance * current
        v = v_inf + (state.v - v_inf) * p.decay
        return v, self.State(v)
