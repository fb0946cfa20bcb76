"""What neurons of a sheet send to each other."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from lightning_snn.core.charge import current_of
from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet
from lightning_snn.ops.tap import Tap
from lightning_snn.synapses.population import Population
from lightning_snn.synapses.projection import Projection
from lightning_snn.synapses.sums import weighted_sum


class Lateral(Configurable, ABC):
    """What neurons of a sheet send to each other; a spike arrives 1 ms later by default.

    A connection of a layer to itself takes it as any other way to make a projection.
    """

    @abstractmethod
    def couple(self, sheet: Sheet) -> Projection:
        """What computes the lateral input, such as a `Coupling`: charges, as `Projection.forward` gives."""

    def __call__(
        self,
        num_pre: int,
        num_post: int,
        *,
        below: Sheet | None = None,
        here: Sheet | None = None,
    ) -> Projection:
        """`couple` for the layer that a connection leads from and to; a network calls it.

        Raises:
            ValueError: if it leads from one layer to another.
        """
        del num_pre, num_post
        if here is None or here is not below:
            raise ValueError(
                f"{type(self).__name__} joins the neurons of one layer: source and target must be it"
            )
        return self.couple(here)


class Coupling(Projection, ABC):
    """A fixed projection inside a sheet.

    Args:
        num_nodes: Neurons N of the sheet.
        delay: Time in ms that spikes travel, whole steps; 1 ms by default.
    """

    follows_sheets = True

    def __init__(self, num_nodes: int, *, delay: float | None = None) -> None:
        super().__init__(num_nodes, num_nodes, delay=delay)


class RowProjection(Projection, ABC):
    """A projection inside a sheet whose ``rows`` ``[N, N]`` say what each node sends to each."""

    rows: Tensor
    """Row j ``[N]`` is the charge that a spike of node j delivers to each."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[..., N]`` from arriving spikes ``[..., N]``."""
        return self.prepared()(spikes)

    def prepared(self) -> Callable[[Tensor], Tensor]:
        """See `Projection.prepared`."""
        return partial(weighted_sum, rows=self.rows)

    def scan(
        self,
        neurons: Population,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        *,
        input: str,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any] | None:
        """Run coupled neurons over time, all steps at once; see `Projection.scan`."""
        if input != neurons.inputs[0]:
            return None
        rows = current_of(self.rows, neurons.dt)
        return neurons.scan_sheet(current, state, spikes, rows, tap=tap, **others)


class RowCoupling(RowProjection, Coupling, ABC):
    """A coupling with rows that stay as they are."""
