"""Generated modules: on disk, so that a later process compiles nothing, and loaded by their key."""

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import get_ident
from types import ModuleType

FORMS = ("numba", "triton")
_END = "\n# whole\n"


def keep(numba: str, triton: str) -> str:
    """Write down the two forms of a kernel; returns the key under which `load` finds them."""
    key = _hashed(_of_compiler(), *(source.partition("\n")[2] for source in (numba, triton)))  # no titles
    for form, source in zip(FORMS, (numba, triton), strict=True):
        if _read(_path(key, form)) is None:
            _write(_path(key, form), source)
    return key


def remembered(text: str, make: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The keys that ``make`` gave for the same ``text`` and the same compiler, in this process or another."""
    path = _folder() / f"snn_keys_{_hashed(_of_compiler(), text)}.txt"
    known = _read(path)
    if known is not None:
        keys = known.split("\n")
        if all(_read(_path(key.split()[0], form)) is not None for key in keys if key for form in FORMS):
            return keys
    keys = [*make()]
    _write(path, "\n".join(keys))
    return keys


@cache
def load(key: str, form: str) -> ModuleType:
    """The module of a key in its ``numba`` or ``triton`` form.

    Raises:
        FileNotFoundError: if no model of this machine has made it.
    """
    path = _path(key, form)
    if _read(path) is None:
        raise FileNotFoundError(
            f"there is no compiled neuron model {path.stem} in {path.parent}: run the model that the program "
            "was exported from once on this machine, or set NUMBA_CACHE_DIR to the folder that was used there"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)  # numba looks it up by name
    spec.loader.exec_module(module)
    return module


def text(key: str, form: str) -> str:
    """The source of a key."""
    return _path(key, form).read_text(encoding="utf-8")


def _path(key: str, form: str) -> Path:
    return _folder() / f"snn_{form}_{key}.py"


@cache
def _folder() -> Path:
    """Where sources lie: in NUMBA_CACHE_DIR, the user's cache, or a folder of this process."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = Path(given) if given else home / "lightning_snn"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:  # a read-only installation and home
        return Path(tempfile.mkdtemp(prefix="lightning_snn"))


def _write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)  # somebody may have emptied the cache
    part = path.with_suffix(f".{os.getpid()}-{get_ident()}")
    part.write_text(source + _END, encoding="utf-8")
    part.replace(path)  # at once, whatever other processes and threads do


def _read(path: Path) -> str | None:
    """What was written; nothing where it is not whole, after a crash or on a full disk."""
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return found.removesuffix(_END) if found.endswith(_END) else None


def _hashed(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


@cache
def _of_compiler() -> str:
    """What the compiler is, and the functions that kernels take from this package: no cache looks at them."""
    here = Path(__file__).parent
    parts = [*sorted(here.glob("*.py")), here.parent / "jit.py", here.parent / "triton_tools.py"]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
