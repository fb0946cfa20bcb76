"""Batches of any loader, and what is done to inputs whatever they are."""

import pytest
import torch
from helpers.tensors import assert_equal, rand
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn.core.batches import Batch, Sequences, cast, mapped, num_samples, parts, split

IMAGES, LABELS, NUMBERS = rand(5, 1, 4, 4), torch.arange(5), torch.arange(5) + 100
FRAMES = Sequences(rand(5, 7, 3), torch.tensor([7, 1, 2, 3, 4]))
INPUTS = {"images": IMAGES, "sequences": FRAMES, "by layer": {"eye": IMAGES, "ear": FRAMES}}
every_input = pytest.mark.parametrize("kind", INPUTS)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (Batch(IMAGES, LABELS, NUMBERS), (IMAGES, LABELS, NUMBERS)),
        ([IMAGES, LABELS], (IMAGES, LABELS, None)),
        ((FRAMES, LABELS), (FRAMES, LABELS, None)),
        ([IMAGES], (IMAGES, None, None)),
        (IMAGES, (IMAGES, None, None)),
        (FRAMES, (FRAMES, None, None)),
        (({"eye": IMAGES}, LABELS, NUMBERS), ({"eye": IMAGES}, LABELS, NUMBERS)),
    ],
)
def test_parts_of_a_batch(batch, expected):
    found = parts(batch)
    for one, other in zip(found, expected, strict=True):
        assert one is other or one == other


def test_parts_of_batches_of_a_torch_loader():
    (batch,) = DataLoader(TensorDataset(IMAGES, LABELS), batch_size=5)
    found = parts(batch)
    assert torch.equal(found.input, IMAGES)
    assert torch.equal(found.target, LABELS)
    assert found.sample is None


@pytest.mark.parametrize("batch", [(), (IMAGES, LABELS, NUMBERS, NUMBERS)])
def test_a_batch_of_other_parts_is_refused(batch):
    with pytest.raises(ValueError, match=rf"a batch must be \(input, label\) .*, got {len(batch)} items"):
        parts(batch)


@every_input
def test_split_and_joined_is_the_same(kind):
    pieces = split(INPUTS[kind], 2)
    assert [num_samples(piece) for piece in pieces] == [2, 2, 1]
    assert all(type(piece) is type(INPUTS[kind]) for piece in pieces)
    joined = [torch.cat(tensors) for tensors in zip(*map(tensors_of, pieces), strict=True)]
    assert_equal(joined, tensors_of(INPUTS[kind]))


def tensors_of(value):
    found = []
    mapped(lambda tensor: found.append(tensor) or tensor, value)
    return found


def test_cast_leaves_integers():
    found = cast(INPUTS["by layer"], torch.float64)
    assert found["eye"].dtype == found["ear"].values.dtype == torch.float64
    assert found["ear"].lengths is FRAMES.lengths
