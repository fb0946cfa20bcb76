import numpy as np
import pytest
import torch
from helpers.tensors import rand, randn

from lightning_snn.geometry import Maps, OnOff, Square


def test_every_channel_sees_the_pixels():
    maps = Maps(3, 4, 5)
    images = torch.rand(2, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    assert maps.num_nodes == 60
    torch.testing.assert_close(maps.sample(images).reshape(2, 3, 4, 5), images.expand(2, 3, 4, 5))
    assert maps.density == 3


def test_channels_see_the_channels_of_an_image():
    maps = Maps(3, 4, 5)
    images = randn(2, 3, 4, 5)
    torch.testing.assert_close(maps.sample(images).reshape(2, 3, 4, 5), images)
    coarse = Maps(3, 2, 3).sample(images).unflatten(1, (3, 6))
    for channel in range(3):
        alone = Maps(1, 2, 3).sample(images[:, channel : channel + 1])
        assert torch.equal(coarse[:, channel], alone)


def test_channels_that_were_moved_see_what_is_at_their_own_places():
    maps = Maps(2, 4, 4)
    places = 4 * rand(32, 2)
    images = rand(3, 2, 4, 4)
    found = maps.moved(places).sample(images).unflatten(1, (2, 16))
    for channel in range(2):
        alone = Maps(1, 4, 4).moved(places[16 * channel : 16 * channel + 16])
        assert torch.equal(found[:, channel], alone.sample(images[:, channel : channel + 1]))


def test_only_maps_hold_pixels_one_by_one():
    assert Maps(2, 4, 5).holds((2, 4, 5))
    assert not Maps(2, 4, 5).holds((1, 4, 5))
    assert not OnOff(4, 5).holds((2, 4, 5))
    assert not Square(40, 4.0).holds((1, 4, 10))


def test_even_positions_are_points_of_the_grid():
    maps = Maps(2, 4, 4)
    points = {tuple(p) for p in maps.positions.tolist()}
    assert {tuple(p) for p in maps.even_positions(5).tolist()} <= points
    assert len({tuple(p) for p in maps.even_positions(16).tolist()}) == 16
    assert maps.even_positions(40).shape == (40, 2)


def difference_of_gaussians(image, centre, surround):
    """The contrast of each pixel, by loops, with black beyond the border."""
    reach = round(1.5 * surround)
    offsets = range(-reach, reach + 1)
    weights = []
    for sigma in (centre, surround):
        table = {(y, x): np.exp(-(x**2 + y**2) / (2 * sigma**2)) for y in offsets for x in offsets}
        weights.append({key: value / sum(table.values()) for key, value in table.items()})
    height, width = image.shape
    found = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for dy, dx in weights[0]:
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    found[y, x] += (weights[0][dy, dx] - weights[1][dy, dx]) * image[y + dy, x + dx]
    return found


def test_on_and_off_channels_are_the_two_signs_of_the_contrast():
    images = torch.rand(2, 1, 7, 6, generator=torch.Generator().manual_seed(0))
    found = OnOff(7, 6, centre=0.8, surround=1.6).sample(images).reshape(2, 2, 7, 6)
    for image, (on, off) in zip(images[:, 0].double().numpy(), found, strict=True):
        contrast = difference_of_gaussians(image, 0.8, 1.6)
        contrast = contrast / np.abs(contrast).max()
        np.testing.assert_allclose(on.numpy(), contrast.clip(min=0), atol=1e-5)
        np.testing.assert_allclose(off.numpy(), (-contrast).clip(min=0), atol=1e-5)


def test_an_image_without_contrast_is_seen_by_nobody():
    assert not OnOff(8, 8).sample(torch.zeros(1, 1, 8, 8)).any()


def test_errors():
    with pytest.raises(ValueError, match="channels must be a whole number above 0, got 0"):
        Maps(0, 3, 3)
    with pytest.raises(ValueError, match=r"surround must be above centre = 2\.0, got 1\.0"):
        OnOff(8, 8, centre=2.0, surround=1.0)
    with pytest.raises(ValueError, match=r"images must be \(8, 8\) \(height, width\), got \(8, 9\)"):
        OnOff(8, 8).sample(torch.zeros(1, 1, 8, 9))
    with pytest.raises(ValueError, match=r"one channel for the geometry OnOff, .*, got 2 channels"):
        OnOff(8, 8).sample(torch.zeros(1, 2, 8, 8))
    with pytest.raises(ValueError, match="as the geometry Maps, channels=2, or one for all of them, got 3"):
        Maps(2, 8, 8).sample(torch.zeros(1, 3, 8, 8))
