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
    "tau_minus": 20.0, "a_plus": 0.01, "a_minus": 0.0105, "seconds": 100,
}  # fmt: skip
LAST = 10
"""Seconds at the end over which the output is counted."""


def final_weights(step: float, seed: int) -> tuple[np.ndarray, float]:
    """The weights as shares of ``w_max``, and the output rate in Hz over the last seconds."""
    b2.start_scope()
    b2.seed(seed)
    b2.defaultclock.dt = step * b2.ms
    c, seconds = CONSTANTS, CONSTANTS["seconds"]
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
    network.run((seconds - LAST) * b2.second)
    before = int(counter.num_spikes)
    network.run(LAST * b2.second)
    return np.asarray(synapses.w) / c["w_max"], (int(counter.num_spikes) - before) / LAST


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
    """Store the figures at both steps, for as many seeds as asked (3 by default)."""
    b2.prefs.codegen.target = "cython"
    figures: dict[str, Any] = {}
    seeds = range(int(sys.argv[1]) if sys.argv[1:] else 3)
    for step in (1.0, 0.1):
        runs = [summary(*final_weights(step, seed)) for seed in seeds]
        figures[str(step)] = {key: [run[key] for run in runs] for key in runs[0]}
        print(step, figures[str(step)], flush=True)
    store("song_miller_abbott", constants=CONSTANTS, figures=figures)


if __name__ == "__main__":
    main()
