"""A cost of neurons that spike too little, or too much."""

from collections.abc import Collection, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.regulariser import Regulariser
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import Presentation

Bounded = Literal["neuron", "population"]


class RateBounds(Regulariser):
    """The squared share by which rates in a sample lie below a lower, or above an upper bound.

        cost = strength mean ((1 - rate / lower)_+^2 + (rate / upper - 1)_+^2)

    The mean is over samples, over neurons or populations, and over layers. In the paper each neuron has a
    lower bound and each population an upper one: two regularisers.

    Args:
        lower: Lower bound in Hz; None: none.
        upper: Upper bound in Hz; None: none.
        of: What is bounded: the rate of each ``neuron``, or the mean rate of each layer, its ``population``.
        layers: Names of the layers; by default all that get spikes from others and send spikes.
        strength: Factor of the cost; at 1 a silent neuron costs 1.

    Raises:
        ValueError: if there is no bound, one is not positive, the lower one lies above the upper one, or the
            strength is not positive.

    Source: Zenke and Vogels, Neural Comput. 33 (2021) (activity regularisers).
    """

    def __init__(
        self,
        lower: float | None = None,
        upper: float | None = None,
        *,
        of: Bounded = "neuron",
        layers: Sequence[str] | None = None,
        strength: float = 1.0,
    ) -> None:
        if lower is None and upper is None:
            raise ValueError("RateBounds needs lower or upper, a rate in Hz, got neither")
        for name, bound in {"lower": lower, "upper": upper}.items():
            if bound is not None:
                checks.positive(name, bound)
        if lower is not None and upper is not None and lower > upper:
            raise ValueError(f"lower must not lie above upper = {upper} Hz, got {lower} Hz")
        checks.one_of("of", of, get_args(Bounded))
        checks.positive("strength", strength)
        self.lower, self.upper = lower, upper
        self.of = of
        self.layers = layers
        self.strength = strength

    def check(self, network: SpikingNetwork, layers: Collection[str], *, key: str) -> None:
        """Raise ``ValueError`` if a layer does not run or has no rate, or a bound cannot be reached."""
        spiking = [name for name in layers if name not in network.graded]
        for name in self.layers or ():
            checks.one_of(f"{key}.layers", name, spiking)
        most = 1000 / network.dt
        for name, bound in {"lower": self.lower, "upper": self.upper}.items():
            if bound is not None and bound > most:
                raise ValueError(
                    f"{key}.{name} must be at most {most:g} Hz, a spike in each step of {network.dt} ms, got "
                    f"{bound:g} Hz"
                )
        if not self.chosen(network, layers):
            raise ValueError(f"{key} has no layer to bound: none gets spikes from others and sends spikes")

    def chosen(self, network: SpikingNetwork, layers: Collection[str]) -> list[str]:
        """Names of the layers that are bounded, of those that run."""
        if self.layers is not None:
            return list(self.layers)
        fixed = {*network.inputs, *network.graded}
        return [name for name in layers if name not in fixed]

    def __call__(self, shown: Presentation, network: SpikingNetwork) -> Tensor:
        """The cost; see the class."""
        costs = [self._cost(shown.rates[name]) for name in self.chosen(network, shown.rates)]
        return self.strength * torch.stack(costs).mean()

    def _cost(self, rates: Tensor) -> Tensor:
        """Of the rates ``[B, N]`` of a layer."""
        if self.of == "population":
            rates = rates.mean(1)
        cost = torch.zeros_like(rates)
        if self.lower is not None:
            cost = cost + (1 - rates / self.lower).relu().square()
        if self.upper is not None:
            cost = cost + (rates / self.upper - 1).relu().square()
        return cost.mean()
