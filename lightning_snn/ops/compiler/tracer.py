"""What torch does while a step runs, written down as expressions."""

import sys
from traceback import walk_stack
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from lightning_snn.ops.compiler.expression import Expression, make, number
from lightning_snn.ops.compiler.operators import OF_CONSTANTS, RULES
from lightning_snn.ops.compiler.refusal import IN_PLACE, VALUE, CannotCompileError, refusal, where

SHAPES = ((2, 3), (3, 5))
"""Of every traced tensor, first and again: a step that mixes neurons shows by giving another."""


def place_of(x: Tensor) -> int:
    """Its memory: aliases share it, and what is changed in place changes for all of them."""
    place: int = x.untyped_storage()._cdata
    return place


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
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
        if place_of(x) in self.known:
            return self.known[place_of(x)]
        raise refusal(
            "a tensor that is neither an argument nor made of them",
            self.place,
            "; make it a constant of the model",
        )

    @property
    def place(self) -> str:
        """What is traced now."""
        return (
            "in the gradient of the step" if self.backward else where(frame for frame, _ in walk_stack(None))
        )

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Write down what an operator gives, and run it."""
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
            raise refusal(str(error), self.place) from None
        except TypeError as error:  # a rule takes no such arguments
            raise refusal(f"the operator {name} with these arguments", self.place) from error
        if func._schema.is_mutable and place_of(args[0]) in self.given:
            raise refusal(IN_PLACE, self.place)
        result = func(*args, **kwargs)
        own = any(x.dtype == self.dtype for x in args if isinstance(x, Tensor))
        formats = (self.dtype, torch.bool) if own else (self.dtype, torch.bool, torch.get_default_dtype())
        if tuple(result.shape) not in (self.shape, ()) or result.dtype not in formats:
            what = (
                f"{name}, which gives {result.dtype} {list(result.shape)} for {self.dtype} {[*self.shape]},"
            )
            why = ": neurons are computed each on their own, in one number format"
            raise refusal(what, self.place, why)
        if result.dtype is torch.bool and not made.is_truth:  # such as a sum of two
            made = make("ne", made, 0.0)
        return self._keep(result, made)

    def _keep(self, result: Tensor, made: Expression) -> Tensor:
        self.known[place_of(result)] = made
        self.alive.append(result)
        self.log.append((made, self.place))
        return result

    def _decomposed(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """An operator in terms of others, where torch knows such."""
        rule = torch._decomp.decomposition_table.get(func)
        if name == "_local_scalar_dense":
            raise refusal(VALUE, self.place)
        try:
            if rule is not None:
                with self:
                    return rule(*args, **kwargs)
        except CannotCompileError:
            pass  # it is the operator that the step calls which is named
        raise refusal(f"the operator {name}", self.place) from None


def refuse(name: str, instead: str) -> None:
    """Raise `CannotCompileError` if a step that is traced now reads an attribute of its model.

    Args:
        name: What it is called.
        instead: What the step should read.
    """
    if not torch.compiler.is_compiling() and isinstance(_get_current_dispatch_mode(), Tracer):
        place = where(frame for frame, _ in walk_stack(sys._getframe(2)))
        raise refusal(f"self.{name}", place, f": read {instead}")
