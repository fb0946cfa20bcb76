"""What neurons of a sheet send to each other."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet
from lightning_snn.synapses.projection import Population, Projection, weighted_sum


class Lateral(Configurable, ABC):
    """What neurons of a sheet send to each other; a spike arrives one step later.

    A connection of a layer to itself takes it as any other way to make a projection.
    """

    @abstractmethod
    def couple(self, sheet: Sheet, dt: float = 1.0) -> Projection:
        """What computes the lateral input of a step of ``dt`` ms, such as a `Coupling`."""

    def __call__(
        self,
        num_pre: int,
        num_post: int,
        *,
        below: Sheet | None = None,
        here: Sheet | None = None,
        dt: float = 1.0,
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
        return self.couple(here, dt)


class Coupling(Projection, ABC):
    """A fixed projection inside a sheet.

    Args:
        num_nodes: Neurons N of the sheet.
    """

    follows_sheets = True

    def __init__(self, num_nodes: int) -> None:
        super().__init__(num_nodes, num_nodes)


class RowProjection(Projection, ABC):
    """A projection inside a sheet whose ``rows`` ``[N, N]`` say what each node sends to each."""

    rows: Tensor
    """Row j ``[N]`` is what a spike of node j adds to the input of each."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Input ``[..., N]`` from the spikes ``[..., N]`` of the step before."""
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
        **others: Tensor,
    ) -> tuple[Tensor, Any] | None:
        """Run coupled neurons over time, all steps at once; see `Projection.scan`."""
        if input != neurons.inputs[0]:
            return None
        return neurons.scan_sheet(current, state, spikes, self.rows, **others)


class RowCoupling(RowProjection, Coupling, ABC):
    """A coupling with rows that stay as they are."""
