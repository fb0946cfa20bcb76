"""How far the wiring of a projection has come."""

from lightning_snn import metrics
from lightning_snn.development.development import Development
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import Projection


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
