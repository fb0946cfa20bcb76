"""Streams that are spread over processes."""

import torch
from torch import Tensor, distributed

from lightning_snn.plasticity import Streams


class ProcessStreams(Streams):
    """Streams in contiguous blocks of equal size, one block a process, in the order of the ranks.

    The processes are those of ``torch.distributed`` where that is initialised, as it is in a Trainer of
    several devices; else there is one.

    Args:
        total: Streams over all processes.

    Raises:
        ValueError: if ``total`` is not a multiple of the number of processes.
    """

    def __init__(self, total: int) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        processes = distributed.get_world_size() if together else 1
        rank = distributed.get_rank() if together else 0
        if total % processes:
            raise ValueError(
                f"self_organization.num_streams must be a multiple of the number of processes "
                f"({processes}), got {total}"
            )
        super().__init__(total, first=rank * (total // processes), count=total // processes)

    def gather(self, values: Tensor) -> Tensor:
        """The rows of all processes, one behind the other."""
        if self.count == self.total:
            return values
        sent = _for_exchange(values)
        parts = [torch.empty_like(sent) for _ in range(self.total // self.count)]
        distributed.all_gather(parts, sent)
        return torch.cat(parts).to(values.device)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.count == self.total:
            return values
        total = _for_exchange(values).clone()
        distributed.all_reduce(total)
        return total.to(values.device)


def _for_exchange(values: Tensor) -> Tensor:
    """Values where the processes can exchange them: NCCL knows GPUs only."""
    on_gpu = distributed.get_backend() == "nccl"
    return (values.cuda() if on_gpu else values).contiguous()
