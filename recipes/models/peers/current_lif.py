"""`LIF` with a charge or an exponential current: potentials, and spikes under 1,000 Poisson inputs.

By exact integration at .01 ms. A charge of 1 is a current of 1 held for 1 ms; all at once, it lifts v by
1 ms / tau_mem. The inputs are those of conductance_lif.py.
"""

import brian2 as b2
import numpy as np
from conductance_lif import BIN, DRIVEN, FINE, input_counts
from figures import store

EQUATIONS = """
dv/dt = (current - v) / (20 * ms) : 1 (unless refractory)
dcurrent/dt = -current / (5 * ms) : 1
"""
COURSE = 60
REFRACTORY = 2.0
MEAN_CURRENT = 1.4
ARRIVING = {"charge": 1.0, "current": 5.0}
"""By what a spike changes first, the charge in ms of a weight of 1."""


def neuron() -> b2.NeuronGroup:
    """One neuron of our defaults, with a refractory period."""
    b2.start_scope()
    b2.defaultclock.dt = FINE * b2.ms
    period = (REFRACTORY + FINE) * b2.ms
    return b2.NeuronGroup(1, EQUATIONS, threshold="v >= 1", reset="v = 0", refractory=period, method="exact")


def arrive(cell: b2.NeuronGroup, kind: str, weight: float) -> None:
    """A spike of a weight at the start of a step."""
    if kind == "charge":
        cell.v_[:] += weight / 20 * (cell.not_refractory_[:] > 0)
    else:
        cell.current_[:] += weight


def potential(kind: str) -> list[float]:
    """Potential at the end of each ms after a spike of weight 1."""
    cell = neuron()
    arrive(cell, kind, 1.0)
    watch = b2.StateMonitor(cell, "v", record=True, dt=1 * b2.ms)
    b2.Network(cell, watch).run((COURSE + FINE) * b2.ms)
    return np.asarray(watch.v)[0, 1:].round(7).tolist()


def driven(kind: str, weight: float) -> list[float]:
    """Times in ms of the spikes under inputs of a weight."""
    cell, counts = neuron(), input_counts()

    @b2.network_operation(dt=BIN * b2.ms, when="start")
    def inputs(t: b2.Quantity) -> None:
        arrive(cell, kind, weight * counts[round(float(t / b2.ms) / BIN)])

    spikes = b2.SpikeMonitor(cell)
    b2.Network(cell, inputs, spikes).run(DRIVEN * b2.ms)
    return (np.asarray(spikes.t / b2.ms) + FINE).round(2).tolist()


def main() -> None:
    """Store potentials and spike times of both."""
    b2.prefs.codegen.target = "numpy"
    per_ms = float(input_counts().mean()) / BIN
    weights = {kind: round(MEAN_CURRENT / per_ms / charge, 4) for kind, charge in ARRIVING.items()}
    potentials = {kind: potential(kind) for kind in ARRIVING}
    spikes = {kind: driven(kind, weight) for kind, weight in weights.items()}
    given = {"tau_mem": 20.0, "tau": 5.0, "refractory": REFRACTORY, "weights": weights}
    store("current_lif", constants=given, figures={"potentials": potentials, "spike_times": spikes})


if __name__ == "__main__":
    main()
