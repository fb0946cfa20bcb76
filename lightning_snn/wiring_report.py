"""How far the wiring of a projection has come, and whether its layer is alive."""

import warnings
from collections.abc import Iterator

from lightning_snn import metrics
from lightning_snn.development import Development, RoundActivity
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import Projection

ENOUGH_STEPS = 1000
"""Steps of every stream after which silence means that nothing will ever spike."""

SOME_STEPS = 200
"""Steps of every stream after which it deserves a warning where a phase ends."""

_HINTS = (
    "Check its input: the stimulus, the encoder's gain, the lateral coupling",
    "Check the thresholds of its rule and neurons, and its projection's gain",
)


def wiring_report(development: Development, *, target_share: float) -> dict[str, float]:
    """Field measures, where the projection has fields, and the rule's own measure of convergence."""
    projection, rule = development.projection, development.rule
    found: dict[str, float] = {}
    if _localises(development):
        found |= measure_fields(projection, development.sheet, target_share=target_share)
    convergence = rule.convergence(projection.wiring)
    return found if convergence is None else found | {"convergence": convergence}


def is_wired(development: Development, report: dict[str, float], *, stop_at: float) -> bool:
    """Whether the rule has converged or, for rules without such a measure, enough fields are localised."""
    if development.rule.converged_below is not None:
        return report["convergence"] < development.rule.converged_below
    return _localises(development) and report["localised_share"] >= stop_at


def describe(development: Development, report: dict[str, float]) -> str:
    """The report's main number in words."""
    if development.rule.converged_below is not None:
        return f"convergence {report['convergence']:.3f} (wired below {development.rule.converged_below})"
    share = report.get("localised_share")
    return "learning" if share is None else f"{share:.0%} of the units localised"


def _localises(development: Development) -> bool:
    """Whether compact fields are what the rule is after; others learn until the steps are done."""
    rule = development.rule
    return development.projection.has_fields and rule.converged_below is None and not rule.needs_post


class ActivityWatch:
    """Stops a phase in which nothing, or everything, spikes.

    Args:
        development: What is being wired.
    """

    def __init__(self, development: Development) -> None:
        self.names = (development.below, development.name)
        self.looked = False
        self._forget()

    def add(self, activity: RoundActivity) -> None:
        """Take note of a round."""
        self.steps += len(activity.pre)
        self.shares.append((activity.share_below, activity.share))

    def check(self, step: int, *, last: bool = False) -> None:
        """Look at the rounds since the last check, once they are long enough to tell.

        A phase that ends before that gets a warning instead of an error, unless it was a mere try.

        Args:
            step: Steps of all streams so far, for the message.
            last: Whether the phase ends.

        Raises:
            ValueError: if the layer below or the layer that learns was silent in them, or had all its neurons
                spike in every step.
        """
        if self.steps >= ENOUGH_STEPS:
            for complaint in self._complaints(step):
                raise ValueError(complaint)
            self._forget()
            self.looked = True
        elif last and not self.looked and self.steps >= SOME_STEPS:
            for complaint in self._complaints(step):
                warnings.warn(complaint, stacklevel=2)

    def _complaints(self, step: int) -> Iterator[str]:
        where = f"in the {self.steps} steps of every stream up to step {step} of the self-organisation"
        for name, shares, hint in zip(self.names, zip(*self.shares, strict=True), _HINTS, strict=True):
            if max(shares) == 0:
                yield f"layers.{name}: no neuron spiked {where}. {hint} (too weak)."
            if min(shares) == 1:
                yield f"layers.{name}: all neurons spiked in every step {where}. {hint} (too strong)."

    def _forget(self) -> None:
        self.steps = 0
        self.shares: list[tuple[float, float]] = []


def measure_fields(projection: Projection, sheet: Sheet, *, target_share: float) -> dict[str, float]:
    """Field measures of a projection's units on the sheet below.

    Args:
        projection: The projection.
        sheet: Geometry of the layer below.
        target_share: A unit is localised only if its field has less than this share of the nodes.

    Returns:
        ``localised_share`` and ``coverage`` (of all units), and the means over the units that have a
        field: ``field_size`` in nodes, ``rms_radius`` in units of length, ``compactness``.
    """
    connected = projection.connected
    distances = sheet.distances().to(connected.device)
    localised = metrics.localised(
        connected, distances, density=sheet.density, target_size=target_share * sheet.num_nodes
    )
    values = {
        "localised_share": localised.float().mean(),
        "field_size": metrics.field_size(connected).mean(),
        "rms_radius": metrics.rms_radius(connected, distances).nanmean(),
        "coverage": metrics.coverage(connected),
        "compactness": metrics.compactness(connected, distances).nanmean(),
    }
    return {name: value.item() for name, value in values.items()}
