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

BLOCK = 256
"""Neurons of a program that are computed each on their own."""


def forward(
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    before: Tensor | None,
    coupling: Tensor | None,
    strength: float,
    target: int,
    key: str,
    recorded: int,
) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and what is recorded ``[T, B, N]``."""
    module = store.load(key, "triton")
    k = len(module.VARIANTS) - 1  # looking at values would wait for the card
    facts = module.VARIANTS[k]
    steps, batch, nodes = inputs[0].shape
    sent = [
        torch.empty(inputs[0].shape, dtype=state[0].dtype, device=state[0].device)
        for _ in range(1 + recorded)
    ]
    ends = [tools.owned(x) for x in state]
    arguments: list[Any] = [x for j in facts["inputs"] for x in _strided(inputs[j])]
    arguments += [*sent, *(ends[j] for j in facts["states"]), *values_of(module, k, constants, state[0])]
    if before is None:
        kernel, grid, block = getattr(module, f"scan_{k}"), tools.grid_of(nodes, BLOCK, batch), BLOCK
    else:
        grid, block = (1, batch), triton.next_power_of_2(nodes)
        arguments.append(before.contiguous())
        kernel = getattr(module, f"uniform{target}_{k}" if coupling is None else f"sheet_{k}")
        if coupling is None:
            arguments.append(strength)
        else:
            fired = torch.empty(batch, nodes, dtype=torch.int32, device=before.device)
            arguments += [coupling.contiguous(), fired]
    warps = 4 if before is None else 8
    kernel[grid](*arguments, steps, batch, nodes, BLOCK=block, num_warps=warps, enable_fp_fusion=False)
    return [sent[0], *ends, *sent[1:]]


def backward(
    grads: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    key: str,
    *wanted: str,
) -> list[Tensor]:
    """The gradients that are wanted: of inputs ``[T, B, N]``, else ``[B, N]``."""
    module = store.load(key, "triton")
    k, like = len(module.VARIANTS) - 1, state[0]
    facts = module.VARIANTS[k]
    steps, batch, nodes = inputs[0].shape
    spikes = torch.zeros_like(inputs[0]) if grads[0] is None else grads[0]
    found = {}
    for x in facts["gradients"]:
        if x[0] == "i":
            found[x] = torch.empty(inputs[0].shape, dtype=like.dtype, device=like.device)
        else:
            found[x] = tools.owned_gradient(grads[1 + int(x[1:])] if x[0] == "s" else None, like)
    segment = max(1, math.isqrt(steps))
    starts = like.new_empty(-(-steps // segment) * len(facts["again"]), batch, nodes)
    kept = like.new_empty(segment * facts["kept"], batch, nodes)
    arguments = [
        x for sequence in (spikes, *(inputs[j] for j in facts["inputs"])) for x in _strided(sequence)
    ]
    arguments += [x for name, x in found.items() if name[0] == "i"] + [
        state[j].contiguous() for j in facts["states"]
    ]
    arguments += [x for name, x in found.items() if name[0] != "i"] + values_of(module, k, constants, like)
    getattr(module, f"back_{k}")[tools.grid_of(nodes, BLOCK, batch)](
        *arguments, starts, kept, segment, steps, batch, nodes, BLOCK=BLOCK, enable_fp_fusion=False
    )
    return [found[name] for name in wanted]


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
