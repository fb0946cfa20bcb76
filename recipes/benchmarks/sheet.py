"""A coupled Izhikevich sheet with noise, one step: against Brian2, the original project and a large sheet."""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from measure import Row

ORIGINAL = 121_600e-6
"""Seconds a step of 1,500 nodes in the project of 2019 (Python objects), as it was reported."""

WORKER = Path(__file__).with_name("brian2_worker.py")


class Sheet:
    """Ours: noise, coupling, neurons; ``run`` gives seconds a stream-step."""

    def __init__(self, num_nodes: int, side: float, streams: int = 1) -> None:
        from lightning_snn import Izhikevich, LateralKernel, SpikingLayer, SpontaneousWaves, Square

        self.layer = SpikingLayer(
            Square(num_nodes, side), Izhikevich("heterogeneous"), lateral=LateralKernel()
        )
        self.waves, self.streams, self.round = SpontaneousWaves(), range(streams), 0
        self.state = self.layer.rest(streams, self.layer.positions)
        self.spikes = 0.0

    @torch.no_grad()
    def run(self, steps: int) -> float:
        """Seconds a stream-step."""
        start = time.perf_counter()
        spikes, self.state = self.waves.run(
            self.layer, self.state, steps=steps, streams=self.streams, round_number=self.round
        )
        self.round += 1
        taken = time.perf_counter() - start
        self.spikes = spikes.sum(2).mean().item()
        return taken / steps / len(self.streams)


class Brian2:
    """The same sheet in Brian2: a process with its own interpreter, asked for one timing at a time."""

    def __init__(self, python: str, num_nodes: int, side: float) -> None:
        from lightning_snn import Izhikevich, LateralKernel, Square

        population = Izhikevich("heterogeneous").sized(num_nodes)
        self.process = subprocess.Popen(
            [python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask(
            {
                "weights": LateralKernel().matrix(Square(num_nodes, side)).tolist(),
                "c": [population.parameters_of(i)["c"] for i in range(num_nodes)],
                "d": [population.parameters_of(i)["d"] for i in range(num_nodes)],
            }
        )
        self.spikes = 0.0

    def run(self, steps: int) -> float:
        """Seconds a step."""
        answer = self._ask({"steps": steps})
        self.spikes = answer["spikes"] / steps
        return answer["seconds"] / steps

    def _ask(self, question: dict[str, object]) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                found: dict[str, float] = json.loads(line)
                return found
        raise RuntimeError("Brian2's process ended; run brian2_worker.py by hand to see why")


def rows(repeats: int, brian2_python: str | None) -> list[Row]:
    """Small sheets against Brian2 and the original, and a large one against the small one."""
    found = []
    for num_nodes, side, streams, least in (
        (1500, 28.0, 1, 8.0),
        (1500, 28.0, 8, 12.0),
        (3000, 35.0, 1, None),
    ):
        mine = Sheet(num_nodes, side, streams)
        work = f"Izhikevich sheet, {num_nodes} nodes, {streams} stream(s), a stream-step"
        if brian2_python:
            peer = Brian2(brian2_python, num_nodes, side)
            times = [(mine.run(500), peer.run(500)) for _ in range(repeats + 1)][1:]
            ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            note = f"spikes a step {mine.spikes:.1f} / {peer.spikes:.1f}"
            found.append(Row(work, "Brian2 (Cython)", ours, theirs, least, None, note))
            peer.process.kill()
        else:
            ours = statistics.median([mine.run(500) for _ in range(repeats + 1)][1:])
        if (num_nodes, streams) == (1500, 1):
            found.append(Row(work, "original project (as reported)", ours, ORIGINAL, 4000.0))
    found.append(_large(repeats))
    return found


def _large(repeats: int) -> Row:
    small = Sheet(1500, 28.0)
    command = [sys.executable, str(Path(__file__)), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    large = json.loads(done.stdout.splitlines()[-1])
    per_node = statistics.median([small.run(500) for _ in range(repeats + 1)][1:]) / 1500
    return Row(
        "Izhikevich sheet, a node and step, 100,000 nodes",
        "ours, 1,500 nodes",
        large["seconds"] / 100_000,
        per_node,
        1 / 3,
        None,
        f"spikes a step {large['spikes']:.0f}; peak memory of the process {large['peak']:.2f} GB (limit 4)",
    )


if __name__ == "__main__":
    sheet = Sheet(100_000, 229.0)
    taken = [sheet.run(100) for _ in range(max(5, int(sys.argv[1])) + 1)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": statistics.median(taken[1:]), "spikes": sheet.spikes, "peak": peak}))
