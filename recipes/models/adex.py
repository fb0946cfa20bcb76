"""A neuron model in a file of one's own: in YAML ``class_path: adex.AdEx``."""

import torch
from torch import Tensor

import lightning_snn as snn


class AdEx(snn.NeuronModel):
    """Adaptive exponential integrate-and-fire by Euler steps, currents in pA; .1 ms is a good step.

        capacitance dv/dt = leak (v_rest - v + delta exp((v - threshold) / delta)) - w + current
        tau_w dw/dt = a (v - v_rest) - w

    Source: Brette and Gerstner, J. Neurophysiol. 94 (2005); the constants are those of its table 1.
    """

    state = {"v": "v_rest", "w": 0.0}

    capacitance: snn.Parameter = snn.constant(default=281.0, unit="pF", above=0.0, doc="Capacitance.")
    leak: snn.Parameter = snn.constant(default=30.0, unit="nS", above=0.0, doc="Conductance of the leak.")
    v_rest: snn.Parameter = snn.constant(default=-70.6, unit="mV", doc="Where v rests, and is reset to.")
    threshold: snn.Parameter = snn.constant(default=-50.4, unit="mV", doc="Where the exponential takes off.")
    delta: snn.Parameter = snn.constant(default=2.0, unit="mV", above=0.0, doc="How gently it does.")
    tau_w: snn.Parameter = snn.constant(
        default=144.0, unit="ms", above=0.0, doc="Time constant of the adaptation."
    )
    a: snn.Parameter = snn.constant(default=4.0, unit="nS", doc="Adaptation by v.")
    b: snn.Parameter = snn.constant(default=80.5, unit="pA", doc="Adaptation by a spike.")
    peak: snn.Parameter = snn.constant(default=20.0, unit="mV", doc="Where a spike is sent.")

    def step(self, current: Tensor, state, p, dt):
        rise = p.delta * torch.exp(((state.v - p.threshold) / p.delta).clamp(max=10.0))
        v = state.v + dt / p.capacitance * (p.leak * (p.v_rest - state.v + rise) - state.w + current)
        w = state.w + dt / p.tau_w * (p.a * (state.v - p.v_rest) - state.w)
        spikes = self.spike((v - p.peak) / p.delta)
        fired = spikes.detach() > 0
        return spikes, self.State(torch.where(fired, p.v_rest, v), torch.where(fired, w + p.b, w))
