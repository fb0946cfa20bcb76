"""Intervals by Student's t."""

import math
import statistics
from collections.abc import Sequence


def interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float | None]:
    """Mean of a sample, and how far to both sides of it the interval reaches; None for a single value.

    Args:
        values: At least one.
        confidence: Chance that the interval holds the mean of a normal population.

    >>> mean, reach = interval([1.0, 2.0, 3.0])
    >>> mean, round(reach, 3)
    (2.0, 2.484)
    """
    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return mean, None
    error = statistics.stdev(values) / math.sqrt(count)
    return mean, quantile(confidence, count - 1) * error


def quantile(confidence: float, degrees: int) -> float:
    """The t between whose negative and itself lies ``confidence`` of the distribution, by bisection.

    >>> [round(quantile(0.95, degrees), 3) for degrees in (1, 2, 9, 100)]
    [12.706, 4.303, 2.262, 1.984]
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """Chance of ``|t| < sqrt(degrees) tan(angle)`` (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term, total = cosine if odd else 1.0, 0.0
    for power in range(2 + odd, degrees + 1, 2):
        total += term
        term *= cosine**2 * (power - 1) / power
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total
