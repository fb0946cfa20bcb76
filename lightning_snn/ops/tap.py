"""What is seen of neurons while they run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from lightning_snn.core import checks

When = Literal["after", "before"]


@dataclass
class Tap:
    """Variables of the neurons' state that a scan writes down; nothing else is kept of the steps between.

    Args:
        wanted: Their names, and whether each is seen ``after`` spikes have reset it, as the next step finds
            it, or ``before``.

    >>> from lightning_snn import IntegrateFire
    >>> tap = Tap({"v": "before"})
    >>> spikes, state = IntegrateFire()(torch.full((4, 1, 1), 0.5), tap=tap)
    >>> tap.taken()["v"].flatten().tolist()
    [0.5, 1.0, 0.5, 1.0]
    """

    wanted: Mapping[str, When]
    _seen: list[list[Tensor]] = field(default_factory=list)

    def check(self, variables: Iterable[str]) -> None:
        """Raise ``ValueError`` unless all that is wanted is among the ``variables`` of a model."""
        for name in self.wanted:
            checks.one_of("tap", name, [*variables])

    def places(self, variables: Iterable[str]) -> tuple[tuple[int, bool], ...]:
        """Of what is wanted: its place among the ``variables``, and whether it is seen before the reset."""
        order = [*variables]
        return tuple((order.index(name), when == "before") for name, when in self.wanted.items())

    def put(self, sequences: Iterable[Tensor]) -> None:
        """Go on with sequences ``[T, B, N]`` in the order of what is wanted."""
        self._seen.append([values.detach() for values in sequences])

    def put_step(self, after: Any, before: Any) -> None:
        """Go on with one step's states, after spikes have reset it and before."""
        states = {"after": after, "before": before}
        self.put(getattr(states[when], name).clone()[None] for name, when in self.wanted.items())

    def taken(self) -> dict[str, Tensor]:
        """What was seen since the last call ``[T, B, N]``, by name, without gradients."""
        seen, self._seen = self._seen, []
        return {
            name: parts[0] if len(parts) == 1 else torch.cat(parts)
            for name, parts in zip(self.wanted, zip(*seen, strict=True), strict=False)
        }
