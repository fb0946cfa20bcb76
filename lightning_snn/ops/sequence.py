"""What every scan takes: a sequence of inputs."""

from torch import Tensor


def check_sequence(current: Tensor) -> None:
    """Raise ``ValueError`` unless ``current`` is a floating-point ``[T, B, N]`` with no empty dimension."""
    if current.ndim != 3 or 0 in current.shape or not current.is_floating_point():
        raise ValueError(
            "current must be floating point, [T, B, N] with no empty dimension, "
            f"got {current.dtype} {list(current.shape)}"
        )
