"""Receptive fields as metrics; the measures stand in `lightning_snn.metrics.functional`."""

from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.metrics import functional
from lightning_snn.metrics.mean import RunningMean


class FieldSize(RunningMean):
    """Mean number of nodes that a unit is connected to.

    >>> import torch
    >>> metric = FieldSize()
    >>> metric.update(torch.tensor([[True, True, True], [True, False, False]]))
    >>> metric.compute()
    tensor(2.)
    """

    def update(self, connected: Tensor) -> None:
        """Count the units of ``connected`` ``[M, N]``, bool."""
        self.add(functional.field_size(connected))


class Coverage(RunningMean):
    """Share of the sheet's nodes that some unit is connected to, the mean over updates."""

    higher_is_better = True

    def update(self, connected: Tensor) -> None:
        """Count the sheet seen by ``connected`` ``[M, N]``, bool."""
        self.add(functional.coverage(connected))


class SheetMetric(RunningMean):
    """A mean over units that needs the distances between the nodes of their sheet.

    The distances move with ``.to(device)`` and stay out of checkpoints.

    Args:
        distances: ``[N, N]``, in units of length; on a torus the wrapped ones.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if ``distances`` is not a square matrix of floating-point numbers.
    """

    distances: Tensor

    def __init__(self, distances: Tensor, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        functional.check_distances(distances)
        self.register_buffer("distances", distances, persistent=False)


class RmsRadius(SheetMetric):
    """Mean root mean square radius of the fields, in units of length; empty fields do not count."""

    higher_is_better = False

    def update(self, connected: Tensor) -> None:
        """Count the units of ``connected`` ``[M, N]``, bool."""
        self.add(functional.rms_radius(_with_field(connected), self.distances))


class Compactness(SheetMetric):
    """Mean share of a field inside the disk of the same node count; empty fields do not count."""

    higher_is_better = True

    def update(self, connected: Tensor) -> None:
        """Count the units of ``connected`` ``[M, N]``, bool."""
        self.add(functional.compactness(_with_field(connected), self.distances))


class LocalisedShare(SheetMetric):
    """Share of the units whose field is small and round; a unit with an empty field is not localised.

    Args:
        distances: ``[N, N]``, in units of length; on a torus the wrapped ones.
        density: Nodes per unit of area.
        target_size: A localised field has fewer nodes than this.
        tolerance: Its rms radius is below this many times that of a round field of as many nodes.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if ``distances`` is not a square matrix or an option is not positive.
    """

    higher_is_better = True

    def __init__(
        self,
        distances: Tensor,
        *,
        density: float,
        target_size: float,
        tolerance: float = 1.25,
        **kwargs: Any,
    ) -> None:
        super().__init__(distances, **kwargs)
        checks.positive("density", density)
        checks.positive("target_size", target_size)
        checks.positive("tolerance", tolerance)
        self.density = density
        self.target_size = target_size
        self.tolerance = tolerance

    def update(self, connected: Tensor) -> None:
        """Count the units of ``connected`` ``[M, N]``, bool."""
        found = functional.localised(
            connected,
            self.distances,
            density=self.density,
            target_size=self.target_size,
            tolerance=self.tolerance,
        )
        self.add(found.float())


def _with_field(connected: Tensor) -> Tensor:
    """The rows of ``connected`` that have a field."""
    return connected[functional.field_size(connected) > 0]
