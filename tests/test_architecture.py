"""Which module may import which: read from the sources, not from what happens to be loaded."""

import ast
import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lightning_snn

PACKAGE = Path(lightning_snn.__file__).parent
ROOT = PACKAGE.parent
LONGEST = 250
LEVELS = [
    {
        "checks", "checkpoints", "config", "core", "delay", "placement", "process", "recipe_files",
        "run_folder",
    },
    {"geometry", "dynamics", "metrics", "viz", "neighbours"},
    {"ops"},
    {"coupling"},
    {"neurons", "lateral", "lateral_inhibition", "encoding", "synapses", "plasticity"},
    {"network", "stimuli", "controls", "development"},
    {
        "readout", "module", "callbacks", "data", "features", "feature_cache", "feature_table", "measures",
        "experiment", "comparison", "progress", "trainers", "wiring_report", "checkpoint_io",
    },
    {"cli", "cli_arguments", "cli_errors", "cli_faults", "cli_parser", "__init__"},
]  # fmt: skip
LEVEL = {unit: level for level, units in enumerate(LEVELS) for unit in units}

ONLY = {
    "checks": set(),
    "metrics": {"checks", "config", "geometry"},
    "viz": {"checks", "config", "geometry"},
    "data": {"checkpoints", "checks", "config", "core"},
}
"""Units that may import these units of ours and themselves, nothing else."""

KNOWS_LIGHTNING = {
    "module", "callbacks", "data", "cli", "feature_cache", "progress", "trainers", "experiment", "cli_errors",
    "cli_faults", "cli_parser", "checkpoint_io",
}  # fmt: skip

FILES = {
    ".".join(("lightning_snn", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imported_names(source, module="lightning_snn.some"):
    """Every ``a.b.c`` that a source imports, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name):
    """The module of ours that an imported name lies in; None for a name of others."""
    if name.split(".")[0] != "lightning_snn":
        return None
    while name not in FILES:
        name = name.rpartition(".")[0]
    return name


def unit_of(module):
    """First part of a module's name inside the package."""
    return [*module.split("."), "__init__"][1]


IMPORTS = {
    module: set(imported_names(path.read_text(encoding="utf-8"), module)) for module, path in FILES.items()
}
OURS = {module: {module_of(name) for name in names} - {None} for module, names in IMPORTS.items()}


def test_the_reader_sees_every_form_of_import():
    source = "import lightning.pytorch\ndef f():\n    from lightning_snn.ops import event_sum, other\n"
    assert set(imported_names(source)) == {
        "lightning.pytorch", "lightning_snn.ops.event_sum", "lightning_snn.ops.other",
    }  # fmt: skip
    assert module_of("lightning_snn.ops.event_sum") == "lightning_snn.ops.event_sum"
    assert module_of("lightning_snn.ops.other") == "lightning_snn.ops"
    assert module_of("lightning.pytorch") is None
    assert unit_of("lightning_snn.ops.event_sum") == "ops"
    assert unit_of("lightning_snn") == "__init__"


def test_every_module_has_a_level():
    assert {unit_of(module) for module in FILES} <= set(LEVEL)


@pytest.mark.parametrize("module", FILES)
def test_imports_point_downwards(module):
    unit = unit_of(module)
    above = {name for name in OURS[module] if LEVEL[unit_of(name)] > LEVEL[unit]}
    assert not above, f"{module} imports from above: {sorted(above)}"


@pytest.mark.parametrize("unit", ONLY)
def test_units_at_the_bottom_import_only_what_they_may(unit):
    found = {unit_of(name) for module in FILES if unit_of(module) == unit for name in OURS[module]}
    assert found <= ONLY[unit] | {unit}


def test_only_these_import_lightning():
    found = {
        unit_of(module)
        for module, names in IMPORTS.items()
        if any(
            name.split(".")[0] in ("lightning", "lightning_utilities", "pytorch_lightning") for name in names
        )
    }
    assert found <= KNOWS_LIGHTNING


def test_modules_import_each_other_without_cycles():
    order = list(TopologicalSorter(OURS).static_order())
    assert len(order) == len(FILES)


def test_hint_of_long_files():
    """One idea a file; a long one may hold two. A hint that is printed, not a failure."""
    length = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    for module in (module for module, lines in length.items() if lines > LONGEST):
        print(f"{module} has {length[module]} lines: does it hold more than one idea?")
    assert min(length.values()) > 0


def test_top_level_holds_only_what_the_design_names():
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    found = {name for name in found if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)}
    found.discard("PKG-INFO")  # stands in a source distribution
    assert found == {
        "lightning_snn", "recipes", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md",
    }  # fmt: skip
