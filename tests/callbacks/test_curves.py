"""Which accuracies the figures against labels and strengths show."""

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from matplotlib.image import imread

from lightning_snn import Figures, GaussianNoise, Shift, viz
from lightning_snn.callbacks.curves import accuracy_figures
from lightning_snn.data import BatchLoader, ImageDataset, PerturbedSet

pytestmark = UNWIRED

SCORES = {
    "test/accuracy": 0.9, "test/accuracy_random": 0.8,
    "test_shifted/accuracy": 0.7, "test_shifted/accuracy_random": 0.6,
    "test_shifted_4/accuracy": 0.5, "test_shifted_4/accuracy_random": 0.4,
    "test_noise/accuracy": 0.3, "test_noise/accuracy_random": 0.2,
    "test_20_labels/accuracy": 0.66, "test_20_labels/accuracy_random": 0.55,
}  # fmt: skip


def loaders():
    images = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    clean = ImageDataset(images, labels=torch.arange(3), sample=torch.arange(3))
    sets = [
        clean,
        PerturbedSet(clean, Shift(2), name="shifted"),
        PerturbedSet(clean, Shift(4), name="shifted", first=False),
        PerturbedSet(clean, GaussianNoise(0.4), name="noise"),
    ]
    return [BatchLoader(part, batch_size=3, shuffle=False) for part in sets]


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn: lines by name of the network, and how."""
    found = []
    monkeypatch.setattr(viz, "accuracy_curves", lambda lines, **how: found.append((lines, how)))
    return found


@pytest.mark.parametrize("most", [60, None])
def test_what_is_drawn(drawn, most):
    figures = dict(accuracy_figures(["network", "random"], SCORES, loaders(), [20], most))
    assert list(figures) == ["accuracy_against_labels", "accuracy_against_shifted"]  # one noise is no curve
    for draw in figures.values():
        draw()
    (labels, how), (shifted, other) = drawn
    whole = {} if most is None else {60: 0.9}
    assert labels["self-organised"] == {20: 0.66} | whole
    assert how == {"xlabel": "training images with labels", "log": True}
    assert shifted == {
        "self-organised": {0: 0.9, 2: 0.7, 4: 0.5},
        "random wiring": {0: 0.8, 2: 0.6, 4: 0.4},
    }
    assert other == {"xlabel": "shifted by up to (pixels)"}


def test_nothing_is_drawn_without_such_tests():
    assert list(accuracy_figures(["network"], SCORES, loaders()[:1], [], 60)) == []


def test_files_of_a_run(classifier, trainer, data, phase, tmp_path):
    data.labelled = data.train_set.labelled
    model = classifier(few_labels=[8, 20], controls=["random", "pixels"])
    run = trainer(phase(), Figures(50))
    run.fit(model, data)
    sets = [PerturbedSet(data.test_set, Shift(pixels), name="moved", first=pixels == 1) for pixels in (1, 2)]
    tests = [data.test_dataloader(), *(BatchLoader(part, batch_size=30, shuffle=False) for part in sets)]
    data.test_dataloader = lambda: tests
    run.test(model, data, verbose=False)
    for name in ("accuracy_against_labels", "accuracy_against_moved", "confusion_matrix"):
        assert imread(tmp_path / "figures" / f"{name}.png").std() > 0.01, name
