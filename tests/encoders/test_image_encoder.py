"""What the encoders of images share: checks, sampling at the nodes, and the bits of before."""

import math

import pytest
import torch
from helpers.tensors import rand, randn
from torch.nn import functional as F

from lightning_snn.core.batches import Sequences
from lightning_snn.encoders import ConstantCurrent, Frames, ImageEncoder, Latency, Poisson
from lightning_snn.geometry import Disk, Maps, OnOff, Points, Square, Torus

ENCODERS = {
    "constant": ConstantCurrent(6, gain=20.0, bias=1.0),
    "poisson": Poisson(6, max_rate=500.0, seed=3),
    "latency": Latency(6),
}
SHEETS = {
    "square": Square(150, 7.0, 0),
    "torus": Torus(150, 9.0, 1),
    "disk": Disk(150, 4.0, 1.0, 2),
    "points": Points([[0, 0], [3, 1], [1, 4]]),
    "maps": Maps(3, 9, 7),
}
every_encoder = pytest.mark.parametrize("kind", ENCODERS)


def as_before(images, sheet):
    """Grey values at the nodes by the formula of the first version."""
    low, high = images.new_tensor(sheet.bounds[:2]), images.new_tensor(sheet.bounds[2:])
    grid = (2 * (sheet.positions - low) / (high - low) - 1).expand(len(images), 1, -1, -1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)[:, 0, 0].clamp(0, 1)


@every_encoder
@pytest.mark.parametrize("place", SHEETS)
def test_grey_images_keep_their_bits(kind, place):
    encoder, sheet = ENCODERS[kind], SHEETS[place]
    images = torch.cat([rand(3, 1, 9, 7), torch.ones(1, 1, 9, 7), torch.full((1, 1, 9, 7), 0.3)])
    current = encoder.encode(images, sheet, dt=0.5)
    assert current.shape == (6, 5, sheet.num_nodes)
    assert torch.equal(current, encoder(as_before(images, sheet), dt=0.5))


@every_encoder
def test_contrasts_are_those_of_the_geometry(kind):
    sheet, images = OnOff(8, 8), rand(3, 1, 8, 8)
    expected = ENCODERS[kind](sheet.sample(images), dt=1.0)
    assert torch.equal(ENCODERS[kind].encode(images, sheet, dt=1.0), expected)


@every_encoder
def test_colours_drive_the_channels(kind):
    images, encoder = rand(2, 3, 8, 8), ENCODERS[kind]
    current = encoder.encode(images, Maps(3, 8, 8), dt=1.0)
    torch.testing.assert_close(current, encoder(images.flatten(1), dt=1.0))


@every_encoder
def test_steps_and_lengths(kind):
    images = rand(2, 1, 8, 8)
    assert ENCODERS[kind].steps(images, dt=0.5) == 6
    assert ENCODERS[kind].lengths(images, dt=0.5) is None


def test_a_constant_current_is_linear_in_normalised_images():
    images, sheet = 5 * randn(3, 1, 8, 8) - 1, Square(100, 8.0)
    current = ConstantCurrent(4, gain=2.0, bias=3.0).encode(images, sheet, dt=1.0)
    grey = (images - images.min()) / (images.max() - images.min())
    values = as_before(grey, sheet) * (images.max() - images.min()) + images.min()
    torch.testing.assert_close(current, (3 + 2 * values).expand(4, -1, -1), rtol=1e-4, atol=1e-4)
    assert current.min() < -5


@pytest.mark.parametrize("value", [-0.5, 1.5])
@pytest.mark.parametrize("kind", ["poisson", "latency"])
def test_rates_and_times_need_grey_values(kind, value):
    encoder = ENCODERS[kind]
    message = rf"images must hold finite values in \[0, 1\] for {type(encoder).__name__}, got values from"
    with pytest.raises(ValueError, match=message):
        encoder.encode(torch.full((1, 1, 4, 4), value), Square(9, 3.0), dt=1.0)


@every_encoder
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(1, 28, 28), r"images must be \[B, C, H, W\] .*, got shape \[1, 28, 28\]"),
        (torch.zeros(1, 5, 1, 4, 4), r"images must be \[B, C, H, W\] .*, got shape \[1, 5, 1, 4, 4\]"),
        (torch.zeros(1, 1, 2, 2, dtype=torch.uint8), "images must be floating point, got dtype torch.uint8"),
        (torch.full((1, 1, 2, 2), math.nan), "images must hold finite values .*, got values from nan"),
        (torch.zeros(1, 3, 4, 4), r"images of 3 channels need a geometry with as many, Maps\(channels=3\)"),
        (
            Sequences(torch.zeros(2, 3, 4), torch.tensor([3, 3])),
            "got Sequences; sequences need the encoder Frames",
        ),
    ],
)
def test_errors(kind, images, message):
    with pytest.raises(ValueError, match=message):
        ENCODERS[kind].encode(images, Square(9, 3.0), dt=1.0)


class Ramp(ImageEncoder):
    """An encoder of a user's, that has no more than it must."""

    @property
    def repeatable(self):
        return True

    def __call__(self, values, *, dt, generator=None):
        return torch.stack([step * dt * values for step in range(self.num_steps)])


def test_an_encoder_of_a_users_own_says_what_values_become_and_nothing_else():
    images = rand(2, 1, 9, 7)
    current = Ramp(3).encode(images, SHEETS["square"], dt=0.5)
    values = as_before(images, SHEETS["square"])
    torch.testing.assert_close(current, torch.stack([0 * values, 0.5 * values, values]))
    with pytest.raises(ValueError, match="for Ramp, got values from 2 to 2"):
        Ramp(3).encode(torch.full((1, 1, 4, 4), 2.0), SHEETS["square"], dt=1.0)


def test_a_generator_is_handed_on():
    images, encoder = rand(4, 1, 9, 7), Poisson(20, seed=None)
    one, same, other = (
        encoder.encode(images, SHEETS["square"], dt=1.0, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("encoder", [*ENCODERS.values(), Frames()])
def test_encoders_come_back_from_their_arguments(encoder):
    again = encoder.again()
    shown = rand(2, 4, 1, 9, 7) if isinstance(encoder, Frames) else rand(2, 1, 9, 7)
    first, second = (e.encode(shown, SHEETS["square"], dt=1.0) for e in (encoder, again))
    assert torch.equal(first, second)
