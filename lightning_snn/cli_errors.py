"""Errors of the command line as one sentence."""

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException

USER_ERRORS = (ArgumentError, ValueError, FileNotFoundError, ImportError, MisconfigurationException)
"""What a user can mend by changing an argument, a file or an installation."""


def sentence(error: BaseException) -> str:
    """The innermost cause, after the key that the outer error names."""
    return str(error)
