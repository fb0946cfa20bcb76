"""Whether more steps would have helped a wiring that did not come to its end."""

from lightning_snn.development.report import Until

_MEASURES = {"localised": ("localised_share", 1), "convergence": ("convergence", -1)}
"""By end: what is measured, and the sign with which it is to grow."""

NO_GAIN = 0.02
"""A gain in the second half of the steps below this, absolute or of the value, is none."""


class Trend:
    """Measures on the way to the end.

    Args:
        max_steps: Steps at which it is to be reached.
    """

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps
        self.found: list[tuple[int, dict[str, float]]] = []

    def add(self, steps: int, report: dict[str, float]) -> None:
        """Take note of a report after ``steps``."""
        self.found.append((steps, report))

    def advice(self, end: Until, more: str) -> str:
        """``more``, the advice to take more steps, unless the second half of them brought nothing."""
        name, sign = _MEASURES.get(end, ("", 1))
        values = [(steps, report[name]) for steps, report in self.found if name in report]
        early = [value for steps, value in values if steps <= self.max_steps / 2]
        if len(values) < 4 or not early:
            return more
        before, now = early[-1], values[-1][1]
        if sign * (now - before) > NO_GAIN * max(1.0, abs(before)):
            return more
        return (
            f"The second half of the steps brought no gain (it was {before:.3g}, now {now:.3g}), so more of "
            "them are not likely to help."
        )
