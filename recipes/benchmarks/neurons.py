"""Every neuron model, forward and forward + backward, for `before_after.py` and `compile_times.py`.

Only the public interface that all versions of the package share, so that an earlier checkout runs it too.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from lif import both_ways
from measure import Work
from torch import Tensor

SIZES = ((32, 64, 1024), (64, 64, 2048))


class Kind(NamedTuple):
    """A model: its class, its options, where a pair is a range over the neurons, and the largest current."""

    name: str
    options: dict[str, Any]
    most: float


KINDS = {
    "LIF": Kind("LIF", {"tau_mem": 1 / math.log(2)}, 3.0),
    "LIF, refractory and adapting": Kind("LIF", {"tau_mem": 2.0, "refractory": 2.0, "adaptation": 0.2}, 4.0),
    "LIF, thresholds one a neuron": Kind("LIF", {"tau_mem": 2.0, "threshold": (0.5, 1.5)}, 2.0),
    "Izhikevich": Kind("Izhikevich", {}, 60.0),
    "ConductanceLIF": Kind("ConductanceLIF", {}, 4.0),
    "IntegrateFire": Kind("IntegrateFire", {}, 0.4),
    "IntegrateFire, soft reset": Kind("IntegrateFire", {"reset": "soft"}, 0.4),
    "AdaptiveLIF": Kind("AdaptiveLIF", {}, 15.0),
    "CurrentLIF": Kind("CurrentLIF", {}, 2.0),
    "PLIF": Kind("PLIF", {}, 2.0),
    "AdEx": Kind("AdEx", {}, 4000.0),
    "QuadraticIF": Kind("QuadraticIF", {}, 20.0),
    "HodgkinHuxley": Kind("HodgkinHuxley", {}, 20.0),
    "ResonateFire": Kind("ResonateFire", {}, 0.5),
    "BalancedResonateFire": Kind("BalancedResonateFire", {}, 0.4),
    "LeakyIntegrator": Kind("LeakyIntegrator", {}, 1.0),
}
"""Evenly spread currents make a twentieth to a quarter of the neurons spike, and of the first kind 44 %."""

FIRST = tuple(KINDS)[:7]
WITH_GRADIENT = FIRST[:4]
"""Kinds that had kernels before there was a compiler, and those whose gradient had one too."""


def pieces() -> dict[str, tuple[str, str, tuple[str | int, ...]]]:
    """What `before_after.py` compares; rows that ran in plain PyTorch before the compiler are named so."""
    found = {}
    for way, name in (("forward", "forward"), ("both", "forward + backward")):
        for steps, batch, nodes in SIZES:
            for kind in FIRST:
                plain = way == "both" and kind not in WITH_GRADIENT
                part = "neurons, once a plain loop" if plain else "neurons"
                title = f"{part}: {kind}, {name} T={steps} B={batch} N={nodes}"
                found[title] = ("neurons", "work", (kind, way, steps, batch, nodes))
    return found


def kinds() -> list[str]:
    """Those that this version of the package has."""
    import lightning_snn

    return [kind for kind, found in KINDS.items() if hasattr(lightning_snn, found.name)]


def model(kind: str, nodes: int) -> Any:
    """A model of a kind."""
    import lightning_snn

    name, options, _ = KINDS[kind]
    spread = {
        key: torch.linspace(*value, nodes).tolist() if isinstance(value, tuple) else value
        for key, value in options.items()
    }
    return getattr(lightning_snn, name)(**spread)


def data(most: float, steps: int, batch: int, nodes: int) -> tuple[Tensor, Tensor]:
    """Currents from 0 to ``most`` and gradients of the spikes, ``[T, B, N]``."""
    generator = torch.Generator().manual_seed(0)
    current = most * torch.rand(steps, batch, nodes, generator=generator)
    return current, torch.randn(steps, batch, nodes, generator=generator)


def work(kind: str, way: str, *size: int) -> Work:
    """A model over a sequence, ``forward`` without gradients or ``both`` ways; returns the spikes."""
    neurons = model(kind, size[2])
    current, weight = data(KINDS[kind].most, *size)
    run: Callable[[Tensor], Tensor] = lambda x: neurons(x)[0]  # noqa: E731
    if way == "forward":
        return torch.no_grad()(lambda: run(current))
    return lambda: both_ways(run, current, weight)
