"""Batch normalisation by the statistics of a whole batch, however many processes share it."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F


class PooledBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of ``[n, C]`` or ``[n, C, P]`` by the statistics of the whole batch.

    As `torch.nn.BatchNorm1d` in one process. Where several processes see parts of a batch, in training mode
    the mean and the variance of a channel are those of all parts together, and every process must take part.
    (`torch.nn.SyncBatchNorm` does the same on GPUs only.) One value a channel has no statistics: it is
    normalised by those so far.

    Source: Ioffe and Szegedy, Batch normalization, ICML (2015).
    """

    def forward(self, values: Tensor) -> Tensor:
        """Normalised values ``[n, C]`` or ``[n, C, P]``."""
        if self.training and several_processes():
            return self._synchronised(values)
        if values.numel() == self.num_features:
            return self._by_running(values)
        return super().forward(values)

    def _by_running(self, values: Tensor) -> Tensor:
        return F.batch_norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

    def _synchronised(self, values: Tensor) -> Tensor:
        over = (0, 2)[: values.ndim - 1]
        number = values.new_tensor([values.numel() // self.num_features])
        total = sum_over_processes(torch.cat([values.sum(over), number]))
        count = total[-1].detach()
        if count == 1:
            return self._by_running(values)
        shape = (-1, 1)[: values.ndim - 1]
        mean = total[:-1] / count
        centred = values - mean.view(shape)
        variance = sum_over_processes(centred.square().sum(over)) / count
        self._follow(mean, variance * count / (count - 1))
        normal = centred * torch.rsqrt(variance + self.eps).view(shape)
        return normal * self.weight.view(shape) + self.bias.view(shape) if self.affine else normal

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Let the running statistics follow those of a batch, as PyTorch does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum or 0.0)
        self.running_var.lerp_(variance.to(self.running_var), self.momentum or 0.0)


class _SumOverProcesses(torch.autograd.Function):
    """The sum over processes, each of which gets the gradients of all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        del ctx
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def sum_over_processes(values: Tensor) -> Tensor:
    """The sum of ``values`` over all processes; its gradient is that of all of them."""
    total: Tensor = _SumOverProcesses.apply(values)
    return total


def several_processes() -> bool:
    """Whether this is one of several processes that talk to each other."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
