"""A connection: what leads from one layer to another, or to itself."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from torch import nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable, made_by
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import Lateral, Projection, WeightedProjection

Active = Literal["always", "development"]


class Connection(Configurable, nn.Module):
    """A connection from a layer to another one, or to itself (lateral coupling, recurrence).

    Where the target is listed after the source, spikes arrive in the same step, else 1 ms later, unless the
    projection has a delay.

    Args:
        source: Name of the layer that sends.
        target: Name of the layer that receives.
        projection: How the projection is made, which keeps weights, rule, delay and the like:
            ``(num_pre, num_post) -> Projection``. A network calls it, and hands the sheets of source and
            target, its step and the projections before to one that has arguments ``below``, ``here``,
            ``dt`` and ``earlier``.
        input: Input of the target's neurons that it drives; a model may have more than ``current``.
        active: When it acts: ``always``, or only in ``development``, while spontaneous waves run. (The
            lateral connections that carry retinal waves disappear before the eyes open.)

    Raises:
        ValueError: if ``active`` is unknown.
    """

    projection: Projection
    """What it is made of; a network sets it."""

    def __init__(
        self,
        source: str,
        target: str,
        projection: Callable[[int, int], Projection] | Lateral,
        *,
        input: str = "current",
        active: Active = "always",
    ) -> None:
        super().__init__()
        checks.one_of("active", active, get_args(Active))
        self.source = source
        self.target = target
        self.make_projection = projection
        self.input = input
        self.active: Active = active
        self._sheets: tuple[Sheet, Sheet] | None = None

    @property
    def is_joined(self) -> bool:
        """Whether a network has made its projection."""
        return self._sheets is not None

    def weighted(self) -> WeightedProjection:
        """The projection, where it has weights.

        Raises:
            ValueError: if it has none.
        """
        if not isinstance(self.projection, WeightedProjection):
            raise ValueError(
                f"the connection from {self.source} to {self.target} is {type(self.projection).__name__}, "
                "which has no weights"
            )
        return self.projection

    @property
    def learns(self) -> bool:
        """Whether a phase of its own wires it by a rule."""
        p = self.projection
        return isinstance(p, WeightedProjection) and p.rule is not None and not p.lateral_rule

    @property
    def accompanies(self) -> bool:
        """Whether it learns beside other connections to its layer, while these are wired."""
        p = self.projection
        return isinstance(p, WeightedProjection) and p.lateral_rule

    def join(
        self, below: Sheet, here: Sheet, *, dt: float, earlier: Mapping[str, WeightedProjection]
    ) -> None:
        """Make the projection between the sheets of source and target.

        Raises:
            ValueError: if it does not fit them.
        """
        asked = _asked(self.make_projection, below=below, here=here, dt=dt, earlier=earlier)
        projection = self.make_projection(below.num_nodes, here.num_nodes, **asked)
        if (projection.num_pre, projection.num_post) != (below.num_nodes, here.num_nodes):
            raise ValueError(
                f"projection leads from {projection.num_pre} to {projection.num_post} neurons, but the "
                f"layers {self.source} and {self.target} have {below.num_nodes} and {here.num_nodes}"
            )
        self.projection = projection
        self._sheets = below, here

    def follow(self, below: Sheet, here: Sheet, *, dt: float) -> None:
        """Make a projection again that follows the sheets, where these have moved since."""
        if self._sheets is None or (self._sheets[0] is below and self._sheets[1] is here):
            return
        if self.projection.follows_sheets:
            before = next(self.projection.buffers(), None)
            self.join(below, here, dt=dt, earlier={})
            if before is not None:
                self.projection.to(before.device)
        self._sheets = below, here


def _asked(make: Callable[..., Projection], **offered: Any) -> dict[str, Any]:
    """What a factory asks for, by the names of its arguments."""
    cls: Any = made_by(make)
    asked = inspect.signature(make if cls is None else cls.__init__).parameters
    return {name: value for name, value in offered.items() if name in asked}
