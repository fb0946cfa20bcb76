"""`ConductanceLIF`: postsynaptic potentials, and spikes under 1,000 Poisson inputs of 15 Hz.

The equations and constants are those of our defaults; by the fourth-order Runge-Kutta method at .01 ms. The
inputs are alike, so that what counts is how many of them spike in each tenth of a ms: one digit each.
"""

import brian2 as b2
import numpy as np
from figures import store

FINE = 0.01
EQUATIONS = """
dv/dt = (v_rest - v + g_e * (E_e - v) + g_i * (E_i - v)) / tau_mem : 1 (unless refractory)
dg_e/dt = -g_e / tau_e : 1
dg_i/dt = -g_i / tau_i : 1
"""
CONSTANTS = {
    "tau_mem": 100 * b2.ms, "tau_e": b2.ms, "tau_i": 2 * b2.ms, "v_rest": -65.0, "E_e": 0.0, "E_i": -100.0,
}  # fmt: skip
WEIGHTS = [0.01, 0.3]
"""A small conductance, whose potential is linear in it, and one that moves v by some mV."""

WATCHED = 1000.0
INPUTS, RATE, WEIGHT = 1000, 15.0, 0.06
BIN, DRIVEN = 0.1, 2000.0


def input_counts() -> np.ndarray:
    """How many inputs spike in each bin."""
    return np.random.RandomState(0).binomial(INPUTS, RATE * BIN / 1000, round(DRIVEN / BIN))


def potentials() -> tuple[list[list[float]], list[float]]:
    """Change of v at the end of each of 100 ms, and its area in mV ms: by excitation, then by inhibition."""
    b2.start_scope()
    b2.defaultclock.dt = FINE * b2.ms
    equations = EQUATIONS.replace(" (unless refractory)", "")
    neurons = b2.NeuronGroup(2 * len(WEIGHTS), equations, method="rk4", namespace=CONSTANTS)
    neurons.v = CONSTANTS["v_rest"]
    neurons.g_e = [*WEIGHTS, *[0] * len(WEIGHTS)]
    neurons.g_i = [*[0] * len(WEIGHTS), *WEIGHTS]
    watch = b2.StateMonitor(neurons, "v", record=True)
    b2.Network(neurons, watch).run((WATCHED + FINE) * b2.ms)
    rise = np.asarray(watch.v) - CONSTANTS["v_rest"]
    area = FINE * (rise.sum(1) - (rise[:, 0] + rise[:, -1]) / 2)  # trapezoids
    each = round(1 / FINE)
    return rise[:, each : 100 * each + 1 : each].round(7).tolist(), area.round(6).tolist()


def driven(counts: np.ndarray) -> list[float]:
    """Times in ms of the spikes of a neuron without adaptation."""
    b2.start_scope()
    b2.defaultclock.dt = FINE * b2.ms
    neuron = b2.NeuronGroup(
        1, EQUATIONS, threshold="v >= -52", reset="v = -65", refractory=(5 + FINE) * b2.ms, method="rk4",
        namespace=CONSTANTS,
    )  # fmt: skip
    neuron.v = CONSTANTS["v_rest"]
    arriving = b2.TimedArray(WEIGHT * counts, dt=BIN * b2.ms)
    each = b2.NetworkOperation(
        lambda t: setattr(neuron, "g_e", neuron.g_e + arriving(t)), dt=BIN * b2.ms, when="start"
    )
    spikes = b2.SpikeMonitor(neuron)
    b2.Network(neuron, each, spikes).run(DRIVEN * b2.ms)
    return (np.asarray(spikes.t / b2.ms) + FINE).round(2).tolist()


def main() -> None:
    """Store potentials, areas and spike times."""
    b2.prefs.codegen.target = "numpy"
    counts = input_counts()
    given = {"weights": WEIGHTS, "weight": WEIGHT, "bin": BIN, "counts": "".join(map(str, counts))}
    courses, areas = potentials()
    figures = {"potentials": courses, "areas": areas, "spike_times": driven(counts)}
    store("conductance_lif", constants=given, figures=figures)


if __name__ == "__main__":
    main()
