"""The tables that a run prints."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from lightning_snn.experiment.tests import further_tests, heading, leading
from lightning_snn.presentation.names import label

_SHARES = {"accuracy": "accuracy", "macro_f1": "macro F1"}
"""Scores that are printed in per cent, and their headings."""


_FIELDS = {
    "field_size": ("field", ".0f"),
    "rms_radius": ("radius", ".1f"),
    "localised_share": ("localised", ".0%"),
    "coverage": ("coverage", ".0%"),
}
"""Measures of fields, their headings and formats."""

Networks = Mapping[str, Mapping[str, float]]
"""Scores and field measures by network."""


def results_tables(
    networks: Networks,
    kinds: Sequence[str],
    seconds: Mapping[str, float],
    title: str,
    *,
    organised: bool = True,
) -> list[Table]:
    """One row a network, in one table of scores and fields, or in one of each where there are several tests.

    Where several connections are wired, the fields are those of the first.

    Args:
        networks: Scores and field measures by network.
        kinds: Names of the scores of a test.
        seconds: How long what took.
        title: That of the first.
        organised: Whether any connection of the network has a learning rule.
    """
    names = dict.fromkeys(key for row in networks.values() for key in row)
    tests = leading(further_tests(names, kinds))
    scores = {kind: (_SHARES.get(kind, kind), _form(kind)) for kind in kinds}
    if tests:
        scores = {kind: ("clean", _form(kind)) for kind in kinds[:1]}
        scores |= {test: (heading(test), _form(kinds[0])) for test in tests}
    wired = next((key.split("/")[0] for key in names if key.rpartition("/")[2] in _FIELDS), None)
    fields = {f"{wired}/{kind}": column for kind, column in _FIELDS.items()} if wired else {}
    parts = [scores, fields] if tests and fields else [scores | fields]
    found = [_table(networks, columns, organised) for columns in parts]
    found[0].title = title
    fan_in = "Controls share the fan-in; field in nodes; " if wired else ""
    found[-1].caption = f"{fan_in}seconds: " + ", ".join(f"{k} {value:.1f}" for k, value in seconds.items())
    return found


def _form(kind: str) -> str:
    return ".1%" if kind in _SHARES else ".4g"


def _table(networks: Networks, columns: Mapping[str, tuple[str, str]], organised: bool) -> Table:
    table = Table(caption_justify="left")
    table.add_column("network", overflow="fold")
    for name, _ in columns.values():
        table.add_column(name, justify="right")
    for network, row in networks.items():
        cells = (format(row[key], form) if key in row else "-" for key, (_, form) in columns.items())
        table.add_row(label(network, organised=organised), *cells)
    return table
