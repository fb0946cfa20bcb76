from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.nn import functional as F

from lightning_snn.core.permutation import scrambled
from lightning_snn.data import MNIST
from lightning_snn.development.scene import scene

FULL = Path(__file__).parents[3] / "shared" / "data"
full = pytest.mark.skipif(not (FULL / "MNIST" / "raw").is_dir(), reason="the full MNIST is not there")


def ready(*args, **options):
    data = MNIST(*args, **options)
    data.prepare_data()
    data.setup("fit")
    return data


def numbers(data):
    return [part.sample.tolist() for part in (data.train_set, data.val_set, data.test_set)]


def per_class(part):
    return part.labels.bincount(minlength=10).tolist()


def test_embedded_splits_are_disjoint_complete_and_stratified():
    data = ready()
    assert [len(part) for part in numbers(data)] == [3600, 400, 1000]
    assert sorted(index for part in numbers(data) for index in part) == list(range(5000))
    assert [per_class(part) for part in (data.train_set, data.val_set, data.test_set)] == [
        [360] * 10,
        [40] * 10,
        [100] * 10,
    ]


def test_parts_hold_real_digits_under_their_numbers():
    data = ready()
    images = ready(val_size=0, split_seed=3)
    position = images.train_set.sample.argsort()[:1]
    number = images.train_set.sample[position]
    parts = [part[part.sample == number] for part in (data.train_set, data.val_set, data.test_set)]
    (batch,) = (batch for batch in parts if len(batch.sample))
    assert torch.equal(batch.image, images.train_set[position].image)
    assert batch.label == images.train_set.labels[position]


def test_split_seed_fixes_the_splits_and_seed_does_not_touch_them():
    data = numbers(ready())
    assert numbers(ready(seed=1)) == data
    assert numbers(ready(batch_size=10)) == data
    other = numbers(ready(split_seed=1))
    assert all(set(part) != set(changed) for part, changed in zip(data, other, strict=True))


def test_val_size_does_not_touch_the_test_set():
    assert numbers(ready(val_size=7))[2] == numbers(ready())[2]


def test_seed_shuffles_training_only():
    first, same, other = (ready(seed=seed) for seed in (0, 0, 1))
    batches = [next(iter(data.train_dataloader())).sample for data in (first, same, other)]
    assert torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[0], batches[2])
    for loader in ("val_dataloader", "test_dataloader"):
        assert torch.equal(
            next(iter(getattr(first, loader)())).sample, next(iter(getattr(other, loader)())).sample
        )


def test_all_images_are_scrambled_alike_and_last():
    plain, other = ready(seed=0), ready(seed=0, scramble=3)
    for name in ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader"):
        images, batch = next(iter(getattr(plain, name)())).image, next(iter(getattr(other, name)()))
        assert not torch.equal(batch.image, images)
        assert torch.equal(batch.image, scrambled(images, 3))
    (first, *_), (same, *_) = (list(data.train_dataloader().blocks(50)) for data in (plain, other))
    assert torch.equal(same.image, scrambled(first.image, 3))
    assert torch.equal(same.label, first.label)
    some = torch.arange(5)
    unlabelled = scene(other.train_set, {}, 1).images(some)  # what a stimulus of images shows
    assert torch.equal(unlabelled, scrambled(scene(plain.train_set, {}, 1).images(some), 3))
    with pytest.raises(ValueError, match=r"data.scramble must be a whole number, 0 or above, got -1"):
        MNIST(scramble=-1)


def test_loaders():
    data = ready(batch_size=64, eval_batch_size=300)
    assert [len(batch.label) for batch in data.train_dataloader()] == [64] * 56
    assert [len(batch.label) for batch in data.val_dataloader()] == [300, 100]
    assert [len(batch.label) for batch in data.test_dataloader()] == [300, 300, 300, 100]
    predicted = torch.cat([batch.sample for batch in data.predict_dataloader()])
    assert torch.equal(predicted, data.test_set.sample)
    batch = next(iter(data.train_dataloader()))
    assert batch.image.shape == (64, 1, *MNIST.image_size)
    assert (float(batch.image.min()), float(batch.image.max())) == (0.0, 1.0)


def test_val_size_zero_is_no_validation():
    data = ready(val_size=0)
    assert data.val_dataloader() == []
    assert [len(part) for part in numbers(data)] == [4000, 0, 1000]


def test_setup_is_done_once():
    data = ready()
    train = data.train_set
    data.setup("test")
    data.train_dataloader()
    assert data.train_set is train


def test_processes_divide_the_batches_of_one():
    whole = [batch.sample for batch in ready(seed=0).train_dataloader()][:3]
    for rank in range(2):
        data = ready(seed=0)
        data.trainer = SimpleNamespace(
            global_rank=rank, world_size=2, overfit_batches=0, limit_train_batches=1.0
        )
        for batch, expected in zip(data.train_dataloader(), whole, strict=False):
            assert torch.equal(batch.sample, expected[rank::2])
        loader = data.val_dataloader()
        assert torch.equal(torch.cat([batch.sample for batch in loader]), data.val_set.sample[rank::2])


@full
def test_full_mnist_splits():
    data = ready(str(FULL), source="torchvision", val_size=5000)
    train, val, test = numbers(data)
    assert sorted(train + val) == list(range(60000))
    assert test == list(range(60000, 70000))
    assert per_class(data.val_set) == [494, 562, 496, 511, 487, 452, 493, 522, 487, 496]
    assert data.test_set.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "kaggle"}, "data.source must be one of embedded, torchvision, got 'kaggle'"),
        ({"source": "torchvision"}, "data.root must name the folder of the full MNIST"),
        ({"root": "digits"}, "data.root is read with data.source=torchvision only, got 'digits'"),
        ({"batch_size": 0}, "data.batch_size must be a whole number above 0, got 0"),
        ({"eval_batch_size": 0}, "data.eval_batch_size must be a whole number above 0, got 0"),
        ({"val_size": -1}, "data.val_size must be a whole number, 0 or above, got -1"),
        ({"split_seed": -1}, "data.split_seed must be a whole number, 0 or above, got -1"),
        ({"seed": -1}, "data.seed must be a whole number, 0 or above, got -1"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        MNIST(**options)


def test_errors_that_need_the_digits(tmp_path):
    with pytest.raises(ValueError, match=r"data.val_size must lie between 0 and 3999, got 4000"):
        MNIST(val_size=4000).setup()
    with pytest.raises(
        ValueError, match=r"data.batch_size must be at most .* training samples, 3600, got 3601"
    ):
        MNIST(batch_size=3601).train_dataloader()
    missing = MNIST(str(tmp_path / "missing"), source="torchvision")
    for step in (missing.prepare_data, missing.setup):
        with pytest.raises(FileNotFoundError, match=r"data.root must be an existing folder"):
            step()


class Linear(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(784, 10)
        self.seen = {"train": [], "val": [], "test": []}

    def step(self, name, batch):
        self.seen[name] += batch.sample.tolist()
        return F.cross_entropy(self.layer(batch.image.flatten(1)), batch.label)

    def training_step(self, batch, _):
        return self.step("train", batch)

    def validation_step(self, batch, _):
        self.log("loss", self.step("val", batch))

    def test_step(self, batch, batch_idx):
        self.step("test", batch)

    def predict_step(self, batch, _):
        return batch.sample

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder, **options):
    return Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        **{"max_epochs": 1} | options,
    )


class TestWithTrainer:
    def test_fit_test_and_predict_see_their_sets(self, tmp_path):
        data, model = MNIST(), Linear()
        run = trainer(tmp_path)
        run.fit(model, data)
        run.test(model, data, verbose=False)
        predicted = torch.cat(run.predict(model, data))
        assert sorted(model.seen["train"]) == sorted(data.train_set.sample.tolist())
        assert model.seen["val"] == data.val_set.sample.tolist()
        assert model.seen["test"] == data.test_set.sample.tolist()
        assert torch.equal(predicted, data.test_set.sample)

    @pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero")
    def test_fit_without_validation_set(self, tmp_path):
        model = Linear()
        trainer(tmp_path, limit_train_batches=2, max_epochs=2).fit(model, MNIST(val_size=0))
        assert len(model.seen["train"]) == 400
        assert model.seen["val"] == []

    def test_overfit_batches_repeats_the_same_ones(self, tmp_path):
        model = Linear()
        trainer(tmp_path, overfit_batches=1, max_epochs=3).fit(model, MNIST(batch_size=50))
        assert model.seen["train"] == model.seen["train"][:50] * 3

    def test_limit_reaches_the_loader(self, tmp_path):
        data = MNIST(seed=5)
        run = trainer(tmp_path, limit_train_batches=0.5, max_epochs=1)
        run.fit(Linear(), data)
        loader, expected = run.train_dataloader, data.train_dataloader()
        assert loader.state_dict() == {"epoch": 0, "position": 18, "seed": 5}
        expected.set_epoch(1)
        resumed = data.train_dataloader()
        resumed.load_state_dict(loader.state_dict())
        assert torch.equal(next(iter(resumed)).sample, next(iter(expected)).sample)


def test_the_settings_for_a_checkpoint():
    settings = MNIST("digits", source="torchvision", seed=3).state_dict()["settings"]
    assert MNIST(Path("digits"), source="torchvision", seed=3).state_dict()["settings"] == settings
    assert settings["init_args"] == {"root": "digits", "source": "torchvision", "seed": 3}


def test_what_no_checkpoint_can_hold_is_refused_at_once():
    class Turned(MNIST):
        def __init__(self, turn, **options):
            super().__init__(**options)

    with pytest.raises(ValueError, match=r"data\.turn cannot be stored in a checkpoint"):
        Turned(lambda image: image)
