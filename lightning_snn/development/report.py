"""How far the wiring of a connection has come."""

from typing import Literal, get_args

from lightning_snn import metrics
from lightning_snn.core import checks
from lightning_snn.development.composite import FieldsOf, fields_of
from lightning_snn.development.development import Development
from lightning_snn.geometry import Sheet
from lightning_snn.synapses import WeightedProjection

Until = Literal["localised", "convergence", "steps"]
"""When a connection is wired: when enough units have localised fields, when its rule says that the weights
have come to their end, or when all steps are done."""


def end_of(development: Development, until: Until | None, *, key: str = "until") -> Until:
    """What decides when a connection is wired: what the user asked for, or what suits it.

    By default the rule's own measure of convergence where it has one; localised fields where a rule chooses
    inputs, and not by the units' own spikes; else the steps.

    Raises:
        ValueError: if ``until`` is unknown or the connection has no such measure; ``key`` names it.
    """
    rule, projection = development.rule, development.projection
    if until is None:
        if rule.converged_below is not None:
            return "convergence"
        return "localised" if projection.has_fields and not rule.needs_post else "steps"
    checks.one_of(key, until, get_args(Until))
    if until == "localised" and not projection.has_fields:
        raise ValueError(
            f"{key} is localised, but {development.key} is {type(projection).__name__}, whose units have no "
            "fields that a rule could localise: give convergence or steps"
        )
    if until == "convergence" and rule.converged_below is None:
        raise ValueError(
            f"{key} is convergence, but {development.key}.rule is {type(rule).__name__}, which has no such "
            "measure: give localised or steps"
        )
    return until


def wiring_report(development: Development, end: Until, *, target_share: float) -> dict[str, float]:
    """Field measures, where fields are what it is about, and the rule's own measure of convergence."""
    found: dict[str, float] = {}
    if end == "localised" or (end == "steps" and end_of(development, None) == "localised"):
        driven = development.stimulus.drives(development.network, development.name)
        fields = fields_of(development.network, development.name, development.projections, driven=driven)
        found |= field_measures(fields, target_share=target_share)
    convergence = development.rule.convergence(development.projection.wiring)
    return found if convergence is None else found | {"convergence": convergence}


def is_wired(development: Development, end: Until, report: dict[str, float], *, stop_at: float) -> bool:
    """Whether the end has come: the rule has converged, or enough fields are localised."""
    if end == "convergence":
        return report["convergence"] < float(development.rule.converged_below or 0)
    return end == "localised" and report["localised_share"] >= stop_at


def describe(development: Development, end: Until, report: dict[str, float]) -> str:
    """The report's main number in words."""
    if end == "convergence":
        return f"convergence {report['convergence']:.3f} (wired below {development.rule.converged_below})"
    share = report.get("localised_share")
    return "learning" if share is None else f"{share:.0%} of the units localised"


def measure_fields(projection: WeightedProjection, sheet: Sheet, *, target_share: float) -> dict[str, float]:
    """`field_measures` of a projection's units on the sheet of its source."""
    return field_measures(FieldsOf(projection.connected, "", sheet, 1), target_share=target_share)


def field_measures(fields: FieldsOf, *, target_share: float) -> dict[str, float]:
    """Measures of the fields of units on a sheet.

    Args:
        fields: The fields.
        target_share: A unit is localised only if its field has less than this share of the nodes, for each
            connection that it was traced through. (The areas add up where fields are made of fields.)

    Returns:
        ``localised_share`` and ``coverage`` (of all units), and the means over the units that have a
        field: ``field_size`` in nodes, ``rms_radius`` in units of length, ``compactness``.
    """
    connected, sheet = fields.connected, fields.sheet
    distances = sheet.distances().to(connected.device)
    localised = metrics.localised(
        connected,
        distances,
        density=sheet.density,
        target_size=fields.stages * target_share * sheet.num_nodes,
    )
    values = {
        "localised_share": localised.float().mean(),
        "field_size": metrics.field_size(connected).mean(),
        "rms_radius": metrics.rms_radius(connected, distances).nanmean(),
        "coverage": metrics.coverage(connected),
        "compactness": metrics.compactness(connected, distances).nanmean(),
    }
    return {name: value.item() for name, value in values.items()}
