"""Uncoupled AdEx neurons in Brian2, the equations of `recipes/models/adex.py`; see `brian2_worker.py`.

Reads a JSON object with constants, currents in pA, the step in ms and the number of steps. Every run starts
from rest; timed are its steps alone, without the tenth of a second in which Brian2 prepares a run.
"""

import json
import sys
import time

import brian2 as b2
from brian2_worker import answer, memory

EQUATIONS = """
dv/dt = (leak * (v_rest - v + delta * exp(clip((v - threshold) / delta, -1000, 10))) - w + drive) / capacitance / ms : 1
dw/dt = (a * (v - v_rest) - w) / tau_w / ms : 1
drive : 1
"""  # noqa: E501


def main() -> None:
    """Build the network, then run and time it as often as asked."""
    b2.prefs.codegen.target = "cython"
    given = json.loads(sys.stdin.readline())
    steps, constants = given["steps"], given["constants"]
    b2.defaultclock.dt = given["dt"] * b2.ms
    nodes = b2.NeuronGroup(
        len(given["drive"]), EQUATIONS, threshold="v >= peak", reset="v = v_rest; w += b", method="euler",
        namespace=constants,
    )  # fmt: skip
    nodes.v, nodes.drive = constants["v_rest"], given["drive"]
    counter = b2.SpikeMonitor(nodes, record=False)
    stamps: list[float] = []
    clock = b2.NetworkOperation(lambda: stamps.append(time.perf_counter()), when="start")
    network = b2.Network(nodes, counter, clock)
    network.store()
    network.run(given["dt"] * b2.ms)
    before = memory()
    answer({"ready": 1.0})
    for _ in sys.stdin:
        network.restore()
        stamps.clear()
        network.run((steps + 1) * given["dt"] * b2.ms)
        taken, peak = stamps[steps] - stamps[0], memory()
        value = int(counter.num_spikes) / ((steps + 1) * len(given["drive"]))
        answer({"seconds": taken, "value": value, "peak": peak - before, "total": peak})


if __name__ == "__main__":
    main()
