"""Standardisation of features over the training samples, the same on any number of processes."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F


class FeatureNorm(nn.BatchNorm1d):
    """Batch normalisation without trained parameters, by the statistics of the whole batch.

    As `torch.nn.BatchNorm1d` in one process. Where several processes see parts of a batch, in training mode
    the mean and the variance are those of all parts together, and every process must take part.
    (`torch.nn.SyncBatchNorm` does the same on GPUs only.) A sample that is a batch of its own has no
    statistics: it is standardised by those so far.

    Args:
        num_features: Features F.

    Source: Ioffe and Szegedy, Batch normalization, ICML (2015).
    """

    def __init__(self, num_features: int) -> None:
        # a feature that hardly varies is not blown up
        super().__init__(num_features, eps=4e-4, affine=False)

    def forward(self, features: Tensor) -> Tensor:
        """Standardised features ``[B, F]`` of features ``[B, F]``."""
        if self.training and _several_processes():
            return self._synchronised(features)
        if len(features) == 1:
            return self._by_running(features)
        return super().forward(features)

    def _by_running(self, features: Tensor) -> Tensor:
        return F.batch_norm(features, self.running_mean, self.running_var, eps=self.eps)

    def _synchronised(self, features: Tensor) -> Tensor:
        total = _sum_over_processes(torch.cat([features.sum(0), features.new_tensor([len(features)])]))
        count = total[-1].detach()
        if count == 1:
            return self._by_running(features)
        mean = total[:-1] / count
        centred = features - mean
        variance = _sum_over_processes(centred.square().sum(0)) / count
        with torch.no_grad():
            self._follow(mean, variance * count / (count - 1))
        return centred * torch.rsqrt(variance + self.eps)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Let the running statistics follow those of a batch, as PyTorch does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)


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


def _sum_over_processes(values: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(values)
    return total


def _several_processes() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
