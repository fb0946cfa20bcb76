import numpy as np
import pytest
import torch
from helpers.tensors import rand
from torch.utils.data import DataLoader

from lightning_snn.data import Sequences, pad_sequences

LENGTHS = [3, 5, 1, 4]


def test_a_loader_of_samples_of_different_lengths():
    samples = [(rand(length, 2, 4, 4, seed=length), label) for label, length in enumerate(LENGTHS)]
    (first, label), (second, rest) = DataLoader(samples, batch_size=3, collate_fn=pad_sequences)
    assert isinstance(first, Sequences)
    assert first.values.shape == (3, 5, 2, 4, 4)
    assert first.lengths.tolist() == [3, 5, 1]
    for (frames, _), values in zip(samples, first.values, strict=False):
        assert torch.equal(values[: len(frames)], frames)
        assert not values[len(frames) :].any()
    assert label.tolist() == [0, 1, 2]
    assert (second.lengths.tolist(), rest.tolist()) == ([4], [3])


def test_what_comes_with_a_sequence_is_collated_as_torch_does():
    samples = [(torch.ones(length, 6), label, 100 + label) for label, length in enumerate(LENGTHS)]
    frames, label, sample = pad_sequences(samples)
    assert frames.values.sum((1, 2)).tolist() == [6 * length for length in LENGTHS]
    assert (label.tolist(), sample.tolist()) == ([0, 1, 2, 3], [100, 101, 102, 103])


def test_sequences_alone():
    found = pad_sequences([torch.ones(2, 3), torch.ones(1, 3)])
    assert isinstance(found, Sequences)
    assert found.values.tolist() == [[[1.0] * 3] * 2, [[1.0] * 3, [0.0] * 3]]


def test_arrays_of_event_counts_keep_their_type():
    samples = [(np.full((length, 2, 4, 4), 7, dtype=np.int16), 0) for length in LENGTHS]
    frames, _ = pad_sequences(samples)
    assert frames.values.dtype == torch.int16
    assert frames.values[0, 2].eq(7).all()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([(torch.zeros(0, 3), 1)], r"a sequence must be \[T, ...\] of at least one frame, got \[0, 3\]"),
        ([(torch.zeros(3), 1)], r"a sequence must be \[T, ...\] of at least one frame, got \[3\]"),
        (
            [(torch.zeros(2, 3), 1), (torch.zeros(2, 4), 1)],
            r"one shape and type, got torch.float32 \[3\] and torch.float32 \[4\]",
        ),
        ([torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.uint8)], r"and torch.uint8 \[3\]"),
    ],
)
def test_errors(samples, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(samples)
