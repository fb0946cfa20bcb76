"""The independent streams of a self-organisation, and how their results come together."""

import copy

import torch
from torch import Tensor

from lightning_snn.core import checks


class Streams:
    """Streams ``first .. first + count - 1`` out of ``total``: those that this process runs.

    This class is for one process that runs them all. A subclass for several processes overrides
    `gather` and `sum`; everything else follows.

    Args:
        total: Streams over all processes.
        first: Number of the first stream of this process.
        count: Streams of this process; by default all.
    """

    def __init__(self, total: int, *, first: int = 0, count: int | None = None) -> None:
        checks.count("num_streams", total)
        self.total = total
        self.first = first
        self.count = total if count is None else count

    @property
    def numbers(self) -> range:
        """The global numbers of the streams of this process."""
        return range(self.first, self.first + self.count)

    def rows(self, places: int) -> "Streams":
        """The rows of these streams where each has ``places`` places, as streams of their own."""
        if places == 1:
            return self
        rows = copy.copy(self)
        rows.total, rows.first, rows.count = (places * n for n in (self.total, self.first, self.count))
        return rows

    def gather(self, values: Tensor) -> Tensor:
        """``[total, ...]`` from the ``[count, ...]`` of each process, by global stream number."""
        return values

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        return values

    def select(self, copies: Tensor, owner: Tensor) -> Tensor:
        """Each unit's entry from the stream that owns it.

        Args:
            copies: The streams' copies ``[count, (G,) ..., units]``.
            owner: Global number of a stream for each unit ``[(G,) units]``.

        Returns:
            ``[(G,) units, ...]``, the same bits for any number of processes: an owner's entry is added to
            zeros.
        """
        local = owner - self.first
        mine = (local >= 0) & (local < self.count)
        units = torch.meshgrid(*(torch.arange(n, device=owner.device) for n in owner.shape), indexing="ij")
        entries = copies.movedim(-1, owner.ndim)[local.clamp(0, self.count - 1), *units]
        entries[~mine] = 0
        return self.sum(entries)
