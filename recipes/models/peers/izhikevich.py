"""`Izhikevich`: spike times of the presets in 1 s of constant input, by Runge-Kutta at .01 ms.

The same at .1 ms with the arithmetic of the paper's program (two half-steps of v, one step of u) says what of
a difference is the method's.
"""

import brian2 as b2
import numpy as np
from figures import store

PRESETS = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
}
CURRENT, DURATION = 10.0, 1000.0
PARAMETERS = "a : 1\nb : 1\nc : 1\nd : 1\n"
EQUATIONS = """
dv/dt = (0.04 * v**2 + 5 * v + 140 - u + 10) / ms : 1
du/dt = a * (b * v - u) / ms : 1
"""
PROGRAM = """
v += 0.05 * (0.04 * v * v + 5 * v + 140 - u + 10)
v += 0.05 * (0.04 * v * v + 5 * v + 140 - u + 10)
u += 0.1 * a * (b * v - u)
"""


def spike_steps(dt: float, equations: str, program: str) -> list[list[int]]:
    """The steps in which each preset spikes."""
    b2.start_scope()
    b2.defaultclock.dt = dt * b2.ms
    neurons = b2.NeuronGroup(
        len(PRESETS), PARAMETERS + equations, threshold="v >= 30", reset="v = c; u += d", method="rk4"
    )
    neurons.a, neurons.b, neurons.c, neurons.d = np.array(list(PRESETS.values())).T
    neurons.v = -65
    neurons.u = "b * v"
    if program:
        neurons.run_regularly(program, when="groups")
    spikes = b2.SpikeMonitor(neurons)
    b2.Network(neurons, spikes).run(DURATION * b2.ms)
    return [[round(float(t / b2.ms) / dt) for t in train] for train in spikes.spike_trains().values()]


def main() -> None:
    """Store spike times in ms of the fine solution, and the steps of the program's arithmetic."""
    b2.prefs.codegen.target = "numpy"
    fine = spike_steps(0.01, EQUATIONS, "")
    times = {
        name: [round((k + 1) * 0.01, 2) for k in train] for name, train in zip(PRESETS, fine, strict=True)
    }
    steps = dict(zip(PRESETS, spike_steps(0.1, "v : 1\nu : 1", PROGRAM), strict=True))
    given = {"current": CURRENT, "duration": DURATION, "dt": 0.1}
    print({name: (len(times[name]), len(steps[name])) for name in PRESETS})
    store("izhikevich", constants=given, figures={"spike_times": times, "steps": steps})


if __name__ == "__main__":
    main()
