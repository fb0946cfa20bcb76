"""What the tests of all kernels share: kinds of neurons, rules, backends, threads, gradients to compare."""

from contextlib import contextmanager
from functools import cache
from types import ModuleType

import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn.ops import backend
from lightning_snn.ops.compiler import store
from lightning_snn.plasticity import STDP, CompetitiveHebbian

TOLERANCE = {torch.float32: {"rtol": 1e-4, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
"""Of gradients, relative to their largest value; spikes and states are equal bit for bit."""

LIF_KINDS = {
    "plain": {},
    "soft": {"reset": "soft"},
    "refractory": {"refractory": 3.0},
    "adaptive": {"adaptation": 0.3, "reset": "soft"},
    "both": {"refractory": 2.0, "adaptation": 0.3},
    "fast_sigmoid": {"surrogate": "fast_sigmoid"},
    "triangle": {"surrogate": "triangle", "adaptation": 0.1},
}

RULES = {
    "stdp": STDP(),
    "competitive": CompetitiveHebbian(threshold=30.0),
    "three winners": CompetitiveHebbian(threshold=30.0, winners=3),
}


def program(model, wanted=(), recorded=(), like=None):
    """Keys of the kernels of a model, and the constants that they take, for a state ``like`` float32."""
    like = torch.empty(0) if like is None else like
    keys = model._program((), wanted, recorded, like, like.dtype)
    return keys, [*model._prepared(like).values.values()]


def on_both(run, kernels="numba"):
    """Results of ``run`` on the reference and on the kernels."""
    found = []
    for name in ("reference", kernels):
        with backend.use(name):
            found.append(run())
    return found


@contextmanager
def interpreted():
    """Generated kernels run as the Python that they are: numba would take seconds for each."""
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(store, "load", _plain)
        yield


@cache
def _plain(key, form):
    module = ModuleType(f"plain_{key}")
    exec(compile(store.text(key, form).replace("@jit", ""), key, "exec"), vars(module))
    return module


@contextmanager
def threads(count):
    """Kernels use ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def with_threads(count, run):
    """What ``run`` gives on ``count`` threads."""
    with threads(count):
        return run()


def assert_gradients(one, other):
    for a, b in zip(one, other, strict=True):
        scale = a.abs().max().clamp_min(1e-12)
        torch.testing.assert_close(b / scale, a / scale, **TOLERANCE[a.dtype])


def differentiate(scan, current, state):
    """Spikes and end state, and gradients of all inputs for random weights on all outputs."""
    current = current.clone().requires_grad_()
    state = type(state)(*(x.clone().requires_grad_() for x in state))
    spikes, end = scan(current, state)
    loss = (spikes * rand(*spikes.shape, seed=5, dtype=spikes.dtype)).sum()
    for number, value in enumerate(end):
        if value.requires_grad:
            loss = loss + (value * rand(*value.shape, seed=6 + number, dtype=value.dtype)).sum()
    loss.backward()
    values = (spikes, *end)
    gradients = [x.grad for x in (current, *state) if x.grad is not None]
    return [x.detach() for x in values], gradients
