"""What comes in batches: inputs of an encoder with their labels and numbers, and predictions."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Sequences(NamedTuple):
    """Sequences of different lengths in one tensor.

    Attributes:
        values: ``[B, T, ...]``, T the longest; what stands behind a sequence's end is not read.
        lengths: Frames of each sequence ``[B]``, integers from 1 to T.
    """

    values: Tensor
    lengths: Tensor


Input = Tensor | Sequences
"""What an encoder takes, its first dimension the samples: images, sequences of one length, or of several."""


class Prediction(NamedTuple):
    """Predictions of a batch ``[B]``: sample numbers (-1 if unknown), classes and their probabilities.

    Where a sample may have several labels, ``[B, C]``: whether it is of each class, and how probably.
    """

    sample: Tensor
    label: Tensor
    probability: Tensor


class Batch(NamedTuple):
    """Images with their labels and numbers.

    Attributes:
        image: Values ``[B, C, H, W]``, float32 in [0, 1].
        label: Classes ``[B]``, int64.
        sample: Numbers of the samples ``[B]``, int64, unique over all splits of a data set.
    """

    image: Tensor
    label: Tensor
    sample: Tensor


class Parts(NamedTuple):
    """What a batch of any loader consists of.

    Attributes:
        input: What the encoder takes; by input layer where it is a dictionary.
        target: What is to be learned, such as labels ``[B]``; None where the batch has none.
        sample: Numbers of the samples ``[B]``; None where the batch has none.
    """

    input: Any
    target: Any = None
    sample: Tensor | None = None


def parts(batch: Any) -> Parts:
    """The parts of a batch of any loader: ``(input, target, sample)``, of which the last two may be missing.

    A batch that is no tuple or list is an input alone; so are `Sequences`.

    Raises:
        ValueError: if it has other parts.

    >>> parts([torch.zeros(2, 1, 4, 4), torch.tensor([3, 1])]).target
    tensor([3, 1])
    >>> parts(Sequences(torch.zeros(2, 5, 9), torch.tensor([5, 4]))).target is None
    True
    """
    if isinstance(batch, Sequences) or not isinstance(batch, tuple | list):
        return Parts(batch)
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"a batch must be (input, label) or (input, label, sample), got {len(batch)} items; "
            "sequences of different lengths are one item, see pad_sequences"
        )
    return Parts(*batch)


def mapped(function: Callable[[Tensor], Tensor], input: Any) -> Any:
    """An input with ``function`` of each of its tensors, at any depth of tuples, lists and dictionaries."""
    if isinstance(input, Tensor):
        return function(input)
    if isinstance(input, Mapping):
        return {name: mapped(function, part) for name, part in input.items()}
    found = [mapped(function, part) for part in input]
    return type(input)(*found) if hasattr(input, "_fields") else type(input)(found)


def cast(input: Any, dtype: torch.dtype) -> Any:
    """An input with its floating point tensors of another type; integers, such as lengths, stay."""
    return mapped(lambda values: values.to(dtype) if values.is_floating_point() else values, input)


def num_samples(input: Any) -> int:
    """Samples B of an input.

    >>> num_samples({"eye": torch.zeros(3, 1, 4, 4)})
    3
    """
    if isinstance(input, Tensor):
        return len(input)
    return num_samples(next(iter(input.values() if isinstance(input, Mapping) else input)))


def split(input: Any, size: int) -> list[Any]:
    """An input in parts of at most ``size`` samples, in order.

    >>> [num_samples(part) for part in split(torch.zeros(5, 1, 4, 4), 2)]
    [2, 2, 1]
    """

    def part(start: int) -> Any:
        return mapped(lambda values: values[start : start + size], input)

    return [part(start) for start in range(0, num_samples(input), size)]
