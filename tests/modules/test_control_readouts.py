"""Controls with readouts of their own: with and without gradients, side by side."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, UNWIRED
from helpers.tensors import assert_same
from lightning.pytorch.callbacks import LambdaCallback, ModelCheckpoint
from lightning.pytorch.plugins.precision import MixedPrecision

from lightning_snn import MLP, ClassAssignment, Dense, Ridge, SpikingClassifier

pytestmark = [UNWIRED, OTHER_CALLBACKS]

STEADY = partial(MLP, num_hidden=20, dropout=0.0)
CONTROLS = ["random", "pixels"]


@pytest.fixture
def fitted(classifier, phase, trainer, data):
    """``fitted(epochs=..., ckpt_path=..., callbacks=..., trainer=..., **options)``: a model that learned."""

    def run(epochs=2, ckpt_path=None, callbacks=(), run=(), **options):
        model = classifier(**{"readout": Ridge, "controls": CONTROLS, "seed": 0, **options})
        fit = trainer(phase(), *callbacks, max_epochs=epochs, **dict(run))
        fit.fit(model, data, ckpt_path=ckpt_path, weights_only=True)
        return model, fit

    return run


def assert_learned_alike(readouts, ridges, networks):
    """Each readout learned what it does beside others of its kind."""
    for name, readout in readouts.items():
        other = ridges if isinstance(readout, Ridge) else networks
        assert type(readout) is type(other[name])
        assert_same(readout.state_dict(), other[name].state_dict())
        assert any(value.any() for value in readout.state_dict().values())


@pytest.mark.parametrize("own", ["random", "pixels", "network"])
@pytest.mark.parametrize("epochs", [1, 3])
def test_each_learns_what_it_learns_beside_its_own_kind(fitted, own, epochs):
    ridges, _ = fitted(epochs, few_labels=[9])
    networks, _ = fitted(epochs, readout=STEADY, few_labels=[9])
    if own == "network":
        options = {"readout": STEADY, "control_readouts": dict.fromkeys(CONTROLS, Ridge)}
    else:
        options = {"control_readouts": {own: STEADY}}
    mixed, _ = fitted(epochs, few_labels=[9], **options)
    assert {type(readout) for readout in mixed.readouts.values()} == {Ridge, MLP}
    assert isinstance(mixed.readouts[own], MLP)
    for part, one, other in zip(mixed.all_readouts, ridges.all_readouts, networks.all_readouts, strict=True):
        assert_learned_alike(part, one, other)


def test_what_learns_by_itself_in_one_pass_is_the_same_after_more(fitted):
    one, three = (fitted(epochs)[0] for epochs in (1, 3))
    assert_same(one.readouts.state_dict(), three.readouts.state_dict())
    voters = [
        fitted(epochs, readout=ClassAssignment, control_readouts={"pixels": Ridge})[0].readouts["random"]
        for epochs in (1, 3)
    ]
    assert [voter.samples.sum() for voter in voters] == [60, 180]


@pytest.mark.parametrize("few", [None, [9]])
def test_no_gradient_is_awaited_of_what_learns_by_itself(classifier, few):
    mixed = classifier(readout=Ridge, controls=CONTROLS, control_readouts={"pixels": MLP}, few_labels=few)
    needed = {name for name, parameter in mixed.named_parameters() if parameter.requires_grad}
    assert needed
    assert all(".pixels." in name for name in needed)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_goes_on_to_the_same_bits(fitted, tmp_path, step):
    saving = LambdaCallback(
        on_train_batch_end=lambda run, *_: run.save_checkpoint(tmp_path / f"{run.global_step}.ckpt")
    )
    options = {"control_readouts": {"pixels": MLP}, "few_labels": [20]}
    whole, first = fitted(callbacks=[saving], **options)
    assert first.global_step == 6
    again, second = fitted(ckpt_path=tmp_path / f"{step}.ckpt", **options)
    assert second.global_step == 6
    assert_same(again.state_dict(), whole.state_dict())


def test_comes_back_from_a_checkpoint(fitted, data, trainer, tmp_path):
    options = {"control_readouts": {"pixels": STEADY, "random": partial(Ridge, penalty=[0.1, 1.0])}}
    saving = ModelCheckpoint(tmp_path, filename="last")
    model, run = fitted(callbacks=[saving], **options)
    (scores,) = run.test(model, data, verbose=False)
    assert scores["test/accuracy_pixels"] > 0.5  # chance: 0.25
    loaded = SpikingClassifier.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert loaded.readouts["random"].candidates == [0.1, 1.0]
    assert_same(loaded.state_dict(), model.state_dict())
    (again,) = trainer().test(loaded, data, verbose=False)
    assert again == scores


@pytest.mark.parametrize("own", [{}, {"pixels": STEADY}])
def test_under_the_loss_scaling_of_16_mixed(fitted, own):
    plugin = MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))
    model, run = fitted(control_readouts=own, run={"plugins": [plugin]})
    plain, _ = fitted(control_readouts=own)
    assert run.global_step == 6
    torch.testing.assert_close(
        model.readouts["random"].state_dict(), plain.readouts["random"].state_dict(), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
@pytest.mark.parametrize("own", [{}, {"pixels": partial(Ridge, standardise="feature"), "random": STEADY}])
def test_other_precisions(fitted, data, precision, own):
    model, run = fitted(control_readouts=own, run={"precision": precision})
    (scores,) = run.test(model, data, verbose=False)
    expected = torch.float64 if precision == "64-true" else torch.float32
    assert model.readouts["pixels"].weight.dtype == expected
    assert scores["test/accuracy_pixels"] > 0.9  # chance: 0.25


@pytest.mark.parametrize("own", [{}, {"random": STEADY}])
def test_looks_at_it_before_the_first_epoch_ends_change_nothing(fitted, own):
    plain, _ = fitted(control_readouts=own)
    often, _ = fitted(control_readouts=own, run={"val_check_interval": 1, "num_sanity_val_steps": 2})
    assert_same(often.state_dict(), plain.state_dict())


def test_validation_before_fit(classifier, phase, trainer, data, fitted):
    options = {"readout": Ridge, "controls": CONTROLS, "control_readouts": {"pixels": STEADY}, "seed": 0}
    model, run = classifier(**options), trainer(phase(), max_epochs=2)
    run.validate(model, data, verbose=False)
    run.fit(model, data)
    assert_same(model.state_dict(), fitted(control_readouts={"pixels": STEADY})[0].state_dict())


@pytest.mark.parametrize("own", [{}, {"random": STEADY}])
def test_an_epoch_of_few_batches_ends_too(fitted, own):
    model, _ = fitted(control_readouts=own, run={"limit_train_batches": 2})
    whole, _ = fitted(control_readouts=own)
    pixels = model.readouts["pixels"]
    assert (len(pixels.rows), len(pixels.products)) == (0, 0)
    assert pixels.weight.any()
    assert not torch.equal(pixels.weight, whole.readouts["pixels"].weight)


@pytest.mark.parametrize(
    ("controls", "name", "message"),
    [
        (CONTROLS, "raw", "control_readouts must be one of pixels, random, got 'raw'"),
        (CONTROLS, "network", "control_readouts must be one of pixels, random, got 'network'"),
        (None, "random", "control_readouts needs controls, and there are none, got 'random'"),
    ],
)
def test_a_control_that_is_not_there(classifier, controls, name, message):
    with pytest.raises(ValueError, match=message):
        classifier(controls=controls, control_readouts={name: MLP})


def test_a_control_without_gradients_beside_a_network_with_them(classifier, retina, pooling):
    layers = {"retina": retina(), "lgn": pooling(projection=partial(Dense, trainable=True))}
    model = classifier(layers, controls=["pixels"], control_readouts={"pixels": Ridge})
    assert model.network.projections["lgn"].weight.requires_grad
    with pytest.raises(ValueError, match=r"^readout: Ridge learns without gradients"):
        classifier(layers, readout=Ridge, controls=["pixels"], control_readouts={"pixels": MLP})
    wired = {"retina": retina(), "lgn": pooling(), "cortex": layers["lgn"]}
    with pytest.raises(ValueError, match=r"^control_readouts\.random: Ridge learns without gradients"):
        classifier(wired, controls=CONTROLS, control_readouts={"random": Ridge})
