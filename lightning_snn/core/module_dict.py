"""Modules by name, of one type that type checkers know."""

from collections.abc import ItemsView, ValuesView
from typing import TYPE_CHECKING, Generic, TypeVar

from torch import nn

Part = TypeVar("Part", bound=nn.Module)


def can_name(name: object) -> bool:
    """Whether a `ModuleDictOf` takes a name, and names that are made of it with ``.`` and ``/`` are clear.

    >>> can_name("lgn"), can_name("l.gn"), can_name("items")
    (True, False, False)
    """
    return isinstance(name, str) and name.isidentifier() and not hasattr(nn.ModuleDict, name)


class ModuleDictOf(nn.ModuleDict, Generic[Part]):
    """`torch.nn.ModuleDict` whose modules are all of one type.

    >>> lines = ModuleDictOf[nn.Linear]({"one": nn.Linear(2, 3)})
    >>> lines["one"].out_features
    3
    """

    if TYPE_CHECKING:

        def __getitem__(self, key: str) -> Part: ...  # noqa: D105
        def items(self) -> ItemsView[str, Part]: ...  # noqa: D102
        def values(self) -> ValuesView[Part]: ...  # noqa: D102
