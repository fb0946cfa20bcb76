"""Perturbations of test images: what they do to an image, and that nothing but its number decides it."""

import pytest
import torch

from lightning_snn import Affine, Flip, GaussianNoise, Occlusion, Perturbation, SaltAndPepper, Shift

KINDS = [Shift(2), Affine(10), Flip(0.5), GaussianNoise(0.4), SaltAndPepper(0.2), Occlusion(3)]
SHAPES = [(1, 28, 28), (3, 5, 9), (2, 4, 4)]


def images(count=40, shape=(1, 8, 10)):
    return 0.25 + 0.5 * torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


def numbers(count=40):
    return torch.arange(100, 100 + count)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_stays_an_image(kind, shape):
    given = images(6, shape)
    before = given.clone()
    found = kind(given, numbers(6))
    assert found.shape == given.shape
    assert found.dtype == given.dtype
    assert found.min() >= 0
    assert found.max() <= 1
    assert not torch.equal(found, given)
    assert torch.equal(given, before)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_the_number_of_an_image_and_the_seed_decide_alone(kind):
    given, sample = images(), numbers()
    whole = kind(given, sample)
    order = torch.randperm(len(given))
    assert torch.equal(kind(given[order], sample[order]), whole[order])
    assert torch.equal(kind(given[3:4], sample[3:4]), whole[3:4])
    assert torch.equal(type(kind)(kind.strength)(given, sample), whole)
    assert not torch.equal(kind(given, sample + 1000), whole)
    assert not torch.equal(kind(given, sample, seed=1), whole)


def test_every_offset_is_as_likely():
    dots = torch.zeros(2500, 1, 7, 7)
    dots[:, 0, 3, 3] = 1
    found = Shift(2)(dots, torch.arange(2500)).sum((0, 1))
    assert found[1:6, 1:6].sum() == 2500
    assert (found[1:6, 1:6] - 100).abs().max() < 5 * 10  # five standard deviations


def test_what_comes_in_from_outside_is_0():
    found = Shift(3)(torch.ones(50, 1, 6, 6), numbers(50))
    moved = (6 - (found.sum((1, 2)) > 0).sum(1)) + (6 - (found.sum((1, 3)) > 0).sum(1))
    assert torch.equal(found.sum((1, 2, 3)) < 36, moved > 0)
    assert moved.max() > 3


def test_an_image_turns_about_its_centre_by_every_angle():
    bar = torch.zeros(400, 1, 33, 33)
    bar[:, 0, 16, 17:29] = 1  # to the right of the centre
    found = Affine(40.0, 0.0)(bar, numbers(400))[:, 0]
    place = torch.arange(33.0) - 16
    across, down = (found.sum(1) * place).sum(1), (found.sum(2) * place).sum(1)
    angle = torch.rad2deg(torch.atan2(down, across))
    assert angle.abs().max() < 42
    counts = torch.histc(angle, 4, -40, 40)
    assert (counts - 100).abs().max() < 5 * 75**0.5
    mass = found.sum((1, 2)) / 12
    assert (mass - 1).abs().max() < 0.15


def test_an_image_grows_and_shrinks_by_every_size():
    square = torch.zeros(400, 1, 40, 40)
    square[:, 0, 10:30, 10:30] = 1
    side = Affine(0.0, 0.2)(square, numbers(400)).sum((1, 2, 3)).sqrt() / 20
    assert side.min() == pytest.approx(0.8, abs=0.02)
    assert side.max() == pytest.approx(1.2, abs=0.02)
    assert side.mean() == pytest.approx(1, abs=0.02)


def test_as_many_images_are_mirrored_as_chance_says():
    given = images(1000)
    found = Flip(0.3)(given, numbers(1000))
    mirrored = (found == given.flip(-1)).flatten(1).all(1)
    assert torch.equal(found[~mirrored], given[~mirrored])
    assert abs(mirrored.sum().item() - 300) < 5 * 210**0.5
    assert torch.equal(Flip(1.0)(given, numbers(1000)), given.flip(-1))


def test_noise_has_its_standard_deviation():
    grey = torch.full((20, 1, 28, 28), 0.5)
    noise = GaussianNoise(0.1)(grey, numbers(20)) - grey
    assert noise.std().item() == pytest.approx(0.1, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.005)
    stronger = GaussianNoise(0.05)(grey, numbers(20)) - grey
    torch.testing.assert_close(2 * stronger, noise, rtol=1e-4, atol=1e-6)  # the same numbers


def test_salt_and_pepper_replaces_a_share_of_the_pixels_in_all_channels():
    grey = torch.full((20, 2, 28, 28), 0.5)
    found = SaltAndPepper(0.3)(grey, numbers(20))
    assert torch.equal(found[:, 0], found[:, 1])
    assert (found == 0).float().mean().item() == pytest.approx(0.15, abs=0.015)
    assert (found == 1).float().mean().item() == pytest.approx(0.15, abs=0.015)


def test_the_square_lies_inside_and_anywhere():
    found = Occlusion(3)(torch.ones(2000, 2, 6, 5), torch.arange(2000))
    assert torch.equal(found.sum((1, 2, 3)), torch.full((2000,), 2.0 * (30 - 9)))
    corners = {tuple((one[0] == 0).nonzero()[0].tolist()) for one in found}
    assert corners == {(row, column) for row in range(4) for column in range(3)}
    assert (Occlusion(4)(torch.ones(1, 1, 4, 4), numbers(1)) == 0).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Shift(0), "pixels must be a whole number above 0, got 0"),
        (lambda: Occlusion(1.5), r"size must be a whole number above 0, got 1\.5"),
        (lambda: GaussianNoise(0), "sd must be a finite number above 0, got 0"),
        (lambda: Affine(181), "degrees must lie between 0 and 180, got 181"),
        (lambda: Affine(0, 1), "scale must be at least 0 and below 1, got 1"),
        (lambda: Affine(0, 0), "degrees or scale must be above 0, got 0 of both"),
        (lambda: SaltAndPepper(1.2), r"share must lie between 0 and 1, got 1\.2"),
        (lambda: Shift(8)(images(), numbers()), "pixels must be at most 7 for images of this size, got 8"),
        (lambda: Occlusion(9)(images(), numbers()), "size must be at most 8 for images of this size, got 9"),
        (lambda: Shift(2)(images()[0], numbers(1)), r"images must be \[B, C, H, W\]"),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_one_of_the_users_own():
    class Negative(Perturbation):
        strength = 1.0

        def one(self, image, generator):
            del generator
            return 1 - image

    given = images()
    assert torch.equal(Negative()(given, numbers()), 1 - given)
