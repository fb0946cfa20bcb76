"""Every test states what is to hold."""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def states(call):
    """Whether a call states something: of torch, numpy, pytest, core.checks or tests/helpers."""
    *module, name = ast.unparse(call.func).split(".")
    return (
        name.startswith(("assert", "check_"))
        or name in ("check", "raises", "warns", "opcheck")
        or module == ["checks"]
    )


def states_something(test):
    """Whether a function holds an ``assert`` or calls what states something."""
    found = ast.walk(test)
    return any(isinstance(x, ast.Assert) or (isinstance(x, ast.Call) and states(x)) for x in found)


def functions_of(path):
    """The tests of a file: its functions, and the methods of its classes of tests."""
    parts = ast.parse(path.read_text(encoding="utf-8")).body
    classes = [part for part in parts if isinstance(part, ast.ClassDef) and part.name.startswith("Test")]
    everything = parts + [method for part in classes for method in part.body]
    return [x for x in everything if isinstance(x, ast.FunctionDef) and x.name.startswith("test_")]


@pytest.mark.parametrize(
    "path", sorted(HERE.rglob("*.py")), ids=lambda path: path.relative_to(HERE).as_posix()
)
def test_every_test_states_something(path):
    assert [test.name for test in functions_of(path) if not states_something(test)] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [("assert a", True), ("assert_same(a, b)", True), ("with pytest.raises(E): f()", True), ("f(a)", False)],
)
def test_what_states_something(line, expected):
    (function,) = ast.parse(f"def test_it():\n    {line}\n").body
    assert states_something(function) is expected
