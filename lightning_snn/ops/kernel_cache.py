"""Compiled kernels on disk, or only in memory where the disk does not play along."""

import warnings
from collections.abc import Callable
from typing import Any

from numba.core.caching import FunctionCache

_warned = False


def keep_on_disk(compiled: Any, function: Callable[..., Any]) -> None:
    """Let a function that numba compiled be kept on disk from process to process, where there is a place.

    Without one (a read-only installation and home), and where a file cannot be read or written, the function
    is compiled anew, with the same results; a warning says so, once.
    """
    try:
        compiled._cache = KernelCache(function)  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError) as error:
        _warn(f"there is no place for compiled kernels on disk, so every process compiles them: {error}")


class KernelCache(FunctionCache):
    """Numba's cache of a function, whose files may be truncated, vanish or be out of reach."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is on disk, or None where it cannot be read: then it is replaced."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:  # unpickling a broken file may raise anything
            _warn(f"a compiled kernel on disk cannot be read, so it is compiled anew: {_of(error)}")
            self._do(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write to disk, where that is possible."""
        save = super().save_overload
        self._do(lambda: save(sig, data))  # type: ignore[no-untyped-call]

    def _do(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:
            _warn(f"a compiled kernel cannot be written to {self.cache_path}: {_of(error)}")


def _of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _warn(message: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(f"{message}. NUMBA_CACHE_DIR names a folder for them", stacklevel=2)
