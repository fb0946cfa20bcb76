"""What the recipe ``mnist`` refuses, in one sentence."""

import pytest
from helpers.commands import failure
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL_COLUMNS

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model.controls.raw_pixel.gain=2"], ["model.controls.raw_pixel.kind is missing"]),
        (["--model.controls.raw_pixels=null"], ["model.controls.raw_pixels must be a Control", "got None"]),
        (["--model.optimizer=null"], ["model.optimizer must make one of parameters", "got None"]),
        (["--model.controls.round_fields.kind=gird"], ["controls.round_fields", "'gird'", "grid"]),
        (
            ["--model.controls.round_fields.connection=felds"],
            ["rewires a connection that a rule wires, one of ['fields', 'columns'], got 'felds'"],
        ),
        (["--model.control_readouts.raw_pixel=Linear"], ["control_readouts must be one of", "'raw_pixel'"]),
        (["--data.perturbations=[shfted]"], ["data.perturbations", "'shfted'", "shifted", "occluded"]),
        (["--model.few_labels=5000"], ["model.few_labels must be at most 3600", "got 5000"]),
        (["--model.few_labels=0"], ["few_labels", "got 0"]),
        (
            ["--model.connections.columns.projection.fields.connection=felds"],
            ["model.connections.columns", "fields.connection must name a connection", "'felds'"],
        ),
        (["--model.connections.columns.projection.fields.size=161"], ["fields.size", "160", "161"]),
        (["--self_organization.max_steps.colums=8"], ["self_organization.max_steps", "'colums'", "columns"]),
    ],
    ids=lambda value: value[0] if value[0].startswith("--") else "",
)
def test_mistakes(capsys, options, words):
    said = failure(capsys, "run", "mnist", *SHORT, *SMALL_COLUMNS, *options)
    assert all(word in said for word in words), said
