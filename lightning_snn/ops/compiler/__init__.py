"""Neuron models compiled: their step is traced once and printed as fused loops over time."""

from lightning_snn.ops.compiler.operator import run
from lightning_snn.ops.compiler.plan import Kind
from lightning_snn.ops.compiler.program import Case, Program, Step, build
from lightning_snn.ops.compiler.trace import CannotCompileError, outside

__all__ = ["CannotCompileError", "Case", "Kind", "Program", "Step", "build", "outside", "run"]
