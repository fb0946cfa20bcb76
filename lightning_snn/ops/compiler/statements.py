"""Expressions as lines of source."""

from collections.abc import Iterable, Mapping, Sequence

from lightning_snn.ops.compiler.expression import Expression, order

COMMON = {
    **{"neg": "(-{})", "and": "({} & {})", "or": "({} | {})"},
    **{name: f"({{}} {sign} {{}})" for name, sign in zip(("add", "sub", "mul"), "+-*", strict=True)},
    **{"ge": "({} >= {})", "gt": "({} > {})", "le": "({} <= {})", "lt": "({} < {})"},
    **{"eq": "({} == {})", "ne": "({} != {})"},
}
"""How operators are written where numba and Triton agree."""


def statements(
    outputs: Sequence[tuple[str, Expression]],
    given: Mapping[Expression, str],
    table: Mapping[str, str],
    indent: int,
    finite: str,
    infinite: str,
) -> str:
    """Lines that compute ``outputs``, every expression once.

    Args:
        outputs: Templates with a ``{}`` for the value, and the values.
        given: Texts that load expressions.
        table: How operators are written.
        indent: Spaces before each line.
        finite: How a number is written.
        infinite: How one is that is not finite.
    """
    names: dict[Expression, str] = {}
    lines = []

    def text(x: Expression) -> str:
        if x in names:
            return names[x]
        value = x.value
        if isinstance(value, bool):
            return str(value)
        assert isinstance(value, float)
        return (finite if value - value == 0 else infinite).format(value)

    for k, x in enumerate(order([value for _, value in outputs], given)):
        if x.op == "argument" and x not in given:
            names[x] = str(x.args[0])
            continue
        names[x] = f"x{k}"
        arguments = [] if x in given else [text(y) for y in x.inputs]
        form = table[x.op] if x.op in table else f"{x.op}({', '.join(['{}'] * len(arguments))})"
        lines.append(f"x{k} = {given[x] if x in given else form.format(*arguments)}")
    lines += [target.format(text(x)) for target, x in outputs]
    return "".join(" " * indent + line + "\n" for line in lines or ["pass"])


def strided(names: Iterable[str]) -> list[str]:
    """Arguments for sequences: each, and its strides of time and of samples."""
    return [x for name in names for x in (name, f"{name}_t", f"{name}_b")]
