"""A neuron's step and its gradient as expressions: torch runs it once, and every operator is written down."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from traceback import walk_stack, walk_tb
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes, _get_current_dispatch_mode

from lightning_snn.ops.compiler.expression import Expression, argument, make, number
from lightning_snn.ops.compiler.operators import OF_CONSTANTS, RULES

SHAPES = ((2, 3), (3, 5))
"""Of every traced tensor, first and again: a step that mixes neurons shows by giving another."""

_HERE = tuple(str(Path(path).parent) for path in (torch.__file__, __file__))
"""Folders whose lines are not a step's."""


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
    with outside(), torch.set_grad_enabled(grads is not None):
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
) -> tuple["_Tracer", list[Tensor], list[Tensor]]:
    """A step run on arguments that all hold one value, what it was given and what it gave."""
    inputs = [torch.full(shape, value, dtype=dtype) for _ in names]  # torch's generator stays as it is
    tracer = _Tracer({_place(x): argument(name) for x, name in zip(inputs, names, strict=True)}, dtype, shape)
    with tracer:
        leaves = [x.requires_grad_(torch.is_grad_enabled()) for x in inputs]
        try:
            return tracer, leaves, list(step(*leaves))
        except (RuntimeError, ValueError) as error:
            what = next((text for part, text in _SAID.items() if part in str(error)), None)
            if what is None:
                raise
            frames = [frame for frame, _ in walk_tb(error.__traceback__)]
            raise _unknown(what, _where(reversed(frames))) from error


def _check_same(one: Sequence[tuple[Expression, str]], other: Sequence[tuple[Expression, str]]) -> None:
    """Raise `CannotCompileError` if what a step computes depends on values or shapes that it is given."""
    for (first, place), (second, _) in zip_longest(one, other, fillvalue=(None, "the step")):
        if first is not second:
            raise _unknown(_VALUE, place)


def refuse(name: str, instead: str) -> None:
    """Raise `CannotCompileError` if a step that is traced now reads an attribute of its model.

    Args:
        name: What it is called.
        instead: What the step should read.
    """
    if not torch.compiler.is_compiling() and isinstance(_get_current_dispatch_mode(), _Tracer):
        place = _where(frame for frame, _ in walk_stack(sys._getframe(2)))
        raise _unknown(f"self.{name}", place, f": read {instead}")


@contextmanager
def outside() -> Iterator[None]:
    """A compiler, an exporter or autocast around this call sees nothing of what is done here."""
    hidden = torch._C.DisableTorchFunction()  # an exporter would write down the contexts that follow
    with hidden, _disable_current_modes(), torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        yield


def _gradients(
    tracer: "_Tracer",
    inputs: list[Tensor],
    outputs: list[Tensor],
    grads: Sequence[str | None],
    dtype: torch.dtype,
) -> list[Expression]:
    total = torch.zeros((), dtype=dtype)
    for output, name in zip(outputs, grads, strict=True):
        if output.requires_grad and name is not None:
            given = torch.full_like(output, 0.5, dtype=dtype, requires_grad=False)
            tracer.known[_place(given)] = argument(name)
            tracer.alive.append(given)
            total = total + (output * given).sum()  # gradients that are given would have torch import sympy
    if not total.requires_grad:
        return [number(0.0)] * len(inputs)
    tracer.known[_place(total)], tracer.backward = number(0.0), True
    with tracer:
        found = torch.autograd.grad(total, inputs, allow_unused=True)
    return [number(0.0) if x is None else tracer.of(x) for x in found]


def _place(x: Tensor) -> int:
    """Its memory: aliases share it, and what is changed in place changes for all of them."""
    place: int = x.untyped_storage()._cdata
    return place


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what every operator does."""

    def __init__(self, known: dict[int, Expression], dtype: torch.dtype, shape: tuple[int, int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known, self.dtype, self.shape, self.backward = known, dtype, shape, False
        self.given = set(known)
        self.alive: list[Any] = []  # memory that is freed would be taken again
        self.log: list[tuple[Expression, str]] = []  # what was made, and where

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # importing dynamo takes longer than all that is compiled

    def of(self, x: Any) -> Any:
        """The expression of a tensor; other arguments as they are."""
        if not isinstance(x, Tensor):
            return x
        if _place(x) in self.known:
            return self.known[_place(x)]
        raise _unknown(
            "a tensor that is neither an argument nor made of them",
            self.place,
            "; make it a constant of the model",
        )

    @property
    def place(self) -> str:
        """What is traced now."""
        return (
            "in the gradient of the step" if self.backward else _where(frame for frame, _ in walk_stack(None))
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
            raise _unknown(str(error), self.place) from None
        except TypeError as error:  # a rule takes no such arguments
            raise _unknown(f"the operator {name} with these arguments", self.place) from error
        if func._schema.is_mutable and _place(args[0]) in self.given:
            raise _unknown(_IN_PLACE, self.place)
        result = func(*args, **kwargs)
        own = any(x.dtype == self.dtype for x in args if isinstance(x, Tensor))
        formats = (self.dtype, torch.bool) if own else (self.dtype, torch.bool, torch.get_default_dtype())
        if tuple(result.shape) not in (self.shape, ()) or result.dtype not in formats:
            what = (
                f"{name}, which gives {result.dtype} {list(result.shape)} for {self.dtype} {[*self.shape]},"
            )
            why = ": neurons are computed each on their own, in one number format"
            raise _unknown(what, self.place, why)
        if result.dtype is torch.bool and not made.is_truth:  # such as a sum of two
            made = make("ne", made, 0.0)
        return self._keep(result, made)

    def _keep(self, result: Tensor, made: Expression) -> Tensor:
        self.known[_place(result)] = made
        self.alive.append(result)
        self.log.append((made, self.place))
        return result

    def _decomposed(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """An operator in terms of others, where torch knows such."""
        rule = torch._decomp.decomposition_table.get(func)
        if name == "_local_scalar_dense":
            raise _unknown(_VALUE, self.place)
        try:
            if rule is not None:
                with self:
                    return rule(*args, **kwargs)
        except CannotCompileError:
            pass  # it is the operator that the step calls which is named
        raise _unknown(f"the operator {name}", self.place) from None


_VALUE = "a branch on a value or a shape, or one as a number of Python,"
_IN_PLACE = "an argument that is changed in place"
_SAID = {
    "Boolean value of Tensor": _VALUE,
    "converted to Scalar": _VALUE,
    "converted to Python scalars": _VALUE,
    "used in an in-place operation": _IN_PLACE,
}
"""What torch says of such."""


def _unknown(what: str, place: str, why: str = "") -> CannotCompileError:
    return CannotCompileError(
        f"{place}: {what} cannot be compiled{why}; "
        "compiled = False in the class runs it step by step in PyTorch"
    )


def _where(frames: Iterable[FrameType]) -> str:
    """File and line of the innermost of these that is not torch's or ours."""
    for frame in frames:
        if not frame.f_code.co_filename.startswith(_HERE):
            return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
    return "the step"
