"""Batches of sequences that differ in length."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from lightning_snn.core.batches import Sequences


def pad_sequences(samples: Sequence[Any]) -> Any:
    """Batch samples whose sequences differ in length; the ``collate_fn`` of a torch ``DataLoader``.

    Targets that are sequences of the same lengths are filled up as frames are.

    Args:
        samples: ``(frames [T, ...], label, ...)`` each, or frames alone; frames are tensors or arrays that
            differ in T only.

    Returns:
        ``(Sequences, labels [B], ...)``, or `Sequences` alone.

    Raises:
        ValueError: if a sequence is empty, or frames differ in shape.

    >>> frames, label = pad_sequences([(torch.ones(2, 4), 7), (torch.ones(3, 4), 1)])
    >>> frames.values.shape, frames.lengths, label
    (torch.Size([2, 3, 4]), tensor([2, 3]), tensor([7, 1]))
    """
    if not isinstance(samples[0], tuple | list):
        return _padded(samples)
    frames, *others = zip(*samples, strict=True)
    found = _padded(frames)
    return (found, *(_collated(part, found.lengths.tolist()) for part in others))


def _collated(part: Sequence[Any], lengths: list[int]) -> Any:
    """What comes beside frames of these ``lengths``: filled up where it is of the same, several lengths."""
    follows = all(getattr(item, "ndim", 0) and len(item) == n for item, n in zip(part, lengths, strict=True))
    if follows and len(set(lengths)) > 1:
        return pad_sequence([torch.as_tensor(item) for item in part], batch_first=True)
    return default_collate(list(part))


def _padded(frames: Sequence[Any]) -> Sequences:
    values = [torch.as_tensor(frame) for frame in frames]
    _check(values)
    return Sequences(pad_sequence(values, batch_first=True), torch.tensor([len(value) for value in values]))


def _check(values: Sequence[Tensor]) -> None:
    """Raise ``ValueError`` unless all are ``[T, ...]`` with frames of one shape and type, T at least 1."""
    first = values[0]
    for value in values:
        if value.ndim < 2 or not len(value):
            raise ValueError(f"a sequence must be [T, ...] of at least one frame, got {list(value.shape)}")
        if value.shape[1:] != first.shape[1:] or value.dtype != first.dtype:
            raise ValueError(
                "frames of a batch must be of one shape and type, got "
                f"{first.dtype} {list(first.shape[1:])} and {value.dtype} {list(value.shape[1:])}"
            )
