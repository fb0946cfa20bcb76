"""Tests on several loaders: what each is called, and that each is measured on its own."""

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn import Occlusion, Shift, SpikingClassifier
from lightning_snn.data import BatchLoader, PerturbedSet

pytestmark = UNWIRED

OWN = {"test/accuracy", "test/macro_f1", "test/rate_lgn", "test/sparsity_retina"}


@pytest.fixture
def loaders(data):
    """The clean images, shifted by 1 and 2 pixels, and covered."""
    sets = [
        PerturbedSet(data.test_set, Shift(1), name="shifted"),
        PerturbedSet(data.test_set, Shift(2), name="shifted", first=False),
        PerturbedSet(data.test_set, Occlusion(4), name="occluded"),
    ]
    others = [BatchLoader(part, batch_size=20, shuffle=False) for part in sets]
    return [data.test_dataloader(), *others]


@pytest.fixture
def model(classifier, phase, trainer, data):
    model = classifier(controls=["random", "pixels"])
    trainer(phase(), max_epochs=3).fit(model, data)
    return model


def accuracy(model, loader):
    """Plain accuracy of the network."""
    with torch.no_grad():
        right = [model.eval()(batch.image).argmax(1) == batch.label for batch in loader]
    return torch.cat(right).float().mean().item()


def test_each_has_scores_of_its_own(model, trainer, loaders):
    run = trainer()
    parts = run.test(model, loaders, verbose=False)
    scores = {key: value for part in parts for key, value in part.items()}
    assert sum(map(len, parts)) == len(scores)
    assert not [key for key in scores if "dataloader_idx" in key]
    assert scores.keys() >= OWN
    for stage, loader in zip(
        ["test", "test_shifted", "test_shifted_2", "test_occluded"], loaders, strict=True
    ):
        assert scores[f"{stage}/accuracy"] == pytest.approx(accuracy(model, loader))
        assert run.callback_metrics[f"{stage}/accuracy"].item() == scores[f"{stage}/accuracy"]
        assert f"{stage}/accuracy_pixels" in scores
    assert scores["test_shifted_2/accuracy_pixels"] < scores["test/accuracy_pixels"]
    assert not [key for key in scores if "rate_" in key and not key.startswith("test/")]
    assert model.confusion.compute().sum() == 30  # of the clean images alone


def test_other_tests_change_nothing_about_the_first(model, trainer, loaders):
    (alone,) = trainer().test(model, loaders[0], verbose=False)
    together = trainer().test(model, loaders, verbose=False)[0]
    assert together == alone
    (again,) = trainer().test(model, loaders[0], verbose=False)
    assert again == alone


def test_tests_may_differ_from_call_to_call(model, trainer, loaders):
    run = trainer()
    run.test(model, loaders[:2], verbose=False)
    other = run.test(model, [loaders[0], loaders[3]], verbose=False)
    assert other[1]["test_occluded/accuracy"] == pytest.approx(accuracy(model, loaders[3]))
    (alone,) = run.test(model, loaders[2], verbose=False)
    assert alone["test_shifted_2/accuracy"] == pytest.approx(accuracy(model, loaders[2]))


def test_plain_loaders_are_numbered(model, trainer, data):
    whole = data.test_set[torch.arange(30)]
    plain = [DataLoader(TensorDataset(whole.image[k:], whole.label[k:]), batch_size=20) for k in (0, 10)]
    scores = trainer().test(model, plain, verbose=False)
    assert "test/accuracy" in scores[0]
    assert scores[1].keys() >= {"test_1/accuracy", "test_1/macro_f1_random"}


@pytest.mark.parametrize("options", [{"limit_test_batches": 1}, {"fast_dev_run": True}])
def test_parts_of_each(model, trainer, loaders, options):
    scores = trainer(**options).test(model, loaders, verbose=False)
    assert "test_occluded/accuracy" in scores[3]
    assert model.confusion.compute().sum() == 20


def test_from_a_checkpoint_alone(model, trainer, loaders, tmp_path):
    run = trainer()
    expected = run.test(model, loaders, verbose=False)
    run.save_checkpoint(tmp_path / "model.ckpt")
    loaded = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt")
    assert trainer().test(loaded, loaders, verbose=False) == expected
    trainer().validate(loaded, loaders[0], verbose=False)
