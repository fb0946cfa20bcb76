"""Elementwise expressions: one object a distinct expression, simplified as it is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

COMPARE = ("ge", "gt", "le", "lt", "eq", "ne")
LOGIC: dict[str, Callable[..., Tensor]] = {
    "and": torch.logical_and, "or": torch.logical_or, "not": torch.logical_not,
}  # fmt: skip
FUNCTIONS = ("exp", "log", "sqrt", "tanh", "abs", "sin", "cos", "floor", "ceil", "round")
"""Of one number, that kernels know."""
TORCH: dict[str, Callable[..., Tensor]] = LOGIC | {
    name: getattr(torch, name) for name in ("add", "sub", "mul", "div", "neg", "where", *FUNCTIONS, *COMPARE)
}
"""Every operator but ``cast`` (of a truth value to 0 or 1), as torch computes it."""


class Expression:
    """An operator and its arguments; two of the same are the same object.

    ``argument`` has a name in ``args``, ``number`` a value; ``torch.expm1`` and its like are for constants.
    """

    def __init__(self, op: str, args: tuple["Expression | Value", ...]) -> None:
        self.op, self.args = op, args
        self.inputs = tuple(x for x in args if isinstance(x, Expression))
        self.is_truth = op in COMPARE or op in LOGIC or (op == "number" and isinstance(args[0], bool))
        own = [str(args[0])] if op == "argument" else []
        self.leaves: frozenset[str] = frozenset(own).union(*(x.leaves for x in self.inputs))
        self.value = args[0] if op == "number" else None

    @property
    def varies(self) -> bool:
        """Whether it depends on more than constants: on an input, a state or a gradient."""
        return any(name[0] not in "ph" for name in self.leaves)


Value = float | bool | str
_known: dict[tuple[object, ...], Expression] = {}


def _intern(op: str, *args: Expression | Value) -> Expression:
    key = (op, *(x if isinstance(x, Expression) else repr(x) for x in args))
    return _known.setdefault(key, Expression(op, args))


def argument(name: str) -> Expression:
    """An input ``i..``, state ``s..``, constant ``p..``, hoisted value ``h..`` or gradient ``g..``."""
    return _intern("argument", name)


def number(value: float | bool) -> Expression:
    """A number; -0.0 is 0.0."""
    return _intern("number", value if isinstance(value, bool) else float(value) + 0.0)


def make(op: str, *given: Expression | float) -> Expression:
    """An expression, simplified where no bit changes but a zero's sign, and what inf, NaN, denormals give."""
    args = [x if isinstance(x, Expression) else number(x) for x in given]
    if op in LOGIC:
        args = [x if x.is_truth else make("ne", x, 0.0) for x in args]
    elif op not in ("where", "cast"):
        args = [make("cast", x) if x.is_truth else x for x in args]
    if op == "where":
        args[1:] = [make("cast", x) if x.is_truth else x for x in args[1:]]
    if op.startswith("torch."):
        return _intern(op, *args)
    if all(x.op == "number" for x in args):
        return _folded(op, args)
    if op in ("mul", "add", "and", "or") and args[0].op == "number":
        args.reverse()
    simpler = _where(*args) if op == "where" else _simpler(op, *args)
    return _intern(op, *args) if simpler is None else simpler


def _folded(op: str, args: Sequence[Expression]) -> Expression:
    values = [x.value for x in args]
    if op == "cast":
        return number(float(values[0]))  # type: ignore[arg-type]
    found = TORCH[op](
        *(torch.tensor(x, dtype=None if isinstance(x, bool) else torch.float64) for x in values)
    )
    return number(found.item())


def _simpler(op: str, x: Expression, y: Expression | None = None) -> Expression | None:
    value = None if y is None else y.value
    if op == "cast":
        return None if x.is_truth else x
    if op == "neg" and x.op == "neg":
        return x.inputs[0]
    if op == "not" and x.op == "not":
        return x.inputs[0]
    if y is None:
        return None
    if (op in ("mul", "div") and value == 1) or (op in ("add", "sub") and value == 0):
        return x
    if op == "mul" and value == 0 and not x.varies:
        return y
    if op == "mul" and "cast" in (x.op, y.op):
        x, y = (x, y) if y.op == "cast" else (y, x)
        truth = y.inputs[0]
        return (
            make("cast", make("and", x.inputs[0], truth)) if x.op == "cast" else make("where", truth, x, 0.0)
        )
    if x.op == "cast" and (op, value) in (("gt", 0), ("ne", 0), ("eq", 1), ("ge", 1)):
        return x.inputs[0]
    if op in ("ge", "lt") and value == 0 and x.op == "div" and (x.inputs[1].value or 0) > 0:  # type: ignore[operator]
        return make(op, x.inputs[0], 0.0)
    if op in ("and", "or"):
        if x is y or value is (op == "and"):
            return x
        if y.op == "number":
            return y
    return None


def _where(c: Expression, x: Expression, y: Expression) -> Expression | None:
    if c.op == "number":
        return x if c.value else y
    if y.op == "where" and y.inputs[0] is c:
        return make("where", c, x, y.inputs[2])
    if x.op == "where" and x.inputs[0] is c:
        return make("where", c, x.inputs[1], y)
    if x is y:
        return x
    return make("cast", c) if (x.value, y.value) == (1, 0) else None


def order(roots: Iterable[Expression], given: Iterable[Expression] = ()) -> list[Expression]:
    """The expressions that ``roots`` need, inputs first, without numbers; none behind those ``given``."""
    known, found = set(given), dict[Expression, None]()

    def visit(x: Expression) -> None:
        if x in found or x.op == "number":
            return
        for y in () if x in known else x.inputs:
            visit(y)
        found[x] = None

    for root in roots:
        visit(root)
    return list(found)


def replace(roots: Iterable[Expression], given: Mapping[Expression, Expression]) -> list[Expression]:
    """``roots`` with some expressions replaced."""
    roots, done = list(roots), dict(given)
    for x in order(roots, given):
        if x not in done:
            done[x] = make(x.op, *(done.get(y, y) for y in x.inputs)) if x.inputs else x
    return [done.get(x, x) for x in roots]
