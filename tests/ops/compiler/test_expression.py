"""What an expression is simplified to has the bits of what was asked for."""

import random

import pytest
import torch
from helpers.tensors import rand

from lightning_snn.ops.compiler.expression import (
    COMPARE,
    TORCH,
    argument,
    make,
    number,
    order,
    replace,
)

REAL = {"add": 2, "sub": 2, "mul": 2, "neg": 1, "abs": 1, "floor": 1, "cos": 1, "tanh": 1}
NAMES = {"i0": False, "s0": False, "p0": True, "p1": True}
"""Arguments, and whether each is a constant."""


def tree(draw, depth, truth=False):
    """A random expression as nested tuples of operators, names and numbers."""
    if truth:
        if depth == 0 or draw.random() < 0.5:
            return (draw.choice(COMPARE), tree(draw, 0), tree(draw, 0))
        kind = draw.choice(("and", "or", "not"))
        return (kind, *(tree(draw, depth - 1, truth=True) for _ in range(1 if kind == "not" else 2)))
    if depth == 0 or draw.random() < 0.1:
        return draw.choice([*NAMES, 0.0, 1.0, -1.0, 0.5, -0.0])
    kind = draw.choice([*REAL, "where", "where", "cast", "cast", "divided"])
    if kind == "where":
        branches = (tree(draw, depth - 1) for _ in range(2))
        return ("where", tree(draw, depth - 1, truth=True), *branches)
    if kind == "cast":
        return ("cast", tree(draw, depth - 1, truth=True))
    if kind == "divided":
        return ("div", tree(draw, depth - 1), draw.choice([1.0, 0.5, 2.0]))
    return (kind, *(tree(draw, depth - 1) for _ in range(REAL[kind])))


def plainly(node, values, dtype):
    """A tree as torch computes it, step by step; numbers are exact until they meet others."""
    if isinstance(node, str):
        return values[node]
    if isinstance(node, float):
        return torch.tensor(node, dtype=torch.float64)
    kind, *parts = node
    return applied(kind, [plainly(part, values, dtype) for part in parts], dtype)


def applied(kind, found, dtype):
    if kind == "cast":
        return found[0].to(dtype if found[0].ndim else torch.float64)
    return TORCH[kind](*found)


def made(node):
    """A tree as the compiler's expression."""
    if isinstance(node, str):
        return argument(node)
    if isinstance(node, float):
        return number(node)
    kind, *parts = node
    return make(kind, *map(made, parts))


def computed(root, values, dtype):
    """An expression as torch computes it."""
    if root.op == "number":
        return torch.tensor(root.value, dtype=torch.bool if isinstance(root.value, bool) else torch.float64)
    if root.op == "argument":
        return values[root.args[0]]
    return applied(root.op, [computed(x, values, dtype) for x in root.inputs], dtype)


def size(node):
    return 1 + sum(map(size, node[1:])) if isinstance(node, tuple) else 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_simplification_changes_a_bit(dtype):
    draw, special = random.Random(0), torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, 2.0], dtype=dtype)
    values = {
        name: torch.cat([special[torch.randperm(6)], 4 * rand(40, seed=seed, dtype=dtype) - 2])
        for seed, name in enumerate(NAMES)
    }
    smaller = 0
    for _ in range(600):
        node = tree(draw, 4, truth=draw.random() < 0.3)
        expected, root = plainly(node, values, dtype), made(node)
        found = computed(root, values, dtype)
        assert (found.dtype == torch.bool) == (expected.dtype == torch.bool), node
        assert torch.equal(found.to(dtype).expand(46), expected.to(dtype).expand(46)), node
        smaller += len(order([root])) < size(node) + len(NAMES)
    assert smaller > 300


def test_two_of_the_same_are_one():
    x, y = argument("i0"), argument("s0")
    assert make("add", x, y) is make("add", argument("i0"), argument("s0"))
    assert make("add", x, y) is not make("add", y, x)
    assert number(0.0) is number(-0.0)
    assert number(1.0) is not number(True)
    assert make("add", 1.0, 2.0) is number(3.0)
    assert make("where", make("gt", 2.0, 1.0), x, y) is x


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (("mul", "i0", 1.0), "i0"),
        (("mul", 1.0, "i0"), "i0"),
        (("add", "i0", 0.0), "i0"),
        (("sub", "i0", -0.0), "i0"),
        (("neg", ("neg", "i0")), "i0"),
        (("mul", "p0", 0.0), 0.0),
        (("not", ("not", ("gt", "i0", 0.0))), ("gt", "i0", 0.0)),
        (("where", ("gt", "i0", 0.0), 1.0, 0.0), ("cast", ("gt", "i0", 0.0))),
        (("gt", ("cast", ("ge", "i0", "s0")), 0.0), ("ge", "i0", "s0")),
        (("mul", "s0", ("cast", ("ge", "i0", 0.0))), ("where", ("ge", "i0", 0.0), "s0", 0.0)),
        (("and", ("gt", "i0", 0.0), ("gt", "i0", 0.0)), ("gt", "i0", 0.0)),
        (("mul", "i0", 0.0), ("mul", "i0", 0.0)),
        (("sub", "i0", "i0"), ("sub", "i0", "i0")),
    ],
)
def test_what_is_simplified_and_what_is_not(node, expected):
    """What may be infinite or NaN, such as an input, times 0 stays."""
    assert made(node) is made(expected)


def test_what_depends_on_constants_alone_does_not_vary():
    assert not made(("add", "p0", ("cos", "p1"))).varies
    assert made(("add", "p0", "i0")).varies
    assert argument("gs0").varies


def test_parts_are_replaced_and_simplified_again():
    root = made(("add", "s0", ("mul", "i0", "p0")))
    assert replace([root], {argument("p0"): number(1.0), argument("s0"): number(0.0)}) == [argument("i0")]
    assert replace([root], {}) == [root]


def test_order_has_inputs_first_and_stops_at_what_is_given():
    inner = made(("mul", "i0", "p0"))
    root = make("add", inner, argument("s0"))
    found = order([root])
    assert found[-1] is root
    assert [x for x in found if x.op == "argument"] == [argument(x) for x in ("i0", "p0", "s0")]
    assert order([root], given=[inner]) == [inner, argument("s0"), root]
