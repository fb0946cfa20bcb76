"""The refractory grid: Brian2's spike steps of a LIF neuron under constant current, by exact integration.

Brian2 counts the refractory period from the start of the step in which a neuron spikes, and rounds it down to
whole steps; we count it from the end of that step, where the potential is reset, and round it up.
"""

import brian2 as b2
from figures import store

DTS = [1.0, 0.5, 0.25, 0.1]
REFRACTORY = [0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]
CURRENT = 2.0
TAU_MEM = 20.0
DURATION = 200.0


def spike_steps(dt: float) -> list[list[int]]:
    """The steps in which a neuron spikes, for each refractory period and that plus a step."""
    b2.start_scope()
    b2.defaultclock.dt = dt * b2.ms
    constants = {"tau_mem": TAU_MEM * b2.ms, "current": CURRENT}
    neurons = b2.NeuronGroup(
        2 * len(REFRACTORY),
        "dv/dt = (current - v) / tau_mem : 1 (unless refractory)\nperiod : second",
        threshold="v >= 1", reset="v = 0", refractory="period", method="exact", namespace=constants,
    )  # fmt: skip
    neurons.period = [r * b2.ms for r in REFRACTORY] + [(r + dt) * b2.ms for r in REFRACTORY]
    spikes = b2.SpikeMonitor(neurons)
    b2.Network(neurons, spikes).run(DURATION * b2.ms)
    return [[round(float(t / b2.ms) / dt) for t in train] for train in spikes.spike_trains().values()]


def main() -> None:
    """Store the grid."""
    b2.prefs.codegen.target = "numpy"
    same, longer = {}, {}
    for dt in DTS:
        steps = spike_steps(dt)
        same[str(dt)], longer[str(dt)] = steps[: len(REFRACTORY)], steps[len(REFRACTORY) :]
    constants = {"tau_mem": TAU_MEM, "current": CURRENT, "duration": DURATION, "refractory": REFRACTORY}
    store("refractory", constants=constants, figures={"same_period": same, "a_step_longer": longer})


if __name__ == "__main__":
    main()
