"""A plan as Python source for Triton."""

import torch
from lightning_snn.ops.compiler.plan import Plan


def head(title: str, dtype: torch.dtype) -> str:
    return f'"""{title} {dtype}"""\n'


def forward(plan: Plan, suffix: str) -> str:
    return ""


def backward(plan: Plan, suffix: str) -> str:
    return ""
