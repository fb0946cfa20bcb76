"""Pixels in another order, and back: one permutation for what scrambles images and what knows of it."""

import torch
from torch import Tensor

from lightning_snn.core.random import RandomStream


def pixel_order(count: int, seed: int) -> Tensor:
    """The pixel that each of ``count`` scrambled ones was ``[count]``, chosen by chance.

    >>> pixel_order(4, 0).sort().values.tolist()
    [0, 1, 2, 3]
    """
    return torch.randperm(count, generator=RandomStream(seed, "pixels").torch())


def scrambled(images: Tensor, seed: int) -> Tensor:
    """Images ``[..., H, W]`` whose pixels were renumbered, all alike: pixel k is one that was elsewhere."""
    order = pixel_order(images.shape[-2:].numel(), seed).to(images.device)
    return images.flatten(-2)[..., order].reshape(images.shape)


def unscrambled(images: Tensor, seed: int) -> Tensor:
    """What `scrambled` was given, from what it returned.

    >>> images = torch.rand(2, 1, 3, 5)
    >>> torch.equal(unscrambled(scrambled(images, 7), 7), images)
    True
    """
    back = pixel_order(images.shape[-2:].numel(), seed).argsort().to(images.device)
    return images.flatten(-2)[..., back].reshape(images.shape)
