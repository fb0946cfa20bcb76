"""One of each neuron model, and a user's own, with a drive that makes it spike."""

import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from helpers.tensors import rand

from lightning_snn import (
    LIF,
    AdaptiveLIF,
    AdEx,
    ConductanceLIF,
    CurrentLIF,
    IntegrateFire,
    Izhikevich,
    LeakyIntegrator,
    Relay,
    neurons,
)
from lightning_snn.neurons import NeuronModel

OWN = Path(__file__).parents[2] / "recipes" / "models" / "adex.py"
"""A file of a user's, with the class ``AdEx``."""


def _own() -> type[NeuronModel]:
    """The class of that file, as if its folder were the user's."""
    sys.path.insert(0, str(OWN.parent))
    try:
        return import_module(OWN.stem).AdEx
    finally:
        sys.path.remove(str(OWN.parent))


class Case(NamedTuple):
    """A model, its arguments, and the largest of the currents that make it spike."""

    kind: type[NeuronModel]
    most: float
    options: dict[str, Any] = {}

    def model(self, **changes: Any) -> NeuronModel:
        """One of them, at steps of half a ms unless its options say otherwise."""
        return self.kind(**{"dt": 0.5, **self.options, **changes})

    def current(self, *shape: int, seed: int = 0, **options: Any) -> Any:
        """Currents of 0 to ``most``."""
        return self.most * rand(*shape, seed=seed, **options)

    @property
    def constants(self) -> list[str]:
        """Names of its constants."""
        return [*self.kind.constants_declared()]

    def number(self, name: str) -> float:
        """A constant as a number."""
        return self.model().parameters_of(0)[name]


EVERY = {
    "LIF": Case(neurons.LIF, 4.0, {"refractory": 1.5, "adaptation": 0.1}),
    "LIF, plain": Case(neurons.LIF, 4.0),
    "LIF, soft reset": Case(neurons.LIF, 4.0, {"reset": "soft", "v_reset": -0.25}),
    "Izhikevich": Case(neurons.Izhikevich, 40.0),
    "Izhikevich, clipped": Case(neurons.Izhikevich, 40.0, {"clip_peak": True, "refractory": 2.0}),
    "ConductanceLIF": Case(neurons.ConductanceLIF, 6.0, {"refractory": 2.0}),
    "IntegrateFire": Case(neurons.IntegrateFire, 0.5, {"threshold": 1.25}),
    "Relay": Case(neurons.Relay, 1.0),
    "SEW": Case(neurons.SEW, 1.0),
    "AdEx": Case(neurons.AdEx, 3000.0, {"refractory": 1.5}),
    "QuadraticIF": Case(neurons.QuadraticIF, 9.0),
    "CurrentLIF": Case(neurons.CurrentLIF, 1.0, {"refractory": 1.5}),
    "LeakyIntegrator": Case(neurons.LeakyIntegrator, 2.0),
    "AdaptiveLIF": Case(neurons.AdaptiveLIF, 5.0),
    "PLIF": Case(neurons.PLIF, 2.5),
    "HodgkinHuxley": Case(neurons.HodgkinHuxley, 100.0, {"dt": 0.1}),
    "ResonateFire": Case(neurons.ResonateFire, 0.6),
    "BalancedResonateFire": Case(neurons.BalancedResonateFire, 0.6),
    "a user's AdEx": Case(_own(), 3000.0),
}
"""Every model of the package, in its kinds; and a user's."""


def as_users_file(folder: Path) -> None:
    """That file in a folder of the user's."""
    shutil.copy(OWN, folder / OWN.name)


DRIVEN = {
    "lif": (LIF(5.0, refractory=2.0, adaptation=0.1), 5.0),
    "soft": (LIF(5.0, reset="soft"), 5.0),
    "izhikevich": (Izhikevich("chattering"), 20.0),
    "izhikevich refractory": (Izhikevich("chattering", refractory=3.0), 20.0),
    "integrate and fire": (IntegrateFire(reset="soft"), 0.4),
    "conductance": (ConductanceLIF(20.0), 3.0),
    "current": (CurrentLIF(), 5.0),
    "adaptive": (AdaptiveLIF(5.0), 5.0),
    "adex": (AdEx(), 2000.0),
    "leaky integrator": (LeakyIntegrator(5.0), 1.0),
    "relay": (Relay(), 1.0),
}
"""Models to record from, each with the largest of the currents that make it spike."""
