"""Streams that are spread over the processes of a Trainer."""

from lightning.pytorch import Trainer
from torch import Tensor

from lightning_snn.plasticity import Streams


class DistributedStreams(Streams):
    """Streams in contiguous blocks of equal size, one block a process, in the order of the ranks.

    Args:
        total: Streams over all processes.
        trainer: The Trainer, whose strategy exchanges tensors.

    Raises:
        ValueError: if ``total`` is not a multiple of the number of processes.
    """

    def __init__(self, total: int, trainer: Trainer) -> None:
        if total % trainer.world_size:
            raise ValueError(
                f"self_organization.num_streams must be a multiple of the number of processes "
                f"({trainer.world_size}), got {total}"
            )
        count = total // trainer.world_size
        super().__init__(total, first=trainer.global_rank * count, count=count)
        self.trainer = trainer

    def gather(self, values: Tensor) -> Tensor:
        """The rows of all processes, one behind the other."""
        if self.count == self.total:
            return values
        gathered: Tensor = self.trainer.strategy.all_gather(values.contiguous())
        return gathered.reshape(-1, *values.shape[1:])

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.count == self.total:
            return values
        total = self.trainer.strategy.reduce(values, reduce_op="sum")
        assert isinstance(total, Tensor)
        return total
