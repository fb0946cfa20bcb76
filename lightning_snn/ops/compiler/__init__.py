"""Neuron models compiled: their step is traced once and printed as fused loops over time."""

from typing import Literal, Protocol

from lightning_snn.core import checks
from lightning_snn.ops.compiler import store
from lightning_snn.ops.compiler.call import Call
from lightning_snn.ops.compiler.operator import differentiates, run
from lightning_snn.ops.compiler.plan import Kind
from lightning_snn.ops.compiler.program import Case, Program, Step, build
from lightning_snn.ops.compiler.refusal import CannotCompileError
from lightning_snn.ops.compiler.trace import outside
from lightning_snn.ops.compiler.tracer import refuse

__all__ = [
    "Call",
    "CannotCompileError",
    "Case",
    "Kind",
    "Program",
    "Step",
    "build",
    "differentiates",
    "outside",
    "refuse",
    "run",
    "source",
]


class Compiled(Protocol):
    """What is compiled, as a `NeuronModel` is."""

    def program(self) -> Program:
        """Its kernels, with the gradient of its first input."""


def source(model: Compiled, form: Literal["numba", "triton"] = "numba") -> str:
    """The kernels that a neuron model is compiled to: those of a run, then those of its input's gradient.

    Raises:
        ValueError: if there is no such form.
        CannotCompileError: if the model's step holds what the compiler does not know.
    """
    checks.one_of("form", form, store.FORMS)
    return "\n\n".join(store.text(keys.split()[0], form) for keys in model.program())
