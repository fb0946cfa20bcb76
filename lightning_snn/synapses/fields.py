"""Which nodes of the layer below each place of a layer sees."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import nodes_near
from lightning_snn.synapses.projection import Projection


class Fields(Configurable, ABC):
    """A list of nodes for each of P places."""

    @abstractmethod
    def nodes(self, num_pre: int, below: Sheet | None) -> list[Tensor]:
        """Numbers of the nodes of each place, in ascending order.

        Args:
            num_pre: Nodes of the layer below.
            below: Where they sit; None where nobody knows.

        Raises:
            ValueError: if a place sees no node, or the sheet is needed and missing.
        """


class RoundFields(Fields):
    """Disks around centres that are spread evenly over the sheet below.

    Args:
        radius: Radius of a disk, in the sheet's unit of length.
        num_fields: Number of disks P.

    Raises:
        ValueError: if a number is not positive.
    """

    def __init__(self, radius: float, num_fields: int) -> None:
        checks.positive("radius", radius)
        checks.count("num_fields", num_fields)
        self.radius = radius
        self.num_fields = num_fields

    def nodes(self, num_pre: int, below: Sheet | None) -> list[Tensor]:
        """The nodes of each disk; see `Fields.nodes`."""
        sheet = known("fields.RoundFields", "below", below, num_pre)
        return within(sheet, sheet.even_positions(self.num_fields), self.radius)


class ListedFields(Fields):
    """Fields given node by node, such as those that waves have found.

    Args:
        nodes: Numbers of the nodes of each field.

    Raises:
        ValueError: if there is no field, or one is empty or names a node twice.

    >>> [field.tolist() for field in ListedFields([[4, 2], [0]]).nodes(5, None)]
    [[2, 4], [0]]
    """

    def __init__(self, nodes: Sequence[Sequence[int]]) -> None:
        if not nodes:
            raise ValueError("fields must hold at least one field, got none")
        for place, field in enumerate(nodes):
            if not field or len(set(field)) < len(field):
                raise ValueError(
                    f"a field must hold at least one node and none twice, got {list(field)} as field {place}"
                )
        self.listed = [torch.tensor(sorted(field)) for field in nodes]

    @classmethod
    def of(cls, projection: Projection) -> "ListedFields":
        """The fields of the units of a projection, such as a `Dense` one that waves have wired.

        Raises:
            ValueError: if a unit is connected to no node.
        """
        return cls([row.nonzero()[:, 0].tolist() for row in projection.connected])

    def nodes(self, num_pre: int, below: Sheet | None) -> list[Tensor]:
        """The fields as they were given; see `Fields.nodes`."""
        del below
        low = min(int(field[0]) for field in self.listed)
        high = max(int(field[-1]) for field in self.listed)
        if low < 0 or high >= num_pre:
            wrong = low if low < 0 else high
            raise ValueError(f"fields must name nodes 0 to {num_pre - 1} of the layer below, got {wrong}")
        return self.listed


def known(user: str, name: str, sheet: Sheet | None, num_nodes: int) -> Sheet:
    """``sheet``.

    Raises:
        ValueError: if it is missing, or of another size.
    """
    if sheet is None:
        raise ValueError(f"{user} needs the sheet {name}: build the projection in a stack, or give {name}")
    if sheet.num_nodes != num_nodes:
        raise ValueError(f"{name} must have {num_nodes} nodes, got a sheet of {sheet.num_nodes}")
    return sheet


def within(sheet: Sheet, centres: Tensor, radius: float) -> list[Tensor]:
    """The nodes of a sheet within ``radius`` of each centre ``[P, 2]``.

    Raises:
        ValueError: if a centre has none.
    """
    found = nodes_near(sheet, centres, radius)
    count = found.starts.diff()
    if not count.all():
        empty = int((count == 0).nonzero()[0])
        x, y = centres[empty].tolist()
        raise ValueError(
            f"radius = {radius} is too small: no node of the layer below lies within it of place {empty} "
            f"at ({x:.3g}, {y:.3g}), nor of {int((count == 0).sum()) - 1} others"
        )
    return list(torch.split(found.targets.long(), count.tolist()))
