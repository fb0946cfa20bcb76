import math

import pytest
import torch
from helpers.tensors import rand, randn, spikes_of

from lightning_snn.core.batches import Sequences, split
from lightning_snn.encoders import Frames
from lightning_snn.geometry import Maps, OnOff, Square
from lightning_snn.neurons import Relay

FILM = rand(3, 5, 2, 7, 6)
LENGTHS = torch.tensor([5, 1, 3])


def test_spike_trains_are_the_spikes_of_relays():
    trains = spikes_of(3, 20, 9)
    current = Frames().encode(trains, Square(9, 3.0), dt=1.0)
    spikes, _ = Relay()(current)
    assert torch.equal(spikes, trains.transpose(0, 1))
    assert current.is_contiguous()


def test_frames_of_the_layout_of_maps_are_taken_number_for_number():
    current = Frames().encode(FILM, Maps(2, 7, 6), dt=1.0)
    assert torch.equal(current, FILM.transpose(0, 1).flatten(2))


@pytest.mark.parametrize("sheet", [Square(50, 6.0), Maps(3, 4, 4), OnOff(7, 6)])
def test_other_frames_are_seen_as_images_are(sheet):
    film = FILM[:, :, :1]
    current = Frames(2.0, bias=-1.0).encode(film, sheet, dt=1.0)
    assert current.shape == (5, 3, sheet.num_nodes)
    for step in range(5):
        assert torch.equal(current[step], -1.0 + 2.0 * sheet.sample(film[:, step]))


@pytest.mark.parametrize("frames", [FILM, rand(3, 5, 84)])
def test_nothing_comes_behind_the_end_of_a_sequence(frames):
    encoder, maps = Frames(2.0, bias=-1.0), Maps(2, 7, 6)
    padded = frames.clone()
    padded[1, 1:], padded[2, 3:] = math.nan, 50.0  # is not read
    current = encoder.encode(Sequences(padded, LENGTHS), maps, dt=1.0)
    for sample, length in enumerate(LENGTHS.tolist()):
        alone = encoder.encode(frames[sample : sample + 1, :length], maps, dt=1.0)
        assert torch.equal(current[:length, sample], alone[:, 0])
        assert not current[length:, sample].any()
    assert encoder.lengths(Sequences(padded, LENGTHS), dt=1.0).tolist() == [5, 1, 3]


def test_parts_of_a_batch_are_encoded_alike():
    sequences, sheet = Sequences(FILM, LENGTHS), Maps(2, 7, 6)
    whole = Frames().encode(sequences, sheet, dt=1.0)
    parts = [Frames().encode(part, sheet, dt=1.0) for part in split(sequences, 2)]
    assert torch.equal(torch.cat(parts, dim=1), whole)


@pytest.mark.parametrize(("frame_time", "dt", "held"), [(None, 0.5, 1), (2.0, 0.5, 4), (0.3, 0.1, 3)])
def test_a_frame_is_held_for_its_time(frame_time, dt, held):
    encoder, sequences = Frames(frame_time=frame_time), Sequences(FILM, LENGTHS)
    current = encoder.encode(sequences, Maps(2, 7, 6), dt=dt)
    once = Frames().encode(sequences, Maps(2, 7, 6), dt=1.0)
    assert len(current) == encoder.steps(sequences, dt=dt) == 5 * held
    for step in range(5 * held):
        expected = once[step // held] / (dt if frame_time is None else 1)
        assert torch.equal(current[step], expected)
    assert encoder.lengths(sequences, dt=dt).tolist() == [5 * held, held, 3 * held]
    assert encoder.lengths(FILM, dt=dt) is None


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.bool, torch.float64])
def test_event_counts_of_any_type(dtype):
    counts = (10 * rand(2, 4, 9)).to(dtype)
    current = Frames(3.0).encode(counts, Square(9, 3.0), dt=1.0)
    assert current.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(current, 3 * counts.transpose(0, 1).to(current.dtype))


def test_values_of_any_range_and_their_gradients():
    frames = (30 * randn(2, 4, 9)).requires_grad_()
    current = Frames(0.5, bias=2.0).encode(frames, Square(9, 3.0), dt=1.0)
    torch.testing.assert_close(current, 2 + 0.5 * frames.transpose(0, 1))
    current.sum().backward()
    torch.testing.assert_close(frames.grad, torch.full_like(frames, 0.5))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            torch.zeros(2, 3, 2312),
            "frames must hold a value for each of the 1500 nodes of the geometry Square, got 2312 values",
        ),
        (
            torch.zeros(2, 3, 2, 34, 34),
            r"images of 2 channels need a geometry with as many, Maps\(channels=2\)",
        ),
        (
            torch.zeros(2, 1, 28, 28),
            r"must be \[B, T, N\] or \[B, T, C, H, W\] .*, got shape \[2, 1, 28, 28\]",
        ),
        (torch.zeros(2, 0, 1500), r"with no empty dimension, got shape \[2, 0, 1500\]"),
        ({"eye": 3}, r"sequences must be \[B, T, N\] .*, got dict"),
        (torch.full((2, 3, 1500), math.nan), "sequences must hold finite values for Frames, got .* nan"),
        (Sequences(torch.zeros(2, 3, 1500), torch.tensor([4, 1])), "lengths must lie in 1 to 3"),
        (Sequences(torch.zeros(2, 3, 1500), torch.tensor([3])), "one for each of the 2 sequences"),
    ],
)
def test_what_is_no_sequence_or_does_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        Frames().encode(given, Square(1500, 28.0), dt=1.0)


@pytest.mark.parametrize("dt", [1.0, 2.0])
def test_the_time_of_a_frame_is_a_number_of_steps(dt):
    message = f"frame_time must be a whole number of steps of dt = {dt} ms, got 1.5 ms"
    with pytest.raises(ValueError, match=message):
        Frames(frame_time=1.5).steps(FILM, dt=dt)
    with pytest.raises(ValueError, match="frame_time must be a whole number of steps"):
        Frames(frame_time=1e-7).steps(FILM, dt=dt)
