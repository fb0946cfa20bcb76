"""Modules by name, of one type that type checkers know."""

from collections.abc import ItemsView, ValuesView
from typing import TYPE_CHECKING, Generic, TypeVar

from torch import nn

Part = TypeVar("Part", bound=nn.Module)


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
