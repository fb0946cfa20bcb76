"""Which nodes of the source each place of a layer sees."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import nodes_near
from lightning_snn.synapses.weighted import WeightedProjection


class Fields(Configurable, ABC):
    """A list of nodes for each of P places."""

    found_by: str | None = None
    """The connection that finds the fields while it is wired; None where they are known before."""

    @abstractmethod
    def nodes(
        self, num_pre: int, below: Sheet | None, earlier: Mapping[str, WeightedProjection] | None = None
    ) -> list[Tensor]:
        """Numbers of the nodes of each place, in ascending order.

        Args:
            num_pre: Nodes of the source.
            below: Where they sit; None where nobody knows.
            earlier: The projections with weights that lead from the same source and come before, by the
                name of their connection.

        Raises:
            ValueError: if a place sees no node, or the sheet is needed and missing.
        """


class RoundFields(Fields):
    """Disks around centres that are spread evenly over the sheet of the source.

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

    def nodes(
        self, num_pre: int, below: Sheet | None, earlier: Mapping[str, WeightedProjection] | None = None
    ) -> list[Tensor]:
        """The nodes of each disk; see `Fields.nodes`."""
        del earlier
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
    def of(cls, projection: WeightedProjection) -> "ListedFields":
        """The fields of the units of a projection, such as a `Dense` one that waves have wired.

        Raises:
            ValueError: if a unit is connected to no node.
        """
        return cls([row.nonzero()[:, 0].tolist() for row in projection.connected])

    def nodes(
        self, num_pre: int, below: Sheet | None, earlier: Mapping[str, WeightedProjection] | None = None
    ) -> list[Tensor]:
        """The fields as they were given; see `Fields.nodes`."""
        del below, earlier
        low = min(int(field[0]) for field in self.listed)
        high = max(int(field[-1]) for field in self.listed)
        if low < 0 or high >= num_pre:
            wrong = low if low < 0 else high
            raise ValueError(f"fields must name nodes 0 to {num_pre - 1} of the source, got {wrong}")
        return self.listed


class FoundFields(Fields):
    """A field for each unit of another connection: the ``size`` inputs of that unit that are strongest.

    That connection leads from the same layer and is wired before; until then the fields are those of its
    first weights. A checkpoint holds the fields.

    Args:
        connection: Name of the connection that finds the fields, such as one that waves wire.
        size: Nodes of a field.

    Raises:
        ValueError: if the size is not positive.
    """

    def __init__(self, connection: str, size: int) -> None:
        checks.count("fields.size", size)
        self.found_by = connection
        self.size = size

    def nodes(
        self, num_pre: int, below: Sheet | None, earlier: Mapping[str, WeightedProjection] | None = None
    ) -> list[Tensor]:
        """The strongest inputs of each unit; see `Fields.nodes`.

        Raises:
            ValueError: if there is no such connection, it has no rule, or its units have fewer inputs.
        """
        del num_pre, below
        finder = (earlier or {}).get(str(self.found_by))
        if finder is None:
            raise ValueError(
                f"fields.connection must name a connection that leads from the same layer and is listed "
                f"before, one of {sorted(earlier or {})}, got {self.found_by!r}"
            )
        if finder.rule is None or not finder.has_fields:
            raise ValueError(
                f"fields.connection = {self.found_by!r} finds no fields: it must be Dense or Local with a "
                f"rule, got {type(finder).__name__}{'' if finder.rule else ' without a rule'}"
            )
        return list(finder.strongest(self.size).sort(dim=1).values.cpu())


def known(user: str, name: str, sheet: Sheet | None, num_nodes: int) -> Sheet:
    """``sheet``.

    Raises:
        ValueError: if it is missing, or of another size.
    """
    if sheet is None:
        raise ValueError(f"{user} needs the sheet {name}: build the projection in a network, or give {name}")
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
            f"radius = {radius} is too small: no node of the source lies within it of place {empty} "
            f"at ({x:.3g}, {y:.3g}), nor of {int((count == 0).sum()) - 1} others"
        )
    return list(torch.split(found.targets.long(), count.tolist()))
