"""The time loops: one folder an operator.

``reference.py`` in plain PyTorch is the truth; ``cpu.py`` (numba) gives the same bits, ``cuda.py`` (Triton)
the same within rounding. Each folder's ``__init__`` has the public function and registers torch custom
operators, so that autograd, `torch.compile` and autocast see ordinary ones. `lightning_snn.ops.backend`
chooses by device; ``with backend.use("reference"):`` overrides. A new operator is a new folder.

Neuron models have one operator for all, in `lightning_snn.ops.compiler`: `source` shows what it runs.
"""

from lightning_snn.ops.compiler import source

__all__ = ["source"]
