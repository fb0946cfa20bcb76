"""What cannot be compiled, in one sentence that names the line."""

from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import torch

_HERE = tuple(str(Path(path).parent) for path in (torch.__file__, __file__))
"""Folders whose lines are not a step's."""


class CannotCompileError(ValueError):
    """A step holds what the compiler does not know."""


VALUE = "a branch on a value or a shape, or one as a number of Python,"
IN_PLACE = "an argument that is changed in place"
SAID = {
    "Boolean value of Tensor": VALUE,
    "converted to Scalar": VALUE,
    "converted to Python scalars": VALUE,
    "used in an in-place operation": IN_PLACE,
}
"""What torch says of such."""


def refusal(what: str, place: str, why: str = "") -> CannotCompileError:
    """The error for ``what`` cannot be compiled, at a ``place``, and ``why``."""
    return CannotCompileError(
        f"{place}: {what} cannot be compiled{why}; "
        "compiled = False in the class runs it step by step in PyTorch"
    )


def where(frames: Iterable[FrameType]) -> str:
    """File and line of the innermost of these that is not torch's or ours."""
    for frame in frames:
        if not frame.f_code.co_filename.startswith(_HERE):
            return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
    return "the step"
