"""Commands that are called in the process of a test."""

from typing import Any, NamedTuple

import pytest

from lightning_snn.callbacks import figures
from lightning_snn.cli.main import main


def failure(capsys, *args, code=2):
    """The one sentence with which a command fails."""
    try:
        found = main(list(args))
    except SystemExit as stopped:
        found = stopped.code
    said = capsys.readouterr().err
    assert found == code, said
    assert "Traceback" not in said
    sentences = [line for line in said.splitlines() if line.startswith("lightning-snn:")]
    assert len(sentences) == 1, said
    assert said.rstrip().endswith(sentences[0])
    return sentences[0]


def draw_nothing(patch):
    """No figures: drawing takes longest."""
    patch.setattr(figures, "publish", lambda *_: None)


def run_in(folder, recipe, *options, drawn=True):
    """The run folder of ``run RECIPE OPTIONS`` in ``folder``, where nothing has run yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        if not drawn:
            draw_nothing(patch)
        assert main(["run", recipe, *options]) == 0
    (run,) = (folder / "runs" / recipe).iterdir()
    return run


class Built(NamedTuple):
    """What a command hands to a run."""

    model: Any
    trainer: Any
    data: Any


def command_that_builds(patch):
    """``build(*args)``: what a command builds; nothing runs."""
    seen = []

    def remember(trainer, model, data, **_):
        seen.append(Built(model, trainer, data))

    patch.setattr("lightning_snn.cli.commands.run_experiment", remember)

    def build(*args):
        assert main(list(args)) == 0
        return seen[-1]

    return build
