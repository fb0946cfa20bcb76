"""The version of the package."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """As installed; ``unknown`` where it runs from its sources."""
    try:
        return version("lightning-snn")
    except PackageNotFoundError:
        return "unknown"
