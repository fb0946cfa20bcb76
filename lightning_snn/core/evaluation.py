"""Modules that act as in evaluation for a while."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_evaluation(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Inside, ``modules`` and their parts act as in evaluation; afterwards each as before."""
    before = {part: part.training for module in modules for part in module.modules()}
    try:
        for part in before:
            part.training = False
        yield
    finally:
        for part, training in before.items():
            part.training = training
