"""A coupled Izhikevich sheet in Brian2; runs in an environment of its own (brian2, Cython, numpy < 2.3).

Reads a JSON object with the weights, parameters and number of steps; then runs and times these steps for
every further line.
"""

import json
import resource
import sys
import time

import brian2 as b2
import numpy as np

EQUATIONS = """
v : 1
u : 1
c : 1
d : 1
lateral : 1
"""
STEP = """
drive = lateral + 3 * randn()
v += 0.5 * (0.04 * v ** 2 + 5 * v + 140 - u + drive)
v += 0.5 * (0.04 * v ** 2 + 5 * v + 140 - u + drive)
u += 0.02 * (0.2 * v - u)
lateral = 0
"""


def answer(values: dict[str, float]) -> None:
    """One line of JSON."""
    print(json.dumps(values), flush=True)


def memory() -> float:
    """The most that the process took so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Build the network, then run and time it as often as asked."""
    b2.prefs.codegen.target = "cython"
    b2.defaultclock.dt = 1 * b2.ms
    given = json.loads(sys.stdin.readline())
    weights = np.array(given["weights"])
    nodes = b2.NeuronGroup(
        len(weights), EQUATIONS, threshold="v >= 30", reset="v = c; u += d", method="euler"
    )
    nodes.run_regularly(STEP, dt=1 * b2.ms)
    nodes.v, nodes.c, nodes.d = -65, given["c"], given["d"]
    nodes.u = 0.2 * -65
    source, target = np.nonzero(weights)
    synapses = b2.Synapses(nodes, nodes, "w : 1", on_pre="lateral_post += w")
    synapses.connect(i=source, j=target)
    synapses.w = weights[source, target]
    counter = b2.SpikeMonitor(nodes, record=False)
    network = b2.Network(nodes, synapses, counter)
    network.run(100 * b2.ms)
    start_memory = memory()
    answer({"ready": 1.0})
    steps = given["steps"]
    for _ in sys.stdin:
        before, start = int(counter.num_spikes), time.perf_counter()
        network.run(steps * b2.ms)
        taken = time.perf_counter() - start
        value = (int(counter.num_spikes) - before) / (steps * len(weights))
        peak = memory()
        answer({"seconds": taken, "value": value, "peak": peak - start_memory, "total": peak})


if __name__ == "__main__":
    main()
