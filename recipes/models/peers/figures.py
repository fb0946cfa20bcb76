"""Where the figures of a script are stored: one JSON file beside the tests that read it."""

import json
from pathlib import Path
from typing import Any

import brian2

FOLDER = Path(__file__).parents[3] / "tests" / "peers"


def store(name: str, *, constants: dict[str, Any], figures: dict[str, Any]) -> None:
    """Write what a script was given and what Brian2 made of it; each entry is a line of the file."""
    whole = {"constants": constants, "figures": figures}
    parts = [f'"brian2": "{brian2.__version__}"']
    for title, entries in whole.items():
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items()]
        parts.append(f'"{title}": {{\n' + ",\n".join(lines) + "\n}")
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{name}: {', '.join(figures)}")
