"""Readouts over time in modules: controls, what is refused, targets and inputs of other shapes."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import UNWIRED

from lightning_snn import (
    LIF,
    STDP,
    BinaryCrossEntropy,
    ConstantCurrent,
    CrossEntropy,
    Dense,
    Frames,
    LatencyCrossEntropy,
    LeakyReadout,
    Linear,
    MeanSquaredError,
    Relay,
    Ridge,
    SpikingAutoencoder,
    SpikingClassifier,
    SpikingLayer,
    SpikingReadout,
    SpikingRegressor,
    Square,
    StepCrossEntropy,
)
from lightning_snn.core.batches import Parts, Sequences


def layers(**options):
    projection = partial(Dense, gain=2.0, **options)
    top = SpikingLayer(Square(12, 8.0), LIF(5.0), projection=projection)
    return {"eye": SpikingLayer(Square(64, 8.0), LIF(5.0)), "top": top}


def model_of(**options):
    settings = {"encoder": ConstantCurrent(10, gain=4.0), "num_classes": 3, "image_size": (8, 8), "seed": 0}
    return SpikingClassifier(layers(), **{**settings, "readout": LeakyReadout, **options})


def images(count=12):
    return torch.rand(count, 1, 8, 8), torch.arange(count) % 3


@UNWIRED
def test_each_network_is_read_as_its_readout_wants(classifier, phase, trainer, data):
    model = classifier(readout=LeakyReadout, controls=["random", "initial", "pixels"],
                       control_readouts={"random": Linear, "pixels": Linear})  # fmt: skip
    fit = trainer(phase(), max_epochs=5)
    fit.fit(model, data)
    (scores,) = fit.test(model, data, verbose=False)
    assert scores["test/accuracy"] > 0.4
    assert {"test/accuracy_random", "test/accuracy_initial", "test/accuracy_pixels"} <= set(scores)
    shown = model.present(torch.rand(3, 1, 8, 8))
    shapes = {name: tuple(one.shape) for name, one in shown.features.items()}
    assert shapes == {"network": (10, 3, 20), "random": (3, 20), "initial": (10, 3, 20)}
    torch.testing.assert_close(shown.features["network"], shown.spikes["lgn"])


def test_blocks_are_put_together_in_order(monkeypatch):
    model, values = model_of(), images(7)[0]
    with torch.no_grad():
        whole = model.present(values)
        monkeypatch.setattr("lightning_snn.presentation.present.BLOCK_BYTES", 4 * 10 * 64 * 2)
        parts = model.present(values)
    assert torch.equal(whole.features["network"], parts.features["network"])
    assert parts.steps == 10


def test_a_controls_readout_must_fit_too(classifier):
    with pytest.raises(ValueError, match=r"StepCrossEntropy takes .* control_readouts.random is Linear"):
        classifier(readout=LeakyReadout, loss=StepCrossEntropy(), controls=["random"],
                   control_readouts={"random": Linear})  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controls": ["pixels"]}, "control_readouts.pixels must be a readout of features, such as Linear"),
        ({"few_labels": 3}, "few_labels must be none where a readout reads over time, as LeakyReadout does"),
        ({"cache": True}, "cache must not be True where a readout reads over time, as LeakyReadout does"),
        ({"loss": LatencyCrossEntropy()}, "readout is LeakyReadout, which gives potentials over time"),
        ({"readout": Ridge, "loss": StepCrossEntropy()}, "readout is Ridge, which gives scores"),
    ],
)
def test_what_does_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        model_of(**options)


def test_features_of_a_readout_over_time_are_never_kept():
    model = model_of()
    assert not model.cache
    assert model_of(readout=Linear).cache


@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_readouts_take_the_step_of_the_network(classifier, dt):
    model = classifier(layers(rule=STDP()), dt=dt, controls=["random"], readout=SpikingReadout)
    assert [readout.neuron.dt for readout in model.readouts.values()] == [dt, dt]


def regressor(cls=SpikingRegressor, **options):
    eye = SpikingLayer(Square(6, 5.0), Relay())
    return cls({"eye": eye}, Frames(), LeakyReadout, seed=0, **options)


def test_targets_of_a_regressor():
    one, steps = regressor(), regressor(num_outputs=2, loss=MeanSquaredError("steps"))
    assert one.target(Parts(None, torch.ones(5))).shape == (5, 1)
    assert one.target(Parts(None, torch.ones(5, 1))).shape == (5, 1)
    assert steps.target(Parts(None, torch.ones(5, 7, 2))).shape == (5, 7, 2)
    with pytest.raises(ValueError, match=r"targets must be \[B, 1\] \(num_outputs\), got \[5, 2\]"):
        one.target(Parts(None, torch.ones(5, 2)))
    with pytest.raises(ValueError, match=r"targets must be \[B, T, 2\] \(num_outputs\), got \[5, 2\]"):
        steps.target(Parts(None, torch.ones(5, 2)))


def test_metrics_see_the_steps_of_each_sample():
    model = regressor(num_outputs=2, loss=MeanSquaredError("steps"))
    scores, target = torch.rand(2, 5, 2), torch.rand(2, 5, 2)
    seen, wanted = model.compared(scores, target, torch.tensor([5, 2]))
    assert torch.equal(seen, torch.cat([scores[0], scores[1, :2]]))
    assert torch.equal(wanted, torch.cat([target[0], target[1, :2]]))


def test_targets_of_an_autoencoder():
    pictures = regressor(SpikingAutoencoder, input_size=(4, 4))
    assert pictures.target(Parts(torch.ones(3, 1, 4, 4))).shape == (3, 16)
    assert list(pictures.metrics()) == ["mse", "psnr"]
    assert list(regressor(SpikingAutoencoder, input_size=(3, 12, 12)).metrics()) == ["mse", "psnr", "ssim"]
    trains = regressor(SpikingAutoencoder, input_size=6, loss=MeanSquaredError("steps"))
    given = Sequences(torch.ones(3, 7, 6), torch.tensor([7, 2, 4]))
    assert trains.target(Parts(given)).shape == (3, 7, 6)
    assert list(trains.metrics()) == ["mse"]
    assert trains.predict_step(given, 0).shape == (3, 7, 6)
    with pytest.raises(ValueError, match=r"inputs must be \[B, 1, 4, 4\] \(input_size\), got \[3, 1, 5, 5\]"):
        pictures.target(Parts(torch.ones(3, 1, 5, 5)))
    with pytest.raises(ValueError, match=r"input_size must be one whole number, or two, .* got"):
        regressor(SpikingAutoencoder, input_size=(1, 2, 3, 4))


def test_several_labels_are_checked():
    model = model_of(loss=BinaryCrossEntropy())
    with pytest.raises(ValueError, match=r"labels must be \[B, 3\] \(num_classes\), 1 for each class"):
        model.target(Parts(None, torch.tensor([0, 2])))
    found = model.predict_step(images()[0], 0)
    assert found.label.shape == found.probability.shape == (12, 3)
    assert torch.equal(found.label, found.probability > 0.5)


def test_what_is_given_is_stored():
    model = model_of(loss=CrossEntropy(5.0), tau_trace=7.0)
    assert model.hparams["loss"] == {"class_path": "lightning_snn.CrossEntropy", "init_args": {"scale": 5.0}}
    assert model.hparams["tau_trace"] == 7.0
    assert model.hparams["learning_rates"] is None
    assert "inputs" not in model.hparams
    with pytest.raises(TypeError, match="tau_tarce"):
        model_of(tau_tarce=3.0)
