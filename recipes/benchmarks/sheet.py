"""A coupled Izhikevich sheet with noise, one step: against Brian2, the original project and a large sheet."""

import statistics

import torch
from measure import Brian2, Row, Work, Worker, alternate
from torch import Tensor

ORIGINAL = 121_600e-6
"""Seconds a step of 1,500 nodes in the project of 2019 (Python objects), as it was reported."""

STEPS = 500
SHEETS = ((1500, 28.0, 1, 8.0), (1500, 28.0, 8, 12.0), (3000, 39.6, 1, None))
"""Nodes, side, streams, and the ratio to Brian2 that is asked for; of a density at which both make waves."""


def work(num_nodes: int, side: float, streams: int, steps: int) -> Work:
    """Ours: noise, coupling and neurons of ``steps`` steps; returns the spikes."""
    from lightning_snn import (
        Izhikevich,
        LateralKernel,
        SpikingLayer,
        SpikingNetwork,
        SpontaneousWaves,
        Square,
    )

    layer = SpikingLayer(Square(num_nodes, side), Izhikevich("heterogeneous"), lateral=LateralKernel())
    network, waves, rounds = SpikingNetwork({"sheet": layer}), SpontaneousWaves(), iter(range(10**9))
    states = [network.rest(streams, layer.positions)]

    @torch.no_grad()
    def run() -> Tensor:
        options = {"steps": steps, "streams": range(streams), "round_number": next(rounds)}
        noise = waves.currents(network, "sheet_lateral", **options)
        spikes, state = network.run(noise, states.pop(), developing=True, noise=False)
        states.append(state)
        return spikes["sheet"]

    return run


def brian2(python: str, num_nodes: int, side: float) -> Brian2:
    """The same sheet in Brian2."""
    from lightning_snn import Izhikevich, LateralKernel, Square

    population = Izhikevich("heterogeneous").sized(num_nodes)
    network = {
        "weights": LateralKernel().matrix(Square(num_nodes, side)).tolist(),
        "c": [population.parameters_of(i)["c"] for i in range(num_nodes)],
        "d": [population.parameters_of(i)["d"] for i in range(num_nodes)],
        "steps": STEPS,
    }
    return Brian2(python, "brian2_worker.py", network)


def rows(repeats: int, brian2_python: str | None) -> list[Row]:
    """Small sheets against Brian2 and the original, and a large one against the small one."""
    found = []
    for num_nodes, side, streams, least in SHEETS:
        mine = Worker("sheet", "work", num_nodes, side, streams, STEPS)
        title = f"Izhikevich sheet, {num_nodes} nodes, {streams} stream(s), a stream-step"
        if brian2_python:
            peer = brian2(brian2_python, num_nodes, side)
            pair = alternate(mine, peer, repeats)
            ours, theirs = pair.seconds[0] / (STEPS * streams), pair.seconds[1] / STEPS
            note = f"spikes a step {pair.value[0] * num_nodes:.1f} / {pair.value[1] * num_nodes:.1f}"
            found.append(Row(title, "Brian2 (Cython)", ours, theirs, least, pair.memory, note))
            peer.close()
        if (num_nodes, streams) == (1500, 1):
            times = [mine.run()["seconds"] for _ in range(repeats + 2)][2:]
            ours = statistics.median(times) / STEPS
            found.append(Row(title, "original project (as reported)", ours, ORIGINAL, 4000.0))
        mine.close()
    found.append(_large(repeats))
    return found


def _large(repeats: int) -> Row:
    many, few = 100_000, 1500
    large = Worker("sheet", "work", many, 229.0, 1, STEPS // 5)
    small = Worker("sheet", "work", few, 28.0, 1, STEPS)
    pair = alternate(large, small, repeats)
    large.close()
    small.close()
    spikes, memory = pair.value[0] * many, pair.total[0] / 1024
    return Row(
        f"Izhikevich sheet, {many:,} nodes, a node and step",
        f"ours, {few:,} nodes",
        pair.seconds[0] / (STEPS // 5 * many),
        pair.seconds[1] / (STEPS * few),
        1 / 3,
        pair.memory,
        f"spikes a step {spikes:.0f}; peak of the process {memory:.2f} GB (limit 4)",
    )
