"""Weights scaled layer by layer on data, until each layer does what is wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from lightning_utilities.core.rank_zero import rank_zero_warn
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.network import Recording, SpikingNetwork, graph
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.initialisation.initialisation import (
    Agree,
    Initialisation,
    generator_of,
    trained_in,
)

LIMIT_MB = 4096.0
"""Most memory for the current of one layer."""

FURTHEST = 10.0
"""Most by which one try changes a scale."""


class LSUV(Initialisation):
    """Layer-sequential unit variance: orthonormal weights, scaled on data one layer after another.

    The weights of all trained connections to a layer are multiplied by one factor until the current of its
    neurons, over time, samples and neurons, has the wanted deviation; or, where a ``rate`` is given, until
    they spike at that rate. Then follows the next layer, which sees what the ones before now send. Weights
    below a norm, to which their scale is nothing, stay orthonormal.

    Args:
        deviation: Wanted deviation of the current; what a neuron needs depends on its threshold and
            resistance, which are 1 in a `LIF`.
        rate: Wanted mean rate in Hz, instead of a deviation.
        tolerance: Relative error that is small enough.
        tries: Most runs of a layer.
        num_samples: Training samples that are shown, in a module.

    Raises:
        ValueError: if a number is out of range; and in `start` if there are no data, or a layer stays silent.

    Source: Mishkin and Matas, ICLR (2016), algorithm 1.
    """

    needs_data = True

    def __init__(
        self,
        deviation: float = 1.0,
        *,
        rate: float | None = None,
        tolerance: float = 0.05,
        tries: int = 10,
        num_samples: int = 128,
    ) -> None:
        checks.positive("deviation", deviation)
        if rate is not None:
            checks.positive("rate", rate)
        checks.positive("tolerance", tolerance)
        checks.count("tries", tries)
        checks.count("num_samples", num_samples)
        self.deviation, self.rate, self.tolerance, self.tries = deviation, rate, tolerance, tries
        self.num_samples = num_samples

    def check(self, network: SpikingNetwork) -> None:
        """See `Initialisation.check`; a rate must be one that neurons can have."""
        super().check(network)
        if self.rate is not None and self.rate > 1000 / network.dt:
            raise ValueError(
                f"initialisation.rate must be at most one spike a step, {1000 / network.dt:g} Hz, got "
                f"{self.rate:g}"
            )

    @torch.no_grad()
    def start(
        self,
        network: SpikingNetwork,
        *,
        projections: Mapping[str, WeightedProjection],
        inputs: Mapping[str, Tensor] | None = None,
        agree: Agree = lambda value: value,
    ) -> None:
        """See `Initialisation.start`.

        Raises:
            ValueError: if there are no inputs, or a layer stays silent.
        """
        if inputs is None:
            raise ValueError(
                "initialisation: LSUV scales weights on data, and none are given: initialise(..., inputs=...)"
            )
        trained = trained_in(network, projections)
        for name, projection in trained.items():
            projection.rewire({"weight": _orthonormal(projection.weight, generator_of(network, name))})
        known: dict[str, Tensor] = {}
        for group in graph.groups(tuple(network.names), network.edges):
            show = partial(
                network.run, inputs, known=dict(known), layers=group, projections=projections, noise=False
            )
            for layer in group:
                leading = [p for name, p in trained.items() if network.connection(name).target == layer]
                leading = [p for p in leading if p.norm is None]
                if leading:
                    self._scale(layer, leading, show, agree, dt=network.dt)
            known |= show()[0]

    def _scale(
        self,
        layer: str,
        leading: Sequence[WeightedProjection],
        show: Callable[..., Any],
        agree: Agree,
        *,
        dt: float,
    ) -> None:
        """Multiply the weights that lead to a layer by one factor, until it does what is wanted."""
        recording = Recording({layer: ["current"]}, LIMIT_MB)
        for left in reversed(range(self.tries + 1)):
            spikes, _, recorded = show(record=recording)
            deviation = agree(recorded[layer]["current"].double().std(correction=0)).item()
            rate = agree(spikes[layer].double().mean()).item() * 1000 / dt
            if deviation == 0:
                raise ValueError(
                    f"initialisation: nothing that varies reaches layers.{layer} on the data, which no scale "
                    "changes: check the encoder's gain and the layers before it"
                )
            found, wanted = (deviation, self.deviation) if self.rate is None else (rate, self.rate)
            if abs(found / wanted - 1) <= self.tolerance:
                return
            if left:
                factor = wanted / deviation if self.rate is None else _towards(self.rate, rate)
                for projection in leading:
                    projection.rewire({"weight": projection.weight * factor})
        if rate == 0 and self.rate is not None:
            raise ValueError(
                f"initialisation: layers.{layer} is silent on the data after {self.tries} tries: check the "
                "encoder's gain and the layers before it"
            )
        what = "current deviates by" if self.rate is None else "rate in Hz is"
        rank_zero_warn(
            f"initialisation: layers.{layer}: the {what} {found:.3g} after {self.tries} tries, and "
            f"{wanted:g} is wanted: raise `tries` or `tolerance` if that matters"
        )


def _towards(wanted: float, rate: float) -> float:
    """The factor of the next try for a rate: its square root, as rates rise steeply from nothing."""
    return min(max((wanted / rate) ** 0.5, 1 / FURTHEST), FURTHEST) if rate else 2.0


def _orthonormal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Weights ``[K, F]``, or ``[P, K, F]``, with rows (or columns, where there are fewer) of length 1."""
    return torch.stack([*_matrices(like, generator)]).reshape(like.shape).to(like)


def _matrices(like: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    for matrix in like.reshape(-1, *like.shape[-2:]):
        yield nn.init.orthogonal_(torch.empty(matrix.shape), generator=generator)
