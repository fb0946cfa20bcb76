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

    capacitance: snn.Parameter = snn.constant(281.0, "pF", "Capacitance.", above=0.0)
    leak: snn.Parameter = snn.constant(30.0, "nS", "Conductance of the leak.", above=0.0)
    v_rest: snn.Parameter = snn.constant(-70.6, "mV", "Where v rests, and is reset to.")
    threshold: snn.Parameter = snn.constant(-50.4, "mV", "Where the exponential takes off.")
    delta: snn.Parameter = snn.constant(2.0, "mV", "How gently it does.", above=0.0)
    tau_w: snn.Parameter = snn.constant(144.0, "ms", "Time constant of the adaptation.", above=0.0)
    a: snn.Parameter = snn.constant(4.0, "nS", "Adaptation by v.")
    b: snn.Parameter = snn.constant(80.5, "pA", "Adaptation by a spike.")
    peak: snn.Parameter = snn.constant(20.0, "mV", "Where a spike is sent.")

    def step(self, current: Tensor, state, p, dt):
        rise = p.delta * torch.exp(((state.v - p.threshold) / p.delta).clamp(max=10.0))
        v = state.v + dt / p.capacitance * (p.leak * (p.v_rest - state.v + rise) - state.w + current)
        w = state.w + dt / p.tau_w * (p.a * (state.v - p.v_rest) - state.w)
        spikes = self.spike((v - p.peak) / p.delta)
        fired = spikes.detach() > 0
        return spikes, self.State(torch.where(fired, p.v_rest, v), torch.where(fired, w + p.b, w))
