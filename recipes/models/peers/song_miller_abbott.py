"""Song, Miller and Abbott (2000): the weights of 1,000 Poisson inputs become bimodal, as in Brian2's example.

What differs from the example "STDP": Runge-Kutta, which holds at a step of 1 ms too, and both steps.
"""

import sys
from typing import Any

import brian2 as b2
import numpy as np
from figures import store

CONSTANTS: dict[str, Any] = {
    "inputs": 1000, "rate": 15.0, "tau_mem": 10.0, "tau_excitation": 5.0, "leak_reversal": -74.0,
    "reversal_excitation": 0.0, "threshold": -54.0, "v_reset": -60.0, "w_max": 0.01, "tau_plus": 20.0,
    "tau_minus": 20.0, "a_plus": 0.01, "a_minus": 0.0105,
}  # fmt: skip
SECONDS = (30, 100)
"""When the weights are looked at."""

LAST = 10
"""Seconds before that over which the output is counted."""


def run(step: float, seed: int) -> dict[str, Any]:
    """What becomes of the weights, by seconds."""
    b2.start_scope()
    b2.seed(seed)
    b2.defaultclock.dt = step * b2.ms
    c = CONSTANTS
    names = {
        "tau_mem": c["tau_mem"] * b2.ms, "tau_e": c["tau_excitation"] * b2.ms, "E_l": c["leak_reversal"],
        "E_e": c["reversal_excitation"], "threshold": c["threshold"], "v_reset": c["v_reset"],
        "w_max": c["w_max"], "tau_plus": c["tau_plus"] * b2.ms, "tau_minus": c["tau_minus"] * b2.ms,
        "a_plus": c["a_plus"] * c["w_max"], "a_minus": c["a_minus"] * c["w_max"],
    }  # fmt: skip
    inputs = b2.PoissonGroup(c["inputs"], rates=c["rate"] * b2.Hz)
    neuron = b2.NeuronGroup(
        1,
        "dv/dt = (g * (E_e - v) + E_l - v) / tau_mem : 1\ndg/dt = -g / tau_e : 1",
        threshold="v > threshold", reset="v = v_reset", method="rk4", namespace=names,
    )  # fmt: skip
    neuron.v = c["v_reset"]
    synapses = b2.Synapses(
        inputs,
        neuron,
        "w : 1\ndx/dt = -x / tau_plus : 1 (event-driven)\ndy/dt = -y / tau_minus : 1 (event-driven)",
        on_pre="g += w\nx += a_plus\nw = clip(w - y, 0, w_max)",
        on_post="y += a_minus\nw = clip(w + x, 0, w_max)",
        namespace=names,
    )
    synapses.connect()
    synapses.w = np.random.RandomState(seed).random_sample(c["inputs"]) * c["w_max"]
    counter = b2.SpikeMonitor(neuron, record=False)
    network = b2.Network(inputs, neuron, synapses, counter)
    found, now = {}, 0
    for seconds in SECONDS:
        network.run((seconds - LAST - now) * b2.second)
        before = int(counter.num_spikes)
        network.run(LAST * b2.second)
        rate = (int(counter.num_spikes) - before) / LAST
        found[str(seconds)] = summary(np.asarray(synapses.w) / c["w_max"], rate)
        now = seconds
    return found


def summary(weight: np.ndarray, rate: float) -> dict[str, Any]:
    """What is stored of a run: shares of the weights, their histogram in 20 bins, the rate."""
    return {
        "below": float((weight < 0.1).mean()),
        "middle": float(((weight >= 0.4) & (weight <= 0.6)).mean()),
        "above": float((weight > 0.9).mean()),
        "mean": round(float(weight.mean()), 4),
        "histogram": np.histogram(weight, 20, (0, 1))[0].tolist(),
        "rate": rate,
    }


def main() -> None:
    """Store the figures at both steps, by seconds, for as many seeds as asked (3 by default)."""
    b2.prefs.codegen.target = "cython"
    figures: dict[str, Any] = {}
    for step in (1.0, 0.1):
        runs = [run(step, seed) for seed in range(int(sys.argv[1]) if sys.argv[1:] else 3)]
        for seconds in runs[0]:
            each = [found[seconds] for found in runs]
            figures[f"{step} ms, {seconds} s"] = {key: [one[key] for one in each] for key in each[0]}
    store("song_miller_abbott", constants=CONSTANTS, figures=figures)


if __name__ == "__main__":
    main()
