"""What a network of format 4 or older did in time, said in the arguments of now.

Until format 4 a projection without kinetics sent its weight as a current, whatever ``dt``; an exponential
current and a conductance were held at their value after a spike, not at their mean over the step; the delay
to the same or an earlier layer came on top of one step. Factors of ``gain`` and ``strength`` and another
``delay`` make that the same again.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from lightning_utilities.core.rank_zero import rank_zero_warn

from lightning_snn.core.config import class_at
from lightning_snn.core.settings import DT
from lightning_snn.core.time import LATE_DELAY, mean_of_decay

_CONDUCTANCES = {"current": ("tau_excitation", 1.0), "inhibition": ("tau_inhibition", 2.0)}
"""Time constant of `ConductanceLIF` behind each of its inputs, and its default in ms."""

_IN_CHARGES = ("ConductanceLIF", "IntegrateFire", "Relay")
"""Neurons that added a weight as it was, and take its charge now."""

_PULSES = ("Frames", "Latency", "Poisson")
"""Encoders that send pulses, which were currents and are charges now."""


def retimed(settings: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters of a module whose network does in time what it did.

    Args:
        settings: Those of format 4 or older, with ``layers`` by name; not modified. Others stay as they are.
    """
    layers = settings.get("layers")
    if not isinstance(layers, dict):
        return settings
    dt, names = step_of(settings), list(layers)
    found: dict[str, Any] = {}
    for name, layer in layers.items():
        given = _arguments(layer)
        changed = {
            key: _projection(given[key], given.get("neuron"), "current", late=key == "lateral", dt=dt)
            for key in ("projection", "lateral")
            if isinstance(given.get(key), dict)
        }
        found[name] = _with(layer, changed)
    connections: dict[str, Any] = {}
    for name, connection in (settings.get("connections") or {}).items():
        c = _arguments(connection)
        ends = [names.index(c[end]) if c.get(end) in names else 0 for end in ("source", "target")]
        neuron = _arguments(layers.get(c.get("target"))).get("neuron")
        changed = _projection(
            c.get("projection"), neuron, c.get("input", "current"), late=ends[0] >= ends[1], dt=dt
        )
        connections[name] = _with(connection, {"projection": changed})
    if dt != 1 and _pulses_drive_a_leak(settings, layers):
        rank_zero_warn(
            f"the checkpoint is of a version whose encoders sent other pulses at dt = {dt} ms: multiply "
            "their amplitude by dt to get what it did"
        )
    return settings | {"layers": found} | ({"connections": connections} if connections else {})


def _projection(made: Any, neuron: Any, input: str, *, late: bool, dt: float) -> Any:
    """A projection that delivers to neurons, and takes as long, as it did."""
    given = _arguments(made)
    if not isinstance(made, dict) or "class_path" not in made:
        return made
    changed: dict[str, Any] = {}
    defaults = _defaults(made["class_path"])
    if late and "delay" in defaults:
        delay = (given.get("delay") or 0.0) + dt
        changed = {"delay": None if delay == LATE_DELAY else delay}
    factor = _factor(given.get("kinetics"), neuron, input, dt=dt)
    strong = next((key for key in ("gain", "strength") if key in defaults), None)
    if factor != 1 and strong is not None:
        changed[strong] = factor * given.get(strong, defaults[strong])
    return _with(made, changed)


def _factor(kinetics: Any, neuron: Any, input: str, *, dt: float) -> float:
    """By how much more a weight has to be now for neurons to get what they got."""
    kind, now = _kind(neuron), 1 / dt
    if _kind(kinetics) == "ExponentialCurrent":
        now = mean_of_decay(_arguments(kinetics).get("tau", 5.0), dt)
    if kind in _IN_CHARGES:
        now *= dt
    if kind == "ConductanceLIF" and input in _CONDUCTANCES:
        tau, default = _CONDUCTANCES[input]
        now *= mean_of_decay(_arguments(neuron).get(tau, default), dt)
    return 1 / now


def _pulses_drive_a_leak(settings: Mapping[str, Any], layers: Mapping[str, Any]) -> bool:
    """Whether an encoder of pulses drives neurons that took them as a current."""
    given = settings.get("encoder")
    encoders = given.values() if isinstance(given, dict) and "class_path" not in given else [given]
    pulses = any(_kind(encoder) in _PULSES for encoder in encoders)
    reached = [_arguments(c).get("target") for c in (settings.get("connections") or {}).values()]
    inputs = [
        layer
        for name, layer in layers.items()
        if name not in reached and _arguments(layer).get("projection") is None
    ]
    return pulses and any(_kind(_arguments(layer).get("neuron")) not in _IN_CHARGES for layer in inputs)


def step_of(settings: Mapping[str, Any]) -> float:
    """Step in ms of the network."""
    layers = settings.get("layers")
    found = layers.values() if isinstance(layers, dict) else []
    neurons = (_arguments(_arguments(layer).get("neuron")).get("dt") for layer in found)
    return next((float(dt) for dt in (settings.get("dt"), *neurons) if dt), DT)


def _kind(settings: Any) -> str:
    """Name of a class without its package."""
    return str(settings.get("class_path") if isinstance(settings, dict) else settings).rpartition(".")[2]


def _defaults(class_path: str) -> dict[str, Any]:
    cls = class_at(class_path)
    return {} if cls is None else {name: p.default for name, p in signature(cls).parameters.items()}


def _arguments(settings: Any) -> dict[str, Any]:
    """Those of a class."""
    found = settings.get("init_args", settings) if isinstance(settings, dict) else None
    return found if isinstance(found, dict) else {}


def _with(settings: Any, changes: dict[str, Any]) -> Any:
    """A class with other arguments."""
    if not changes:
        return settings
    return settings | ({"init_args": _arguments(settings) | changes} if "init_args" in settings else changes)
