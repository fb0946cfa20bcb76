"""The scores and the activity of a stage, against numbers worked out by hand."""

import pytest
import torch
from torch.nn import functional as F
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from lightning_snn.presentation.measures import StageMeasures, score_name
from lightning_snn.presentation.present import Presentation

LABEL = torch.tensor([0, 0, 1, 2])
PREDICTED = {"network": [0, 1, 1, 2], "random": [0, 0, 0, 0]}


def shown(rate, sparsity):
    return Presentation({}, torch.tensor(rate), torch.tensor(sparsity))


def measures():
    return StageMeasures("val", ["network", "random"], ["retina", "lgn"], scores)


def scores():
    return {
        "accuracy": MulticlassAccuracy(3, average="micro"),
        "macro_f1": MulticlassF1Score(3, average="macro"),
    }


def values(stage):
    return {name: metric.compute().item() for name, metric in stage.named().items()}


def update(stage, rows):
    values = {
        name: F.one_hot(torch.tensor(predicted), 3).float()[rows] for name, predicted in PREDICTED.items()
    }
    activity = shown(
        [[10.0, 1.0], [20.0, 2.0], [30.0, 3.0], [40.0, 4.0]],
        [[0.5, 0.9], [0.5, 0.8], [0.5, 0.7], [0.5, 0.6]],
    )
    compared = {name: (scores, LABEL[rows]) for name, scores in values.items()}
    stage.update(compared, Presentation({}, activity.rate[rows], activity.sparsity[rows]))


EXPECTED = {
    "val/accuracy": 3 / 4,
    "val/accuracy_random": 2 / 4,
    "val/macro_f1": (2 / 3 + 2 / 3 + 1) / 3,
    "val/macro_f1_random": (2 * 2 / (4 + 2)) / 3,
    "val/rate_retina": 25.0,
    "val/rate_lgn": 2.5,
    "val/sparsity_retina": 0.5,
    "val/sparsity_lgn": 0.75,
}


def test_all_at_once():
    stage = measures()
    update(stage, torch.arange(4))
    assert values(stage) == pytest.approx(EXPECTED)


def test_every_sample_weighs_the_same_whatever_the_batches():
    stage = measures()
    update(stage, torch.tensor([2]))
    update(stage, torch.tensor([0, 3, 1]))
    assert values(stage) == pytest.approx(EXPECTED)


def test_names():
    assert list(measures().named()) == list(EXPECTED)
    assert score_name("macro_f1", "network") == "macro_f1"
    assert score_name("macro_f1", "grid") == "macro_f1_grid"


def test_keeps_nothing_in_checkpoints():
    stage = measures()
    update(stage, torch.arange(4))
    assert stage.state_dict() == {}


def test_graded_values_have_no_rate():
    stage = StageMeasures("val", ["network", "random"], ["retina", "lgn"], scores, graded=["retina"])
    update(stage, torch.arange(4))
    expected = dict(EXPECTED)
    expected["val/mean_activity_retina"] = expected.pop("val/rate_retina")
    assert values(stage) == pytest.approx(expected)
