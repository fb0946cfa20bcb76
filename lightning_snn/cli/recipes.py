"""The recipes that come with the package, by name."""

import difflib
from pathlib import Path

from lightning_snn.core.files import write_whole


def recipe_folder() -> Path:
    """Where the recipes lie: in an installed package inside it, in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def recipes() -> dict[str, Path]:
    """The recipes by name."""
    return {path.stem: path for path in sorted(recipe_folder().glob("*.yaml"))}


def find_recipe(name: str) -> Path:
    """The file of a recipe, given its name or a path.

    Raises:
        ValueError: if there is neither a recipe nor a file of that name.
    """
    known = recipes()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(
        f"there is no recipe or YAML file {name!r}.{hint} Recipes: {', '.join(known) or 'none'}."
    )


def summary(path: Path) -> str:
    """What a recipe does: its first line, a comment."""
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()


def copy_recipe(name: str, target: Path) -> str:
    """Copy a recipe to a file or into a folder; returns what to say of it.

    Raises:
        ValueError: if there is no such recipe, or the file exists.
        OSError: if the file cannot be written.
    """
    source = find_recipe(name)
    if target.is_dir():
        target = target / source.name
    if target.exists():
        raise ValueError(f"{target} exists already; choose another name")
    write_whole(target, source.read_bytes())
    return f"{source.stem} copied to {target}; run it with: lightning-snn run {target}"
