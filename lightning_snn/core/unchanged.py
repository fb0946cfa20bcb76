"""Whether tensors are what they were, so that what was derived from them still holds."""

import math
from collections.abc import Iterable

from torch import Tensor


class Unchanged:
    """Remembers tensors, and how often each was changed in place.

    >>> import torch
    >>> value = torch.zeros(2)
    >>> seen = Unchanged([value])
    >>> seen.are([value]), seen.are([value.clone()]), seen.are([value.add_(1)])
    (True, False, False)
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._seen = [(x, _version(x)) for x in tensors]

    def are(self, tensors: list[Tensor]) -> bool:
        """Whether these are the same ones, unchanged; of inference tensors nobody knows."""
        return len(tensors) == len(self._seen) and all(
            x is y and version == _version(x) for x, (y, version) in zip(tensors, self._seen, strict=True)
        )


def _version(value: Tensor) -> float:
    return math.nan if value.is_inference() else value._version
