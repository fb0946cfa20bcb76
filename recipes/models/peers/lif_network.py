"""LIF neurons with exponential synapses and delays: Brian2's spike times, by exact integration.

20 neurons, 16 that excite and 4 that inhibit, are driven by 20 spike trains and by each other. A delay here
is ours: from the step in which a spike is sent to the first one whose current it is part of. Brian2 delivers
after the update of a step, so that its delay is one step shorter.
"""

from typing import Any

import brian2 as b2
import numpy as np
from figures import store

DT = 0.1
DURATION = 160.0
CONSTANTS: dict[str, Any] = {
    "dt": DT,
    "steps": round(DURATION / DT),
    "sizes": {"input": 20, "excitatory": 16, "inhibitory": 4},
    "tau_mem": 20.0,
    "threshold": 1.0,
    "refractory": 2.0,
    "tau": {"input": 5.0, "excitatory": 3.0, "inhibitory": 8.0},
    "delay": {
        "input_excitatory": 1.5,
        "input_inhibitory": 0.1,
        "excitatory_excitatory": 2.0,
        "excitatory_inhibitory": 0.5,
        "inhibitory_excitatory": 1.0,
        "inhibitory_inhibitory": 0.7,
    },
}
RANGES = {"input": (0.3, 1.2), "excitatory": (0.1, 0.5), "inhibitory": (-0.9, -0.3)}
RATE = 40.0
EQUATIONS = """
dv/dt = (i_input + i_excitatory + i_inhibitory - v) / (20 * ms) : 1 (unless refractory)
di_input/dt = -i_input / (5 * ms) : 1
di_excitatory/dt = -i_excitatory / (3 * ms) : 1
di_inhibitory/dt = -i_inhibitory / (8 * ms) : 1
"""


def drawn(seed: int) -> dict[str, Any]:
    """Weights by connection, and the spikes of the inputs as pairs of step and index."""
    draw, sizes = np.random.RandomState(seed), CONSTANTS["sizes"]
    weights = {}
    for name in CONSTANTS["delay"]:
        source, target = name.split("_")
        weights[name] = draw.uniform(*RANGES[source], (sizes[target], sizes[source])).round(3).tolist()
    spikes = draw.random_sample((CONSTANTS["steps"], sizes["input"])) < RATE * DT / 1000
    return {"weights": weights, "input_spikes": np.argwhere(spikes).tolist()}


def run(given: dict[str, Any]) -> tuple[dict[str, list[list[int]]], float]:
    """Spikes by layer as pairs of step and index, and how near a potential came to the threshold."""
    b2.start_scope()
    b2.defaultclock.dt = DT * b2.ms
    step, index = np.array(given["input_spikes"]).T
    sizes, period = CONSTANTS["sizes"], (CONSTANTS["refractory"] + DT) * b2.ms
    groups: dict[str, Any] = {"input": b2.SpikeGeneratorGroup(sizes["input"], index, step * DT * b2.ms)}
    for name in ("excitatory", "inhibitory"):
        groups[name] = b2.NeuronGroup(
            sizes[name], EQUATIONS, threshold="v >= 1", reset="v = 0", refractory=period, method="exact"
        )
    synapses = []
    for name, weight in given["weights"].items():
        source, target = name.split("_")
        joined = b2.Synapses(groups[source], groups[target], "w : 1", on_pre=f"i_{source}_post += w")
        joined.connect()
        joined.w = np.array(weight).T.flatten()
        joined.delay = (CONSTANTS["delay"][name] - DT) * b2.ms
        synapses.append(joined)
    spikes = {name: b2.SpikeMonitor(groups[name]) for name in ("excitatory", "inhibitory")}
    watch = [b2.StateMonitor(groups[name], "v", record=True, when="before_thresholds") for name in spikes]
    b2.Network(*groups.values(), *synapses, *spikes.values(), *watch).run(DURATION * b2.ms)
    nearest = min(float(np.abs(monitor.v - 1).min()) for monitor in watch)
    found = {
        name: sorted([round(float(t / b2.ms) / DT), int(i)] for t, i in zip(m.t, m.i, strict=True))
        for name, m in spikes.items()
    }
    return found, nearest


def main() -> None:
    """Store the first network in which no potential comes nearer to the threshold than 1e-4."""
    b2.prefs.codegen.target = "numpy"
    for seed in range(100):
        given = drawn(seed)
        spikes, nearest = run(given)
        number = {name: len(found) for name, found in spikes.items()}
        print(seed, number, nearest)
        if nearest > 1e-4 and sum(number.values()) >= 64:
            break
    figures = {"spikes": spikes, "nearest": nearest}
    store("lif_network", constants={**CONSTANTS, "seed": seed, **given}, figures=figures)


if __name__ == "__main__":
    main()
