"""Warnings that small runs give where they are no mistake: marks for ``pytestmark``."""

import pytest

UNWIRED = pytest.mark.filterwarnings("ignore:(layers|connections).* of the units localised after")
"""A phase of a few rounds leaves most fields wide."""

NEW_FOLDER = pytest.mark.filterwarnings("ignore:The dirpath has changed from")
"""Every run of the command line has its own folder."""

SAME_FOLDER = pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
"""Several runs of one test share the Trainer's folder."""

OTHER_CALLBACKS = pytest.mark.filterwarnings(
    "ignore:Be aware that when using `ckpt_path`, callbacks used to create"
)
"""A run goes on without the callback that had ended it."""

OWN_LOADER = pytest.mark.filterwarnings("ignore:Couldn't infer the batch indices")
"""Lightning's, of any loader but torch's."""

OF_COMMANDS = [UNWIRED, NEW_FOLDER, OWN_LOADER]
