"""What one call sets in the process, and what importing leaves alone."""

import os
import subprocess
import sys

import pytest


def said_by(code, **environment):
    """Lines that ``code`` prints in a fresh interpreter, and its warnings."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    done = subprocess.run(
        [sys.executable, "-c", f"import os, lightning_snn\n{code}"],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split(), done.stderr


TORCH = "import sys; sys.modules['torch'] = sys"
"""As if torch had been imported, which takes seconds."""

SPIN = "print(os.environ.get('GOMP_SPINCOUNT'))"


def test_importing_changes_nothing():
    assert said_by(f"lightning_snn.LIF; {SPIN}") == (["None"], "")


def test_before_torch_it_shortens_the_spin():
    assert said_by(f"lightning_snn.tune_process(); {SPIN}") == (["1000"], "")


def test_after_torch_it_warns():
    printed, warned = said_by(f"{TORCH}; lightning_snn.tune_process(); {SPIN}")
    assert printed == ["1000"]  # for processes that it starts
    assert "tune_process() comes after torch was imported" in warned
    assert "GOMP_SPINCOUNT=1000" in warned


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_what_is_set_wins_without_a_warning(name):
    code = f"{TORCH}; lightning_snn.tune_process(); print(os.environ['{name}'])"
    assert said_by(code, **{name: "7"}) == (["7"], "")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_stays_unless_the_user_has_set_the_allocator():
    """A block of 64 MB comes from the heap, and not from a mapping of its own, which malloc counts."""
    code = """
import ctypes
lightning_snn.tune_process()
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("arena", "ordblks", "smblks", "hblks", *"abcdef")]
libc = ctypes.CDLL(None)
libc.mallinfo.restype, libc.malloc.restype = Info, ctypes.c_void_p
before = libc.mallinfo().hblks
libc.malloc(ctypes.c_size_t(2**26))
print(libc.mallinfo().hblks - before)
"""
    assert said_by(code)[0] == ["0"]
    assert said_by(code, MALLOC_ARENA_MAX="2")[0] == ["1"]
