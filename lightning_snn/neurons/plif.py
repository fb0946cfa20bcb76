"""Leaky integrate-and-fire whose membrane time constant is learned."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below, unit_of


class PLIF(NeuronModel):
    """Parametric leaky integrate-and-fire: its time constant is learned.

        v <- v + (x - (v - v_reset)) / tau_mem,    v >= threshold: v <- v_reset

    These are the paper's steps of 1 ms, also ``ParametricLIFNode(decay_input=True)`` of SpikingJelly. A step
    of ``dt`` does what ``dt`` such steps do under a current that is held: it moves v by the share
    ``1 - (1 - 1 / tau_mem)^dt``. What is learned is the paper's number: ``1 / tau_mem`` is its logistic, so
    that ``tau_mem`` stays above 1 ms. One number is learned by all neurons, as in the paper; a list or tensor
    of one a neuron gives each its own, ``learn=[]`` none.

    Raises:
        ValueError: if a constant is out of its range, or ``v_reset`` not below the threshold.

    Source: Fang et al., Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks, ICCV (2021), section 3.

    >>> [name for name, _ in PLIF().named_parameters()]
    ['learned.tau_mem']
    """

    state = {"v": "v_reset"}

    tau_mem: Parameter = constant(default=2.0, unit="ms", doc="Membrane time constant.", above=1.0)
    v_reset: Parameter = constant(
        default=0.0, doc="Potential at rest and after a spike, below the threshold.", kw_only=True
    )
    threshold: Parameter = constant(default=1.0, doc="Potential at which a neuron spikes.", kw_only=True)
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default from reset to threshold.",
        kw_only=True,
        positive=True,
    )
    learn: Sequence[str] = option(
        default=("tau_mem",), doc="Names of constants to learn.", kw_only=True, common=True
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless ``v_reset`` lies below the threshold."""
        check_below("v_reset", self.v_reset, "threshold", self.threshold)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The share of the way to its goal that v moves in a step."""
        return {
            "share": -torch.expm1(dt * torch.log1p(-1 / p.tau_mem)),
            "distance": unit_of(self.scale, p.threshold - p.v_reset),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        v = state.v + (current - (state.v - p.v_reset)) * p.share
        spikes = self.spike((v - p.threshold) / p.distance)
        return spikes, self.State(hard_reset(v, spikes, p.v_reset, self.detach_reset)), self.State(v)
