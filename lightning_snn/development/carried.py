"""What streams carry from round to round: gathered from all processes, handed out to any number of them."""

from typing import Any

from torch import Tensor

from lightning_snn.core.tensors import leaves, rebuilt
from lightning_snn.plasticity import Streams


def gathered(own: Any, streams: Streams) -> list[Tensor]:
    """The rows of all streams, of every tensor of this process's ``own`` state, in a fixed order."""
    return [streams.gather(leaf) for leaf in leaves(own)]


def restored(own: Any, state: list[Tensor], streams: Streams) -> Any:
    """A state like ``own`` with this process's part of what `gathered` returned.

    Args:
        own: A state of the same form.
        state: What `gathered` returned, on any number of processes.
        streams: The streams, and which of them run here.

    Raises:
        ValueError: if ``state`` is of another network or another number of streams.
    """
    mine = list(leaves(own))
    first, count, total = streams.first, streams.count, streams.total
    rows = [len(leaf) // count for leaf in mine]
    expected = [[total * n, *leaf.shape[1:]] for n, leaf in zip(rows, mine, strict=True)]
    if [list(leaf.shape) for leaf in state] != expected:
        raise ValueError(
            "the saved state of the self-organisation is of another network or number of streams: "
            f"shapes {[list(leaf.shape) for leaf in state]}, expected {expected}"
        )
    parts = [leaf[first * n : (first + count) * n] for n, leaf in zip(rows, state, strict=True)]
    return rebuilt(own, iter([part.to(to.device, copy=True) for part, to in zip(parts, mine, strict=True)]))
