"""A neuron's step and its gradient as expressions: torch runs it once, and every operator is written down."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from traceback import walk_tb
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import _disable_current_modes

from lightning_snn.ops.compiler.expression import Expression, argument, number
from lightning_snn.ops.compiler.refusal import SAID, VALUE, refusal, where
from lightning_snn.ops.compiler.tracer import SHAPES, Tracer, place_of

AS_THEY_ARE = (lambda tensor: tensor, lambda tensor: tensor)
"""Of tensors kept for a gradient: a checkpoint around this call would run all of it again for them."""


class Traced(NamedTuple):
    """What a step gives, as expressions of its arguments' names.

    Args:
        outputs: Its outputs.
        gradients: Gradients of the arguments, in their order, for gradients ``g..`` of the outputs; empty
            where they were not asked for.
    """

    outputs: list[Expression]
    gradients: list[Expression]


def trace(
    step: Callable[..., Sequence[Tensor]],
    names: Sequence[str],
    grads: Sequence[str | None] | None,
    dtype: torch.dtype,
) -> Traced:
    """The outputs of ``step``, and its vector-Jacobian product.

    Args:
        step: Takes one tensor for each of ``names``.
        names: What the arguments are called; those of constants begin with p.
        grads: What the gradients of the outputs are called, None for one that has none; no gradients by
            default.
        dtype: Number format.

    Raises:
        CannotCompileError: if the step holds what the compiler does not know; it names operator and line.
    """
    with outside(), saved_tensors_hooks(*AS_THEY_ARE), torch.set_grad_enabled(grads is not None):
        tracer, leaves, outputs = _traced(step, names, dtype, 0.5, SHAPES[0])
        again, _, _ = _traced(step, names, dtype, -0.75, SHAPES[1])
        _check_same(tracer.log, again.log)
        found = [tracer.of(x) for x in outputs]
        return Traced(found, [] if grads is None else _gradients(tracer, leaves, outputs, grads, dtype))


def _traced(
    step: Callable[..., Sequence[Tensor]],
    names: Sequence[str],
    dtype: torch.dtype,
    value: float,
    shape: tuple[int, int],
) -> tuple[Tracer, list[Tensor], list[Tensor]]:
    """A step run on arguments that all hold one value, what it was given and what it gave."""
    inputs = [torch.full(shape, value, dtype=dtype) for _ in names]  # torch's generator stays as it is
    tracer = Tracer(
        {place_of(x): argument(name) for x, name in zip(inputs, names, strict=True)}, dtype, shape
    )
    with tracer:
        leaves = [x.requires_grad_(torch.is_grad_enabled()) for x in inputs]
        try:
            return tracer, leaves, list(step(*leaves))
        except (RuntimeError, ValueError) as error:
            what = next((text for part, text in SAID.items() if part in str(error)), None)
            if what is None:
                raise
            frames = [frame for frame, _ in walk_tb(error.__traceback__)]
            raise refusal(what, where(reversed(frames))) from error


def _check_same(one: Sequence[tuple[Expression, str]], other: Sequence[tuple[Expression, str]]) -> None:
    """Raise `CannotCompileError` if what a step computes depends on values or shapes that it is given."""
    for (first, place), (second, _) in zip_longest(one, other, fillvalue=(None, "the step")):
        if first is not second:
            raise refusal(VALUE, place)


@contextmanager
def outside() -> Iterator[None]:
    """A compiler, an exporter or autocast around this call sees nothing of what is done here."""
    hidden = torch._C.DisableTorchFunction()  # an exporter would write down the contexts that follow
    with hidden, _disable_current_modes(), torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        yield


def _gradients(
    tracer: Tracer,
    inputs: list[Tensor],
    outputs: list[Tensor],
    grads: Sequence[str | None],
    dtype: torch.dtype,
) -> list[Expression]:
    total = torch.zeros((), dtype=dtype)
    for output, name in zip(outputs, grads, strict=True):
        if output.requires_grad and name is not None:
            given = torch.full_like(output, 0.5, dtype=dtype, requires_grad=False)
            tracer.known[place_of(given)] = argument(name)
            tracer.alive.append(given)
            total = total + (output * given).sum()  # gradients that are given would have torch import sympy
    if not total.requires_grad:
        return [number(0.0)] * len(inputs)
    tracer.known[place_of(total)], tracer.backward = number(0.0), True
    with tracer:
        found = torch.autograd.grad(total, inputs, allow_unused=True)
    return [number(0.0) if x is None else tracer.of(x) for x in found]
