import math

import pytest
import torch

from lightning_snn.core import checks

NOT_FINITE = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("value", [1e-30, 1, 2.5])
def test_positive_accepts(value):
    checks.positive("tau", value)


@pytest.mark.parametrize("value", [0, -1.0, *NOT_FINITE])
def test_positive_refuses(value):
    with pytest.raises(ValueError, match=f"^tau must be a finite number above 0, got {value}$"):
        checks.positive("tau", value)


@pytest.mark.parametrize("value", [0, 0.0, 3])
def test_non_negative_accepts(value):
    checks.non_negative("noise", value)


@pytest.mark.parametrize("value", [-1e-9, *NOT_FINITE])
def test_non_negative_refuses(value):
    with pytest.raises(ValueError, match=r"^noise must be a finite number, 0 or above, got"):
        checks.non_negative("noise", value)


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_between_accepts_its_ends(value):
    checks.between("dropout", value, 0, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1, *NOT_FINITE])
def test_between_refuses(value):
    with pytest.raises(ValueError, match=r"^dropout must lie between 0 and 1, got"):
        checks.between("dropout", value, 0, 1)


@pytest.mark.parametrize("check", [checks.positive, checks.non_negative, checks.finite])
def test_several_values_are_no_number(check):
    with pytest.raises(ValueError, match=r"^dt must be .*, got tensor\(\[1., 2.\]\)$"):
        check("dt", torch.tensor([1.0, 2.0]))


def test_one_of_names_what_is_allowed():
    checks.one_of("reset", "hard", ("soft", "hard"))
    with pytest.raises(ValueError, match=r"^reset must be one of hard, soft, got 'firm'$"):
        checks.one_of("reset", "firm", ("soft", "hard"))


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (2, 3, 4, 5)])
def test_images_accepts_any_channels_and_floating_types(shape):
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert checks.images(torch.zeros(shape, dtype=dtype)) is None


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (0, 1, 28, 28), (2, 1, 0, 28), (2, 3, 1, 28, 28)])
def test_images_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"images must be \[B, C, H, W\] with no empty dimension, got shape"):
        checks.images(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_images_refuses_whole_numbers(dtype):
    with pytest.raises(ValueError, match="images must be floating point, got dtype torch"):
        checks.images(torch.zeros(1, 1, 2, 2, dtype=dtype))


@pytest.mark.parametrize("value", [-0.01, 1.01, *NOT_FINITE])
def test_values_refuses_what_is_out_of_range(value):
    images = torch.full((1, 1, 2, 2), 0.5)
    checks.values("images", images, low=0, high=1, user="Latency")
    images[0, 0, 1, 1] = value
    with pytest.raises(
        ValueError, match=r"images must hold finite values in \[0, 1\] for Latency, got values"
    ):
        checks.values("images", images, low=0, high=1, user="Latency")


@pytest.mark.parametrize("value", NOT_FINITE)
def test_values_refuses_what_is_not_finite(value):
    checks.values("images", torch.tensor([-1e30, 1e30]), user="Frames")
    with pytest.raises(ValueError, match="images must hold finite values for Frames, got values from"):
        checks.values("images", torch.tensor([0.0, value]), user="Frames")


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_lengths_accepts_whole_numbers(dtype):
    assert checks.lengths(torch.tensor([1, 5, 3], dtype=dtype), samples=3, steps=5) is None


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (
            torch.tensor([1, 2]),
            r"lengths must be integers \[B\], one for each of the 3 sequences, got .* \[2\]",
        ),
        (torch.tensor([1.0, 2.0, 3.0]), "lengths must be integers .*, got torch.float32"),
        (torch.tensor([0, 2, 3]), "lengths must lie in 1 to 5, .*, got lengths from 0 to 3"),
        (torch.tensor([6, 2, 3]), "lengths must lie in 1 to 5, .*, got lengths from 2 to 6"),
    ],
)
def test_lengths_refuses_others(lengths, message):
    with pytest.raises(ValueError, match=message):
        checks.lengths(lengths, samples=3, steps=5)


def test_labels_accepts_every_class_and_none():
    checks.labels(torch.arange(10), 10)
    checks.labels(torch.zeros(0, dtype=torch.int64), 10)


@pytest.mark.parametrize(("labels", "given"), [([0, 10], "from 0 to 10"), ([-1, 3], "from -1 to 3")])
def test_labels_refuses_others(labels, given):
    with pytest.raises(
        ValueError, match=rf"labels must lie in 0 to 9 \(num_classes is 10\), got labels {given}"
    ):
        checks.labels(torch.tensor(labels), 10)
