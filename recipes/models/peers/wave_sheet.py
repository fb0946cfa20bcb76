"""A sheet of 400 LIF neurons that makes waves of noise, at .25 ms: Brian2's spikes.

Noise and places are drawn as integers by numpy's legacy generator, whose numbers stay the same, so that no
file needs to hold them: see `drawn`. A spike arrives 1 ms after the step in which it is sent, as a charge.
"""

from typing import Any

import brian2 as b2
import numpy as np
from figures import store

CONSTANTS: dict[str, Any] = {
    "dt": 0.25, "steps": 600, "nodes": 400, "side": 14.4715, "seed": 0, "noise": 3.0,
    "tau_mem": 20.0, "resistance": 20.0, "threshold": 15.0, "refractory": 3.0,
    "adaptation": 10.0, "tau_adaptation": 100.0,
    "excitation": 5.0, "excitation_range": 2.0, "inhibition": 2.0, "inhibition_range": 5.0,
    "decay_length": 10.0, "delay": 1.0,
}  # fmt: skip
DT = CONSTANTS["dt"]
EQUATIONS = """
dv/dt = (resistance * (drive(t, i) + lateral) - v) / tau_mem : 1 (unless refractory)
lateral : 1
rise : 1
"""


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Places ``[N, 2]`` and noise ``[T, N]`` of mean 0 and sd 1, twelve dice of 128 sides each."""
    draw, c = np.random.RandomState(CONSTANTS["seed"]), CONSTANTS
    places = draw.randint(0, 10_000, (c["nodes"], 2)) * (c["side"] / 10_000)
    dice = draw.randint(0, 128, (12, c["steps"], c["nodes"])).sum(0)
    return places, (dice - 12 * 127 / 2) / 128


def coupling(places: np.ndarray) -> np.ndarray:
    """What a spike of one node sends to another one, a charge, ``[N, N]``."""
    c = CONSTANTS
    distance = np.sqrt(((places[:, None] - places[None]) ** 2).sum(2))
    near = c["excitation"] * (distance < c["excitation_range"])
    far = (distance > c["inhibition_range"]) * np.exp(-distance / c["decay_length"])
    kernel = near - c["inhibition"] * far
    np.fill_diagonal(kernel, 0)
    return kernel


def sheet_of(places: np.ndarray, noise: np.ndarray) -> tuple[b2.NeuronGroup, b2.Synapses]:
    """The neurons and their coupling."""
    c, step = CONSTANTS, DT * b2.ms
    names = {
        "drive": b2.TimedArray(c["noise"] / np.sqrt(DT) * noise, dt=step),
        "tau_mem": c["tau_mem"] * b2.ms,
        "resistance": c["resistance"],
        "decay": float(np.exp(-DT / c["tau_adaptation"])),
    }
    sheet = b2.NeuronGroup(
        c["nodes"], EQUATIONS, threshold="v >= 15 + rise", reset="v = 0\nrise += 10",
        refractory=c["refractory"] * b2.ms + step, method="exponential_euler", namespace=names,
    )  # fmt: skip
    # a current is held for one step; a rise falls after the potential was compared with it
    sheet.run_regularly("lateral = 0", when="after_groups")
    sheet.run_regularly("rise *= decay", when="after_thresholds")
    kernel = coupling(places)
    source, target = np.nonzero(kernel)
    synapses = b2.Synapses(sheet, sheet, "w : 1", on_pre="lateral_post += w")
    synapses.connect(i=source, j=target)
    synapses.w = kernel[source, target] / DT
    synapses.delay = c["delay"] * b2.ms - step
    return sheet, synapses


def main() -> None:
    """Store the spikes as pairs of step and node, and how near a potential came to its threshold."""
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = DT * b2.ms
    places, noise = drawn()
    sheet, synapses = sheet_of(places, noise)
    spikes = b2.SpikeMonitor(sheet)
    watch = b2.StateMonitor(sheet, ("v", "rise"), record=True, when="before_thresholds")
    b2.Network(sheet, synapses, spikes, watch).run(CONSTANTS["steps"] * DT * b2.ms)
    found = sorted([round(float(t / b2.ms) / DT), int(i)] for t, i in zip(spikes.t, spikes.i, strict=True))
    nearest = float(np.abs(watch.v - watch.rise - CONSTANTS["threshold"]).min())
    print(len(found), nearest)
    checks = {"sum_of_places": float(places.sum()), "sum_of_noise": float(np.abs(noise).sum())}
    store("wave_sheet", constants={**CONSTANTS, **checks}, figures={"spikes": found, "nearest": nearest})


if __name__ == "__main__":
    main()
