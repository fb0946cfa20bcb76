"""A neuron's step and its gradient as expressions: torch runs it once, and every operator is written down."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from lightning_snn.ops.compiler.expression import Expression, argument, make, number
from lightning_snn.ops.compiler.operators import OF_CONSTANTS, RULES

SHAPE = (2, 3)
"""Of every traced tensor: a step that mixes neurons shows by giving another."""

_HERE = ("/torch/", "\\torch\\", "ops/compiler/", "ops\\compiler\\")


class CannotCompileError(ValueError):
    """A step holds what the compiler does not know."""


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
    with outside():
        inputs = [torch.full(SHAPE, 0.5, dtype=dtype) for _ in names]  # torch's generator stays as it is
        tracer = _Tracer({_place(x): argument(name) for x, name in zip(inputs, names, strict=True)}, dtype)
        with torch.set_grad_enabled(grads is not None), tracer:
            leaves = [x.requires_grad_(grads is not None) for x in inputs]
            outputs = list(step(*leaves))
            found = [tracer.of(x) for x in outputs]
            return Traced(found, [] if grads is None else _gradients(tracer, leaves, outputs, grads, dtype))


@contextmanager
def outside() -> Iterator[None]:
    """A compiler, an exporter or autocast around this call sees nothing of what is done here."""
    with _disable_current_modes(), torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        yield


def _gradients(
    tracer: "_Tracer",
    inputs: list[Tensor],
    outputs: list[Tensor],
    grads: Sequence[str | None],
    dtype: torch.dtype,
) -> list[Expression]:
    roots, given = [], []
    for output, name in zip(outputs, grads, strict=True):
        if output.requires_grad and name is not None:
            roots.append(output)
            given.append(torch.full_like(output, 0.5, dtype=dtype).detach())
            tracer.known[_place(given[-1])] = argument(name)
            tracer.alive.append(given[-1])
    tracer.backward = True
    if not roots:
        return [number(0.0)] * len(inputs)
    found = torch.autograd.grad(roots, inputs, given, allow_unused=True)
    return [number(0.0) if x is None else tracer.of(x) for x in found]


def _place(x: Tensor) -> int:
    """Its memory: aliases share it, and what is changed in place changes for all of them."""
    place: int = x.untyped_storage()._cdata
    return place


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what every operator does."""

    def __init__(self, known: dict[int, Expression], dtype: torch.dtype) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known, self.dtype, self.backward = known, dtype, False
        self.alive: list[Any] = []  # memory that is freed would be taken again

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # importing dynamo takes longer than all that is compiled

    def of(self, x: Any) -> Any:
        """The expression of a tensor; other arguments as they are."""
        if not isinstance(x, Tensor):
            return x
        if _place(x) in self.known:
            return self.known[_place(x)]
        raise CannotCompileError(
            f"{_where()}: a tensor that is neither an argument nor made of them cannot be compiled: declare "
            f"it as a constant of the model{_INSTEAD}"
        )

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        name, kwargs = func._schema.name.removeprefix("aten::"), kwargs or {}
        rule = RULES.get(name) or RULES.get(name.removesuffix("_"))
        if name.startswith("lift_fresh"):
            return self._keep(args[0], number(args[0].item()) if args[0].numel() == 1 else self.of(args[0]))
        if rule is None and self.backward and name == "sum":  # over neurons, which is left to the end
            return self._keep(func(*args, **kwargs), self.of(args[0]))
        try:
            if name in OF_CONSTANTS and not any(getattr(self.of(x), "varies", False) for x in args):
                made = make(f"torch.{name}", *map(self.of, args))
            elif rule is not None:
                made = rule(*map(self.of, args), **{key: self.of(x) for key, x in kwargs.items()})
            else:
                return self._decomposed(func, name, args, kwargs)
        except NotImplementedError as error:
            raise _unknown(str(error), self.backward) from None
        result = func(*args, **kwargs)
        if tuple(result.shape) not in (SHAPE, ()) or result.dtype not in (self.dtype, torch.bool):
            what = f"{name}, which gives {result.dtype} {list(result.shape)} for {list(SHAPE)}"
            raise _unknown(
                f"{what}: neurons are computed each on their own, in one number format", self.backward
            )
        return self._keep(result, made)

    def _keep(self, result: Tensor, made: Expression) -> Tensor:
        self.known[_place(result)] = made
        self.alive.append(result)
        return result

    def _decomposed(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """An operator in terms of others, where torch knows such."""
        rule = torch._decomp.decomposition_table.get(func)
        if name == "_local_scalar_dense":
            raise _unknown("a branch on a value, or a value as a Python number", self.backward)
        try:
            if rule is not None:
                with self:
                    return rule(*args, **kwargs)
        except CannotCompileError:
            pass  # it is the operator that the step calls which is named
        raise _unknown(f"the operator {name}", self.backward) from None


_INSTEAD = "; compiled = False in the class runs it step by step in PyTorch"


def _unknown(what: str, backward: bool) -> CannotCompileError:
    place = "in the gradient of the step" if backward else _where()
    return CannotCompileError(f"{place}: {what} cannot be compiled{_INSTEAD}")


def _where() -> str:
    """File and line of the step that runs now: the innermost that is not torch's or ours."""
    frame: FrameType | None = sys._getframe()
    while frame and any(part in frame.f_code.co_filename for part in _HERE):
        frame = frame.f_back
    return "the step" if frame is None else f"{frame.f_code.co_filename}, line {frame.f_lineno}"
