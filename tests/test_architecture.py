"""Which module may import which: read from the sources, not from what happens to be loaded."""

import ast
import fnmatch
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lightning_snn

PACKAGE = Path(lightning_snn.__file__).parent
ROOT = PACKAGE.parent
ROOMS = {
    "core": "",
    "geometry": "",
    "dynamics": "",
    "ops": "",
    "metrics": "geometry ops",
    "viz": "",
    "data": "",
    "encoders": "geometry",
    "neurons": "dynamics ops",
    "plasticity": "ops",
    "synapses": "geometry ops plasticity",
    "network": "geometry ops neurons plasticity synapses",
    "readout": "dynamics neurons plasticity",
    "stimuli": "encoders geometry network ops synapses",
    "trainer": "plasticity",
    "presentation": "data encoders metrics network synapses trainer",
    "development": (
        "geometry dynamics metrics viz data ops encoders neurons plasticity synapses network stimuli trainer"
    ),
    "losses": "metrics network presentation readout synapses",
    "training": "ALL ABOVE",
    "modules": "ALL ABOVE",
    "callbacks": "ALL ABOVE",
    "experiment": "ALL ABOVE",
    "__init__": "ALL ABOVE",
    "cli": "ALL ABOVE",
    "__main__": "ALL ABOVE",
}
"""Rooms from the ground up, and the rooms that each may import beside ``core`` and itself."""

LOOSE = {"__init__.py", "__main__.py", "py.typed"}
LOOSE_MODULES = {"__init__", "__main__"}
KNOWS_LIGHTNING = {
    "data", "trainer", "presentation", "development", "training", "modules", "callbacks", "experiment", "cli",
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


def test_extras_are_imported_where_they_are_used():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    wanted = [one for extra in ("recipes", "wandb", "tensorboard") for one in extras[extra]]
    names = {re.match(r"\w+", one)[0] for one in wanted}
    assert {"mlxtend", "torchvision"} <= names
    for module, path in FILES.items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        at_once = ast.Module([x for x in body if isinstance(x, ast.Import | ast.ImportFrom)], [])
        needed = {name.split(".")[0] for name in imported_names(ast.unparse(at_once), module)}
        assert not needed & names, f"{module} cannot be imported without {needed & names}"


def module_of(name):
    """The module of ours that an imported name lies in; None for a name of others."""
    if name.split(".")[0] != "lightning_snn":
        return None
    while name not in FILES:
        name = name.rpartition(".")[0]
    return name


def room_of(module):
    """The room of a module; of a loose file its name."""
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
    assert room_of("lightning_snn.ops.event_sum") == "ops"
    assert room_of("lightning_snn") == "__init__"


def allowed(room):
    """The rooms that a room may import."""
    order = list(ROOMS)
    above = order[: order.index(room)]
    return {room, "core", *(above if ROOMS[room] == "ALL ABOVE" else ROOMS[room].split())}


def test_every_file_lies_in_a_room():
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == LOOSE
    assert {room_of(module) for module in FILES} == set(ROOMS)


def test_rooms_are_attributes_of_the_package():
    assert {*lightning_snn._ROOMS, *LOOSE_MODULES, "cli"} == set(ROOMS)


def test_the_contributors_guide_has_the_same_table():
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", guide, flags=re.MULTILINE)
    assert [room for room, _ in rows] == [room for room in ROOMS if room not in LOOSE_MODULES]
    for room, imports in rows:
        if "all above" not in imports:
            assert {*re.findall(r"`(\w+)`", imports), room, "core"} == allowed(room), room


def test_rooms_use_rooms_above_them():
    for place, (room, _) in enumerate(ROOMS.items()):
        assert allowed(room) <= {*list(ROOMS)[: place + 1]}, room


@pytest.mark.parametrize("module", FILES)
def test_a_room_imports_what_it_may(module):
    found = {name for name in OURS[module] if room_of(name) not in allowed(room_of(module))}
    assert not found, f"{module} may not import {sorted(found)}"


def test_only_these_import_lightning():
    others = ("lightning", "lightning_utilities", "pytorch_lightning")
    found = {room_of(m) for m, names in IMPORTS.items() if any(n.split(".")[0] in others for n in names)}
    assert found <= KNOWS_LIGHTNING


def test_modules_import_each_other_without_cycles():
    order = list(TopologicalSorter(OURS).static_order())
    assert len(order) == len(FILES)


def test_top_level_holds_only_what_the_design_names():
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    found = {name for name in found if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)}
    found.discard("PKG-INFO")  # stands in a source distribution
    assert found == {
        "lightning_snn", "recipes", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md",
    }  # fmt: skip
