"""Checkpoints that earlier versions wrote load and predict the same."""

from pathlib import Path

import pytest
import torch

from lightning_snn import SpikingClassifier

FOLDER = Path(__file__).parent / "format_1"
NAMES = ("waves", "convolution", "diehl_cook")

found = torch.load(FOLDER / "scores.pt", weights_only=True)


@pytest.mark.parametrize("name", NAMES)
def test_format_1_predicts_the_same(name):
    """Written by version 0.1.0, before networks had a seed; ``scores.pt`` holds what it said of digits."""
    model = SpikingClassifier.load_from_checkpoint(FOLDER / f"{name}.ckpt", map_location="cpu").eval()
    images = found["images"].float() / 255
    with torch.no_grad():
        features = model.present(images).features
        scores = {network: model.readouts[network](values) for network, values in features.items()}
    assert torch.equal(features["network"], found[name]["features"])
    expected = {key: value for key, value in found[name].items() if key != "features"}
    torch.testing.assert_close(scores, expected)
