"""The base module: its scheduler."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from lightning.pytorch.cli import ReduceLROnPlateau

pytestmark = UNWIRED


def test_a_scheduler_that_watches_a_measure_runs(classifier, phase, trainer, data, tmp_path):
    scheduler = partial(ReduceLROnPlateau, monitor="val/rate_lgn", mode="max", patience=0, factor=0.1)
    model = classifier(scheduler=scheduler, optimizer=partial(torch.optim.SGD, lr=1.0))
    fit = trainer(phase(), max_epochs=3)
    fit.fit(model, data)  # the rate stays as it is, so that every epoch but the first is a plateau
    assert fit.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.01)
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = type(model).load_from_checkpoint(tmp_path / "model.ckpt")
    assert again.configure_optimizers()["lr_scheduler"]["monitor"] == "val/rate_lgn"


def test_a_scheduler_that_does_not_say_what_it_watches(classifier):
    plain = torch.optim.lr_scheduler.ReduceLROnPlateau
    with pytest.raises(ValueError, match=r"scheduler must say what it monitors.*lightning.pytorch.cli"):
        classifier(scheduler=plain)


def test_a_model_that_was_validated_can_be_fitted_by_the_same_trainer(classifier, phase, trainer, data):
    model, runs = classifier(), trainer(phase())
    (before,) = runs.validate(model, data)
    runs.fit(model, data)  # its measures hold tensors of inference mode until then
    (after,) = runs.validate(model, data)
    assert set(after) == set(before)
    assert after["val/rate_lgn"] != before["val/rate_lgn"]
