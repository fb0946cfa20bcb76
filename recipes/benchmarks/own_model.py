"""A user's AdEx, forward: against the plain loop over its equations, and against Brian2."""

import sys
from pathlib import Path
from typing import Any

import torch
from measure import Brian2, Row, Work, Worker, alternate

NODES, STEPS, DT, STRONGEST = 4000, 1000, 0.1, 2000.0
"""Neurons, steps, their length in ms, and the largest of the evenly spread constant currents in pA."""


def model() -> Any:
    """The class that README shows, as its user has it: in a file of its own."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))
    from adex import AdEx

    return AdEx(dt=DT)


def work(backend: str) -> Work:
    """All steps from rest, compiled (``auto``) or in the plain loop (``reference``); returns the spikes."""
    from lightning_snn.ops.backend import use

    neurons = model()
    current = torch.linspace(0, STRONGEST, NODES).expand(STEPS, 1, NODES)

    @torch.no_grad()
    def run() -> torch.Tensor:
        with use(backend):
            spikes: torch.Tensor = neurons(current)[0]
        return spikes

    return run


def rows(repeats: int, brian2_python: str | None) -> list[Row]:
    """A row a peer; compilation is left out on both sides, and all start from rest."""
    title = f"AdEx in a user's file, {NODES:,} neurons, {STEPS:,} steps of {DT} ms, forward"
    mine = Worker("own_model", "work", "auto")
    peers: list[tuple[str, Worker, float]] = [
        ("ours, the plain loop", Worker("own_model", "work", "reference"), 8.0)
    ]
    if brian2_python:
        drive = torch.linspace(0, STRONGEST, NODES).tolist()
        network = {"constants": model().parameters_of(0), "drive": drive, "steps": STEPS, "dt": DT}
        peers.append(("Brian2 (Cython)", Brian2(brian2_python, "brian2_adex.py", network), 3.0))
    found = []
    for name, peer, least in peers:
        pair = alternate(mine, peer, repeats)
        spikes = " / ".join(f"{value * NODES * STEPS:,.0f}" for value in pair.value)
        found.append(Row(title, name, *pair.seconds, least, pair.memory, f"spikes {spikes}"))
        peer.close()
    mine.close()
    return found
