"""Generated kernels in Triton: states in registers, constants by pointer."""

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
import triton
from torch import Tensor

from lightning_snn.ops import triton_tools as tools
from lightning_snn.ops.compiler import store
from lightning_snn.ops.compiler.call import Call, carried

BLOCK = 256
"""Neurons of a program that are computed each on their own."""


def forward(call: Call) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and what is recorded ``[T, B, N]``."""
    like, before, coupling = call.state[0], call.before, call.coupling
    module, k, facts = variant(call.forward)
    shape = call.inputs[0].shape
    sent = [like.new_empty(shape) for _ in range(1 + call.recorded)]
    ends = [tools.owned(x) for x in call.state]
    arguments: list[Any] = [x for j in facts["inputs"] for x in _strided(call.inputs[j])]
    arguments += [*sent, *(ends[j] for j in facts["states"]), *values_of(module, k, call.constants, like)]
    name, grid, block = "scan", tools.grid_of(shape[2], BLOCK, shape[1]), BLOCK
    if before is not None:
        grid, block = (1, shape[1]), triton.next_power_of_2(shape[2])
        name = f"uniform{call.target}" if coupling is None else "sheet"
        how = call.strength if coupling is None else coupling.contiguous()
        arguments += [before.contiguous(), how, torch.empty_like(before, dtype=torch.int32)]
    options = {"num_warps": 4 if before is None else 8, "enable_fp_fusion": False}
    getattr(module, f"{name}_{k}")[grid](*arguments, *shape, BLOCK=block, **options)
    return [sent[0], *ends, *sent[1:]]


def backward(call: Call, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients that are wanted: of inputs ``[T, B, N]``, else ``[B, N]``."""
    key, *wanted = call.backward.split()
    module, k, facts = variant(key)
    like, (steps, batch, nodes) = call.state[0], call.inputs[0].shape
    spikes = torch.zeros_like(call.inputs[0]) if grads[0] is None else grads[0]
    found = carried(facts["gradients"], grads, like, spikes.shape, tools.owned_gradient)
    segment = max(1, math.isqrt(steps))
    starts = like.new_empty(-(-steps // segment) * len(facts["again"]), batch, nodes)
    kept = like.new_empty(segment * facts["kept"], batch, nodes)
    sequences = (spikes, *(call.inputs[j] for j in facts["inputs"]))
    arguments: list[Any] = [x for sequence in sequences for x in _strided(sequence)]
    arguments += [x for name, x in found.items() if name[0] == "i"]
    arguments += [call.state[j].contiguous() for j in facts["states"]]
    arguments += [x for name, x in found.items() if name[0] != "i"]
    arguments += [*values_of(module, k, call.constants, like), starts, kept, segment, steps, batch, nodes]
    grid = tools.grid_of(nodes, BLOCK, batch)
    getattr(module, f"back_{k}")[grid](*arguments, BLOCK=BLOCK, enable_fp_fusion=False)
    return [found[name] for name in wanted]


def variant(key: str) -> tuple[ModuleType, int, dict[str, Any]]:
    """The module of a key and its variant for every state: looking at values would wait for the card."""
    module = store.load(key, "triton")
    return module, len(module.VARIANTS) - 1, module.VARIANTS[-1]


def values_of(module: ModuleType, k: int, constants: Sequence[Tensor], like: Tensor) -> list[Tensor]:
    """What a kernel takes from constants, on the card: single numbers travel there together."""
    values = [x.detach() for x in getattr(module, f"constants_{k}")(*constants)]
    alone = [j for j, x in enumerate(values) if x.ndim == 0 and x.device != like.device]
    if alone:
        moved = torch.stack([values[j] for j in alone]).to(like.device, like.dtype, non_blocking=True)
        for j, x in zip(alone, moved, strict=True):
            values[j] = x
    return [x.to(like.device, like.dtype).contiguous() for x in values]


def _strided(sequence: Tensor) -> tuple[Tensor, int, int]:
    rows = tools.rows(sequence)
    return rows, rows.stride(0), rows.stride(1)
