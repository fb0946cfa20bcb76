"""What the tests of a run are called: one for each loader."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

TEST = "test"
"""The test on the images as they are."""


@runtime_checkable
class NamedTest(Protocol):
    """A loader of test samples that are of a kind of their own, such as shifted images."""

    @property
    def test_name(self) -> str:
        """What the test is called; empty: it is that on the samples as they are."""


def as_list(loaders: Any) -> list[Any]:
    """The loaders that a Trainer has: none, one, several, or several by name."""
    if loaders is None:
        return []
    if isinstance(loaders, Mapping):
        return list(loaders.values())
    return list(loaders) if isinstance(loaders, list | tuple) else [loaders]


def stages_of(loaders: Any) -> list[str]:
    """The stage of each loader, under which its scores are logged.

    ``test`` for the first, ``test_<name>`` where a loader has a name, else ``test_<number>``.

    Args:
        loaders: Those of a Trainer; those that are no `NamedTest` have no name.

    Raises:
        ValueError: if two have the same name.
    """
    names = [loader.test_name if isinstance(loader, NamedTest) else "" for loader in as_list(loaders)]
    found = [f"{TEST}_{name or number}" if name or number else TEST for number, name in enumerate(names)]
    if len(set(found)) < len(found):
        raise ValueError(f"loaders of test samples must have names that differ, got {', '.join(names)}")
    return found
