"""What a field of connected nodes measures.

`connected` ``[M, N]`` is True where unit m is connected to node n of a sheet; `distances` ``[N, N]`` are
the distances between the nodes of that sheet, on a torus the wrapped ones.
"""

import math

import torch
from torch import Tensor

from lightning_snn.core import checks


def field_size(connected: Tensor) -> Tensor:
    """Number of nodes that each unit is connected to.

    Args:
        connected: ``[M, N]``, bool.

    Returns:
        ``[M]``, float32.

    Raises:
        ValueError: if ``connected`` is not a boolean matrix with at least one node.

    >>> field_size(torch.tensor([[True, False, True], [False, False, False]]))
    tensor([2., 0.])
    """
    _check_connected(connected)
    return connected.sum(dim=1, dtype=torch.float32)


def rms_radius(connected: Tensor, distances: Tensor) -> Tensor:
    """Root mean square radius of each unit's field.

        R^2 = 1/2 sum_ij p_i p_j D_ij^2,    p uniform over the connected nodes

    In the plane R is the root mean square distance to the centroid. It needs distances only, so it also
    holds on a torus, where a centroid is not defined.

    Args:
        connected: ``[M, N]``, bool.
        distances: ``[N, N]``, in units of length.

    Returns:
        ``[M]``, in units of length; nan for an empty field.

    Raises:
        ValueError: if the shapes do not fit or ``connected`` is not boolean.

    Source: this project's definition.

    >>> line = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    >>> rms_radius(torch.tensor([[True, True], [True, False], [False, False]]), line)
    tensor([1., 0., nan])
    """
    mean_square = _mean_square_distance(connected, distances)
    return torch.where(connected, mean_square, 0).sum(dim=1).div(2 * field_size(connected)).sqrt()


def round_radius(size: Tensor, density: float) -> Tensor:
    """Root mean square radius of a round field of ``size`` nodes.

    A disk of radius r has ``R^2 = r^2 / 2``. Its area is ``pi r^2 = size / density``, hence
    ``R = sqrt(size / (2 pi density))``.

    Args:
        size: Number of nodes, any shape.
        density: Nodes per unit of area.

    Returns:
        The shape of ``size``, in units of length.

    Raises:
        ValueError: if ``density`` is not positive.

    >>> round_radius(torch.tensor([2.0, 8.0]), density=1 / torch.pi)
    tensor([1., 2.])
    """
    checks.positive("density", density)
    return (size / (2 * math.pi * density)).sqrt()


def localised(
    connected: Tensor,
    distances: Tensor,
    *,
    density: float,
    target_size: float,
    tolerance: float = 1.25,
) -> Tensor:
    """Which units have a small and round field: one blob instead of scattered nodes.

    Args:
        connected: ``[M, N]``, bool.
        distances: ``[N, N]``, in units of length.
        density: Nodes per unit of area.
        target_size: A field has fewer nodes than this.
        tolerance: The rms radius is below this many times that of a round field of as many nodes.

    Returns:
        ``[M]``, bool; False for an empty field.

    Raises:
        ValueError: if the shapes do not fit or an option is not positive.

    Source: this project's definition.
    """
    checks.positive("target_size", target_size)
    checks.positive("tolerance", tolerance)
    size = field_size(connected)
    is_round = rms_radius(connected, distances) < tolerance * round_radius(size, density)
    return (size < target_size) & is_round


def coverage(connected: Tensor) -> Tensor:
    """Share of the sheet's nodes that some unit is connected to.

    Args:
        connected: ``[M, N]``, bool.

    Returns:
        A scalar in [0, 1].

    Raises:
        ValueError: if ``connected`` is not a boolean matrix with at least one node.

    >>> coverage(torch.tensor([[True, True, False, False], [False, True, False, True]]))
    tensor(0.7500)
    """
    _check_connected(connected)
    return connected.any(dim=0).float().mean()


def field_centre(connected: Tensor, distances: Tensor) -> Tensor:
    """The node of the sheet with the least mean square distance to each unit's field.

    Args:
        connected: ``[M, N]``, bool.
        distances: ``[N, N]``, in units of length.

    Returns:
        ``[M]``, int64 node numbers; -1 for an empty field.

    Raises:
        ValueError: if the shapes do not fit or ``connected`` is not boolean.

    >>> place = torch.arange(5.0)
    >>> field_centre(torch.tensor([[True, True, True, False, False]]), (place[:, None] - place).abs())
    tensor([1])
    """
    centre = _mean_square_distance(connected, distances).argmin(dim=1)
    return torch.where(connected.any(dim=1), centre, -1)


def compactness(connected: Tensor, distances: Tensor) -> Tensor:
    """Share of each unit's field inside the disk of the same node count around its `field_centre`.

    1 for a round field without holes; a ring, or a field scattered over the sheet, comes close to 0. The
    disk is the smallest one that holds as many nodes as the field; nodes on its edge are inside.

    Args:
        connected: ``[M, N]``, bool.
        distances: ``[N, N]``, in units of length.

    Returns:
        ``[M]``, in [0, 1]; nan for an empty field.

    Raises:
        ValueError: if the shapes do not fit or ``connected`` is not boolean.

    Source: this project's definition.

    >>> place = torch.arange(6.0)
    >>> compactness(torch.tensor([[True, True, False, False, True, False]]), (place[:, None] - place).abs())
    tensor([0.3333])
    """
    size = field_size(connected)
    from_centre = distances[field_centre(connected, distances)]
    last = (size.long() - 1).clamp(min=0)[:, None]
    radius = from_centre.sort(dim=1).values.gather(1, last)
    return field_size(connected & (from_centre <= radius)) / size


def _mean_square_distance(connected: Tensor, distances: Tensor) -> Tensor:
    """Mean square distance ``[M, N]`` of each node to each unit's field, in at least float32."""
    _check_connected(connected)
    check_distances(distances, connected.shape[1])
    square = distances.to(torch.promote_types(distances.dtype, torch.float32)).square()
    with torch.autocast(connected.device.type, enabled=False):
        return connected.to(square) @ square / field_size(connected)[:, None]


def check_distances(distances: Tensor, num_nodes: int | None = None) -> None:
    """Raise ``ValueError`` unless ``distances`` is square and floating, of ``num_nodes`` nodes if given."""
    size = "N" if num_nodes is None else num_nodes
    fits = distances.ndim == 2 and distances.shape[0] == distances.shape[1]
    if not fits or num_nodes not in (None, len(distances)):
        raise ValueError(f"distances must be [{size}, {size}], got shape {list(distances.shape)}")
    if not distances.is_floating_point():
        raise ValueError(f"distances must be floating point, got dtype {distances.dtype}")


def _check_connected(connected: Tensor) -> None:
    if connected.ndim != 2 or connected.shape[1] == 0:
        shape = list(connected.shape)
        raise ValueError(f"connected must be [M, N] (units, nodes) with N above 0, got shape {shape}")
    if connected.dtype != torch.bool:
        raise ValueError(f"connected must be boolean, for instance weight > 0.1, got dtype {connected.dtype}")
