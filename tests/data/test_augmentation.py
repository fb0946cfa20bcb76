"""Training images that are shown otherwise in every epoch, and batches of the few that have labels."""

import pytest
import torch
from lightning.pytorch import Trainer

from lightning_snn import (
    LIF,
    MNIST,
    ConstantCurrent,
    Dense,
    Flip,
    GaussianNoise,
    Images,
    Linear,
    Maps,
    Relay,
    Shift,
    SpikingClassifier,
    SpikingLayer,
)
from lightning_snn.core.permutation import scrambled
from lightning_snn.data import BatchLoader
from lightning_snn.data.augmentation import Augmentation
from lightning_snn.development.scene import scene_of


def data(**options):
    return MNIST(
        **{"augmentation": [Shift(2), GaussianNoise(0.1)], "seed": 3, "batch_size": 50, "val_size": 3500}
        | options
    )


def epoch(loader):
    batches = list(loader)
    image, sample = (torch.cat([getattr(b, name) for b in batches]) for name in ("image", "sample"))
    return dict(zip(sample.tolist(), image, strict=True))


def both(first, second):
    """Images of the samples that both epochs show."""
    return ((first[number], second[number]) for number in first.keys() & second.keys())


def test_every_epoch_draws_anew_and_every_run_the_same():
    loader = data().train_dataloader()
    first, second = epoch(loader), epoch(loader)
    again = data(batch_size=20).train_dataloader()
    assert all(torch.equal(*pair) for pair in both(first, epoch(again)))
    assert all(torch.equal(*pair) for pair in both(second, epoch(again)))
    assert not any(torch.equal(*pair) for pair in both(first, second))
    other = epoch(data(seed=4).train_dataloader())
    assert not any(torch.equal(*pair) for pair in both(first, other))


def test_each_process_sees_what_one_alone_would():
    whole = epoch(data().train_dataloader())
    set_, augmentation = data(), Augmentation([Shift(2), GaussianNoise(0.1)], size=(28, 28))
    set_.setup()
    parts = [
        BatchLoader(
            set_.train_set, batch_size=50, shuffle=True, seed=3, rank=rank, world_size=2,
            augmentation=augmentation,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    found = epoch(parts[0]) | epoch(parts[1])
    assert found.keys() == whole.keys()
    assert all(torch.equal(found[number], image) for number, image in whole.items())


def test_an_epoch_goes_on_where_it_was_left():
    whole = list(data().train_dataloader())
    left = data().train_dataloader()
    for _, batch in zip(range(2), left, strict=False):
        assert batch.image.shape == (50, 1, 28, 28)
    resumed = data().train_dataloader()
    resumed.load_state_dict(left.state_dict())
    assert all(torch.equal(a.image, b.image) for a, b in zip(resumed, whole[2:], strict=True))


def test_two_of_a_kind_draw_streams_of_their_own():
    dots = torch.zeros(300, 1, 9, 9)
    dots[:, :, 4, 4] = 1
    twice = Augmentation([Shift(1), Shift(1)], size=(9, 9))(dots, torch.arange(300), seed=0, epoch=0)
    places = twice.flatten(1).argmax(1)
    assert len(places.unique()) == 25  # a sum of equal offsets would be even


def test_pixels_are_scrambled_after_they_were_moved():
    plain, mixed = epoch(data().train_dataloader()), epoch(data(scramble=7).train_dataloader())
    number = next(iter(plain))
    assert torch.equal(mixed[number], scrambled(plain[number][None], 7)[0])


def test_what_is_not_trained_on_stays_as_it_is():
    there, plain = data(), data(augmentation=None)
    for name in ("val_dataloader", "test_dataloader", "predict_dataloader"):
        ours, theirs = (epoch(getattr(d, name)()) for d in (there, plain))
        assert all(torch.equal(*pair) for pair in both(ours, theirs))
    blocks, images = (next(iter(d.train_dataloader().blocks(100))).image for d in (there, plain))
    assert torch.equal(blocks, images)
    assert plain.train_dataloader().repeatable
    assert not there.train_dataloader().repeatable


def fit(model, set_):
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(accelerator="cpu", max_epochs=1, limit_train_batches=2, limit_val_batches=1, **options)
    trainer.fit(model, set_)
    return trainer


def classifier(**options):
    layers = {
        "image": SpikingLayer(Maps(1, 28, 28), Relay()),
        "units": SpikingLayer(Maps(20, 1, 1), LIF(), projection=Dense),
    }
    return SpikingClassifier(layers, encoder=ConstantCurrent(2), readout=Linear, **options)


def test_features_are_not_cached(monkeypatch):
    shown = []
    present = SpikingClassifier.present
    monkeypatch.setattr(
        SpikingClassifier, "present", lambda self, x, **o: shown.append(len(x)) or present(self, x, **o)
    )
    model = classifier()
    assert model.cache
    fit(model, data(batch_size=7, eval_batch_size=5))
    assert shown.count(7) == 2


def test_features_that_must_be_cached_are_refused():
    model = classifier(cache=True)
    with pytest.raises(ValueError, match=r"model.cache must not be True where data.augmentation"):
        fit(model, data())


def test_batches_hold_the_labelled_images_alone_and_stimuli_see_all():
    few = MNIST(labels=100, batch_size=50, seed=0)
    loader = few.train_dataloader()
    known = MNIST().labelled(100)
    shown = torch.cat([batch.sample for batch in loader])
    assert shown.sort().values.tolist() == known.sort().values.tolist()
    assert few.train_set.labels.bincount().min() > 100
    assert few.labelled().tolist() == known.tolist()
    assert few.labelled(30).tolist() == MNIST(labels=30, batch_size=30).labelled().tolist()
    model = classifier()
    trainer = fit(model, few)
    scene = scene_of(trainer, model, 4)
    assert scene.num_images == len(few.train_set) == 3600
    stimulus = Images(seed=0)
    stimulus.attach(scene)
    assert len(stimulus.shown(range(3600), 0).unique()) == 3600


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augmentation": [Shift(28)]}, r"data\.augmentation\[0\]\.pixels must be at most 27"),
        ({"augmentation": [Flip(), 3]}, r"data\.augmentation\[1\] must be a Perturbation.*got 3"),
        ({"augmentation": "shifted"}, r"data\.augmentation must be a list of Perturbation.*got 'shifted'"),
        ({"labels": 0}, r"data\.labels must be a whole number above 0, got 0"),
        ({"labels": 501}, r"data\.labels must be at most 500, the training images, got 501"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        data(**options).train_dataloader()
