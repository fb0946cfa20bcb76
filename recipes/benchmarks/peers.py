"""Neurons of other libraries as functions from a current ``[T, B, N]`` to spikes, in steps of 1 ms.

The constants are the libraries' own where nothing else is said; no gradient passes through the reset where a
library lets one choose.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Forward = Callable[[Tensor], Tensor]


def lif_node(device: str = "cpu", backend: str = "torch") -> Forward:
    """LIF of SpikingJelly, all steps at once; it decays by a half a step."""
    from spikingjelly.activation_based import neuron

    return _spikingjelly(neuron.LIFNode, device, backend, tau=2.0)


def parametric_lif_node(device: str = "cpu", backend: str = "torch") -> Forward:
    """LIF of SpikingJelly with a learned time constant, all steps at once."""
    from spikingjelly.activation_based import neuron

    return _spikingjelly(neuron.ParametricLIFNode, device, backend, init_tau=2.0)


def leaky(device: str = "cpu") -> Forward:
    """LIF of snnTorch, reset to zero; it decays by a half a step."""
    import snntorch as snn
    from snntorch import surrogate

    node = snn.Leaky(beta=0.5, reset_mechanism="zero", spike_grad=surrogate.atan()).to(device)
    run = _over_steps(lambda step, membrane: node(step, node.init_leaky() if membrane is None else membrane))
    return lambda current: run(0.5 * current)


def synaptic(device: str = "cpu") -> Forward:
    """Current-based LIF of snnTorch, reset to zero."""
    import snntorch as snn
    from snntorch import surrogate

    node = snn.Synaptic(0.8, 0.9, reset_mechanism="zero", spike_grad=surrogate.atan()).to(device)

    def step(current: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Any]:
        spikes, *after = node(current, *(state or (torch.zeros_like(current), torch.zeros_like(current))))
        return spikes, after

    return _over_steps(step)


def lif_box_cell(device: str = "cpu") -> Forward:
    """LIF without a synaptic current of Norse; it decays by a half a step."""
    from norse.torch import LIFBoxCell
    from norse.torch.functional.lif_box import LIFBoxParameters

    constants = LIFBoxParameters(tau_mem_inv=torch.tensor(500.0), v_th=torch.tensor(1.0))
    return _over_steps(LIFBoxCell(constants, dt=0.001).to(device))


def lif_adex_cell(device: str = "cpu") -> Forward:
    """LIF of Norse with an exponential, an adaptation and a synaptic current."""
    from norse.torch import LIFAdExCell

    return _over_steps(LIFAdExCell(dt=0.001).to(device))


def lsnn_cell(device: str = "cpu") -> Forward:
    """LIF of Norse with an adaptive threshold and a synaptic current."""
    from norse.torch import LSNNCell

    return _over_steps(LSNNCell(dt=0.001).to(device))


PEERS: dict[str, tuple[Callable[..., Forward], float]] = {
    "SpikingJelly LIFNode": (lif_node, 2.0),
    "SpikingJelly ParametricLIFNode": (parametric_lif_node, 2.0),
    "snnTorch Leaky": (leaky, 2.0),
    "snnTorch Synaptic": (synaptic, 0.15),
    "Norse LIFBoxCell": (lif_box_cell, 2.0),
    "Norse LIFAdExCell": (lif_adex_cell, 1.0),
    "Norse LSNNCell": (lsnn_cell, 5.0),
}
"""By name, with the largest of evenly spread currents that make a tenth to a quarter of the neurons spike."""


def _spikingjelly(kind: Callable[..., Any], device: str, backend: str, **options: Any) -> Forward:
    from spikingjelly.activation_based import functional, surrogate

    shared = {"v_reset": 0.0, "surrogate_function": surrogate.ATan(), "detach_reset": True, "step_mode": "m"}
    node = kind(**options, **shared).to(device)
    node.backend = backend

    def run(current: Tensor) -> Tensor:
        functional.reset_net(node)
        node.zero_grad()
        spikes: Tensor = node(current)
        return spikes

    return run


def _over_steps(cell: Callable[[Tensor, Any], tuple[Tensor, Any]]) -> Forward:
    """A loop over time, as users of these libraries write it; the first state is the library's own."""

    def run(current: Tensor) -> Tensor:
        state, spikes = None, []
        for step in current:
            spike, state = cell(step, state)
            spikes.append(spike)
        return torch.stack(spikes)

    return run
