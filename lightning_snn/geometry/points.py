"""Nodes where the user puts them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry.sheet import Sheet


class Points(Sheet):
    """Nodes at given positions; an image fills their bounding box.

    Args:
        positions: ``[N, 2]``, N at least 2 and not all on one line parallel to an axis. In a configuration
            also the path of a YAML or JSON file with a list of pairs, ``- [x, y]`` in each line; the command
            takes minutes to read a thousand, so for more than some hundred name a subclass of one's own.
        area: Area that the nodes fill; estimated from the distances to near neighbours by default,
            which also holds for odd shapes and for layouts with holes.

    Raises:
        ValueError: if the positions are not finite, of another shape, or span no area.
    """

    def __init__(self, positions: Tensor | Sequence[Sequence[float]], *, area: float | None = None) -> None:
        place = torch.as_tensor(positions, dtype=torch.float32)
        if place.ndim != 2 or place.shape[1] != 2 or len(place) < 2 or not place.isfinite().all():
            raise ValueError(f"positions must be finite, [N, 2] with N >= 2, got shape {list(place.shape)}")
        (x_min, y_min), (x_max, y_max) = place.amin(0).tolist(), place.amax(0).tolist()
        if x_min == x_max or y_min == y_max:
            raise ValueError("positions must span an area, got points on one line parallel to an axis")
        if area is not None:
            checks.positive("area", area)
        super().__init__(place, (x_min, y_min, x_max, y_max), area or _filled_area(place))

    def even_positions(self, count: int) -> Tensor:
        """Nodes chosen one by one, each farthest from those before; all of them again beyond N."""
        checks.count("count", count)
        if count > self.num_nodes:
            return torch.cat([self.positions, self.even_positions(count - self.num_nodes)])
        centre = self.positions.mean(0, keepdim=True)
        chosen = [int(torch.cdist(self.positions, centre).argmin())]
        nearest = torch.cdist(self.positions, self.positions[chosen]).squeeze(1)
        while len(chosen) < count:
            chosen.append(int(nearest.argmax()))
            nearest = nearest.minimum(torch.cdist(self.positions, self.positions[chosen[-1:]]).squeeze(1))
        return self.positions[chosen]


def _filled_area(positions: Tensor, neighbour: int = 10) -> float:
    """Area by the median density ``k / (pi r_k^2)``, r_k the distance to the k-th neighbour."""
    k = min(neighbour, len(positions) - 1)
    some = positions[:: max(1, len(positions) // 4096)]
    blocks = [torch.cdist(block, positions).kthvalue(k + 1, dim=1).values for block in torch.split(some, 256)]
    radius = torch.cat(blocks)
    if radius.median() == 0:
        raise ValueError(
            f"positions must differ, but most have {k} others at the same place; or give the area"
        )
    density = (k / (torch.pi * radius**2)).median()
    return len(positions) / density.item()
