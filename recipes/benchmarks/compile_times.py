"""How long the first use of a neuron model takes, there and back: in a fresh cache, and in a later process.

A process of its own a model and use; what it takes is its first call without what a second call takes, after
all imports.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from measure import ENVIRONMENT, Row

FRESH, AGAIN, ALL = 5.0, 0.3, 60.0
"""Limits in seconds: the first use of a model, that in a second process, the first uses of all together."""


def models() -> list[str]:
    """The names of the package's models."""
    import lightning_snn
    from lightning_snn import NeuronModel

    public = {name: getattr(lightning_snn, name) for name in lightning_snn.__all__}
    kinds = {name: kind for name, kind in public.items() if isinstance(kind, type)}
    return sorted(
        name for name, kind in kinds.items() if issubclass(kind, NeuronModel) and kind is not NeuronModel
    )


def first_use(name: str) -> float:
    """Seconds that the first call of a model takes beside a second one, in this process."""
    import numba  # noqa: F401 - is not part of a first call
    import torch

    import lightning_snn

    model, current = getattr(lightning_snn, name)(), torch.rand(4, 2, 64)
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        sent, _ = model(current.clone().requires_grad_())
        sent.sum().backward()
        taken.append(time.perf_counter() - start)
    return taken[0] - taken[1]


def rows() -> list[Row]:
    """Two rows a model, and one of all together; the limits stand as a peer's times."""
    found, together = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name in models():
            for work, limit in ((f"first use of {name}", FRESH), (f"{name} in a second process", AGAIN)):
                found.append(Row(work, "limit", _elsewhere(name, folder), limit, 1.0))
            together += found[-2].ours
    return [*found, Row(f"first use of {len(models())} models", "limit", together, ALL, 1.0)]


def _elsewhere(name: str, folder: str) -> float:
    """`first_use` in a process of its own, whose compiled code lies in ``folder``."""
    command = [sys.executable, "-W", "ignore", os.path.abspath(__file__), name]
    environment = ENVIRONMENT | {"NUMBA_CACHE_DIR": folder}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    taken: float = json.loads(done.stdout)
    return taken


if __name__ == "__main__":
    import lightning_snn

    lightning_snn.tune_process()
    print(json.dumps(first_use(sys.argv[1])))
