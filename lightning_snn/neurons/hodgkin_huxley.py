"""Hodgkin and Huxley's model of the squid's giant axon."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter


class HodgkinHuxley(NeuronModel):
    """Sodium, potassium and leak currents of a patch of membrane; currents in uA/cm2.

        capacitance dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_leak (e_leak - v) + i
        dx/dt = alpha_x(v) (1 - x) - beta_x(v) x,    for x = m, h, n

    Each equation is linear in its own variable and solved exactly with the others held, gates first (Rush and
    Larsen): no step and no inhibition makes it overshoot. Its error shrinks with ``dt``; 0.01 to 0.05 ms are
    good steps, at 1 ms it spikes at wrong times. A spike is where v crosses ``threshold`` upwards; nothing is
    reset. Rates are those of -200 or 200 mV beyond these. Rest is near -65 mV; the gates start from their
    values there.

    Raises:
        ValueError: if a constant is out of its range.

    Source: Hodgkin and Huxley, J. Physiol. 117 (1952), eq. 26 and those of the rates before it, in today's
    convention of signs. Gates: Rush and Larsen, IEEE Trans. Biomed. Eng. 25 (1978).

    >>> spikes, _ = HodgkinHuxley(dt=0.02)(torch.full((5000, 1, 1), 10.0))
    >>> int(spikes.sum())
    7
    """

    state = {"v": -65.0, "m": 0.0, "h": 0.0, "n": 0.0}

    capacitance: Parameter = constant(default=1.0, unit="uF/cm2", doc="Capacitance.", above=0.0)
    g_na: Parameter = constant(default=120.0, unit="mS/cm2", doc="Most of sodium.", at_least=0.0)
    g_k: Parameter = constant(default=36.0, unit="mS/cm2", doc="Most of potassium.", at_least=0.0)
    g_leak: Parameter = constant(default=0.3, unit="mS/cm2", doc="Leak.", above=0.0)
    e_na: Parameter = constant(default=50.0, unit="mV", doc="Reversal potential of sodium.")
    e_k: Parameter = constant(default=-77.0, unit="mV", doc="Reversal potential of potassium.")
    e_leak: Parameter = constant(default=-54.4, unit="mV", doc="Reversal potential of the leak.")
    threshold: Parameter = constant(default=0.0, unit="mV", doc="Potential whose crossing is a spike.")
    scale: float = option(
        default=20.0,
        doc="Distance to threshold in mV that the surrogate counts as 1.",
        kw_only=True,
        positive=True,
    )

    def start(self, p: Any) -> dict[str, Tensor | float]:
        """The gates where -65 mV holds them."""
        found = {
            name: a / (a + b) for name, (a, b) in rates(torch.tensor(-65.0, dtype=torch.float64)).items()
        }
        return {"v": -65.0, **found}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        gates = {}
        for name, (alpha, beta) in rates(state.v.clamp(-200.0, 200.0)).items():
            goal = alpha / (alpha + beta)
            gates[name] = goal + (getattr(state, name) - goal) * torch.exp(-dt * (alpha + beta))
        sodium = p.g_na * gates["m"] ** 3 * gates["h"]
        potassium = p.g_k * gates["n"] ** 4
        total = sodium + potassium + p.g_leak
        v_inf = (sodium * p.e_na + potassium * p.e_k + p.g_leak * p.e_leak + current) / total
        v = v_inf + (state.v - v_inf) * torch.exp(-dt * total / p.capacitance)
        spikes = self.spike((v - p.threshold) / self.scale) * (state.v < p.threshold)
        return spikes, self.State(v, **gates)


def rates(v: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """How fast gates open and close, alpha and beta in 1/ms, at v in mV."""
    return {
        "m": (ramp((v + 40) / 10), 4 * torch.exp((v + 65) / -18)),
        "h": (0.07 * torch.exp((v + 65) / -20), torch.sigmoid((v + 35) / 10)),
        "n": (0.1 * ramp((v + 55) / 10), 0.125 * torch.exp((v + 65) / -80)),
    }


def ramp(x: Tensor) -> Tensor:
    """``x / (1 - exp(-x))``; its series near 0, where that is 0 / 0.

    >>> ramp(torch.tensor([-50.0, 0.0, 2.0]))
    tensor([9.6437e-21, 1.0000e+00, 2.3130e+00])
    """
    near = x.abs() < 0.1
    away = torch.where(near, 1.0, x)
    return torch.where(near, 1 + x / 2 + x**2 / 12 - x**4 / 720, away / (1 - torch.exp(-away)))
