"""Modules whose presentations are cut in pieces: the same training as at once, or shorter gradients."""

import pytest
import torch
from helpers.phased import PARTS, phased

from lightning_snn import OTTT, LeakyReadout, TrainingPhase
from lightning_snn.core.batches import Parts
from lightning_snn.presentation.present import NETWORK

ALL = [name for names in PARTS.values() for name in names]


def fitted(trainer, data, **changes):
    model = phased(None, **{"tau_trace": 4.0} | changes)
    trainer(max_epochs=1, limit_train_batches=1).fit(model, data)
    return model.state_dict()


@pytest.mark.parametrize("pieces", [{"checkpoint_steps": 2}, {"checkpoint_steps": 4, "truncate_steps": 6}])
def test_a_step_is_the_same_in_pieces(trainer, data, pieces):
    expected, found = fitted(trainer, data), fitted(trainer, data, **pieces)
    untrained = phased(None).state_dict()
    for name in ALL:
        assert not torch.equal(expected[name], untrained[name])
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-4, msg=name)


def test_a_step_with_shorter_gradients_is_another(trainer, data):
    expected, found = fitted(trainer, data), fitted(trainer, data, truncate_steps=2)
    assert not torch.allclose(found[PARTS["low"][0]], expected[PARTS["low"][0]], rtol=1e-3, atol=1e-4)


@pytest.fixture
def images(data):
    return Parts(*next(iter(data.val_dataloader())))


@pytest.mark.parametrize("over_time", [False, True])
def test_what_is_shown_is_the_same(images, over_time):
    options = {"readout": LeakyReadout} if over_time else {"controls": {}}
    whole, cut = phased(None, **options), phased(None, checkpoint_steps=4, **options)
    expected, found = (model.present(images.input) for model in (whole, cut))
    torch.testing.assert_close(found.features[NETWORK], expected.features[NETWORK])
    assert found.rates.keys() == expected.rates.keys()
    for name, rates in expected.rates.items():
        torch.testing.assert_close(found.rates[name], rates)
    torch.testing.assert_close(found.rate, expected.rate)
    assert torch.equal(found.sparsity, expected.sparsity)
    assert not found.spikes


def test_gradients_reach_mean_rates_in_pieces(images):
    found = []
    for options in ({}, {"checkpoint_steps": 4}):
        model = phased(None, **options)
        model.present(images.input).rates["last"].square().mean().backward()
        found.append(model.network.connection("low").weighted().weight.grad)
    assert found[0].any()
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_pieces_and_phases_and_switches(trainer, data):
    model = phased({"readout": TrainingPhase(1, ["readout"]), "all": TrainingPhase()}, truncate_steps=3)
    trainer(max_epochs=2, precision="bf16-mixed", accumulate_grad_batches=2, gradient_clip_val=1.0).fit(
        model, data
    )
    assert not torch.equal(model.state_dict()[PARTS["low"][0]], phased(None).state_dict()[PARTS["low"][0]])


def test_what_is_refused():
    with pytest.raises(ValueError, match="truncate_steps must be a whole number above 0, got 0"):
        phased(truncate_steps=0)
    with pytest.raises(ValueError, match=r"OTTT trains one .* step by step: leave out checkpoint_steps"):
        phased(None, learning=OTTT(), checkpoint_steps=3)
