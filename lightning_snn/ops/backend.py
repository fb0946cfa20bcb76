"""Which kernels run an operator: chosen by the device of its input, overridden in one place.

An operator is a folder: ``reference.py`` in plain PyTorch is the truth, ``cpu.py`` holds numba kernels and
``cuda.py`` Triton kernels with the same results; its ``__init__`` registers them as torch custom operators.
Each operator finds out for itself whether its kernels compile here; those of the others go on.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Literal, TypeVar

import torch

from lightning_snn.core import checks

Backend = Literal["auto", "reference", "numba", "triton"]
Result = TypeVar("Result")

_FILES = {"numba": "cpu", "triton": "cuda"}
_BY_DEVICE = {"cpu": "numba", "cuda": "triton"}
_COMPILERS = ("numba", "llvmlite", "triton")

_override: Backend = "auto"
_failed: set[tuple[str, str]] = set()
"""Operators and the backends on which their kernels do not compile here."""


@contextmanager
def use(backend: Backend) -> Iterator[None]:
    """Run every operator on one backend; ``auto`` chooses by device.

    A backend that is named here must work: its errors are raised, not answered by the reference.

    Raises:
        ValueError: if the backend is unknown.
    """
    global _override
    checks.one_of("backend", backend, ("auto", "reference", *_FILES))
    before, _override = _override, backend
    try:
        yield
    finally:
        _override = before


def chosen(operator: str, device: torch.device) -> str:
    """The backend that runs an operator (its package's name) on a device now."""
    if _override != "auto":
        return _override
    name = _BY_DEVICE.get(device.type, "reference")
    return "reference" if (operator, name) in _failed else name


def kernels(operator: str, device: torch.device) -> ModuleType:
    """The module with the kernels of an operator for a device.

    A backward pass needs those of its forward pass, whatever has failed or been chosen since.
    """
    name = _override if _override in _FILES else _BY_DEVICE[device.type]
    return import_module(f"{operator}.{_FILES[name]}")


def run(
    operator: str, device: torch.device, fused: Callable[[], Result], reference: Callable[[], Result]
) -> Result:
    """The result of ``fused``, or of ``reference`` where no kernels exist or they do not compile here.

    Args:
        operator: The operator's package, ``__name__`` there.
        device: Of its input.
        fused: Runs the kernels.
        reference: Runs the plain loop.
    """
    name = chosen(operator, device)
    if name == "reference":
        return reference()
    try:
        return fused()
    except Exception as error:
        if _override != "auto" or not _cannot_compile(error):
            raise
        _failed.add((operator, name))
        warnings.warn(
            f"{operator.rpartition('.')[2]}: the {name} kernels do not work here, the slower plain PyTorch "
            f"loops run instead, with the same results: {type(error).__name__}: {error}",
            stacklevel=2,
        )
        return reference()


def _cannot_compile(error: Exception) -> bool:
    """Whether a compiler is missing or failed, in contrast to an error in the call."""
    return isinstance(error, ImportError) or type(error).__module__.split(".")[0] in _COMPILERS
