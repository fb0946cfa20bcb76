"""The package itself: light to import, and the same names to a reader, a type checker and Python."""

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import UnionType

import pytest

import lightning_snn
from lightning_snn.cli.main import main

HEAVY = {"torch", "lightning", "numpy", "numba", "matplotlib", "jsonargparse", "torchmetrics"}
"""Packages that take long to import."""


def imported_by(code):
    """The heavy packages that are there after ``code`` in a fresh interpreter."""
    code = f"{code}\nimport sys; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_type_checkers_see_the_public_names():
    tree = ast.parse(Path(lightning_snn.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    seen = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    rooms = lightning_snn._PUBLIC
    expected = {f"lightning_snn.{room}.{name}" for room, names in rooms.items() for name in names}
    assert seen == expected | {f"lightning_snn.{room}" for room in lightning_snn._ROOMS}
    assert len(lightning_snn.__all__) == sum(map(len, rooms.values()))


@pytest.mark.parametrize("name", lightning_snn.__all__)
def test_a_public_name_is_there(name):
    found = getattr(lightning_snn, name)
    assert isinstance(found, UnionType) or found.__name__ == name
    assert name in dir(lightning_snn)


@pytest.mark.parametrize("room", lightning_snn._ROOMS)
def test_a_room_is_an_attribute(room):
    assert getattr(lightning_snn, room) is import_module(f"lightning_snn.{room}")


def test_the_version_is_that_of_the_installed_package():
    assert lightning_snn.__version__ == version("lightning-snn")


def test_dir_shows_no_tools():
    assert not {"Any", "TYPE_CHECKING", "import_module"} & set(dir(lightning_snn))


@pytest.mark.skipif(sys.platform == "win32", reason="has no head")
def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m lightning_snn ls | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_ctrl_c_while_torch_is_imported_is_a_sentence(monkeypatch, capsys):
    class Interrupted:
        def find_spec(self, name, *_):
            if name == "lightning_snn.cli.commands":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "lightning_snn.cli.commands", raising=False)
    monkeypatch.delattr("lightning_snn.cli.commands", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert main(["run", "mnist"]) == 130
    assert capsys.readouterr().err == "lightning-snn: interrupted\n"


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'lightning_snn' has no attribute 'Liff'"):
        _ = lightning_snn.Liff


def test_importing_the_package_imports_nothing_heavy():
    assert imported_by("import lightning_snn") == []
    assert "torch" in imported_by("import lightning_snn; lightning_snn.LIF")


@pytest.mark.parametrize(
    "command", ["ls", "--version", "--help", "cp mnist copy.yaml", "cp mnits copy.yaml", "run -h"]
)
def test_these_commands_import_nothing_heavy(command, tmp_path):
    code = f"""
import contextlib, os
from lightning_snn.cli.main import main
os.chdir({str(tmp_path)!r})
with contextlib.suppress(SystemExit):
    main({command.split()!r})
"""
    assert imported_by(code) == []
