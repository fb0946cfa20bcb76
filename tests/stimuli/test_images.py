from functools import partial

import pytest
import torch
from helpers.processes import on_processes

from lightning_snn import (
    LIF,
    STDP,
    ConstantCurrent,
    Dense,
    Images,
    Poisson,
    SpikingLayer,
    SpikingStack,
    Square,
)
from lightning_snn.development.development import Development
from lightning_snn.plasticity import Streams
from lightning_snn.stimuli import Scene

IMAGES = torch.rand(10, 1, 4, 4, generator=torch.Generator().manual_seed(0))
ENCODER = Poisson(12, max_rate=400.0, amplitude=30.0, seed=None)


def scene(num_streams=4, encoder=ENCODER):
    return Scene(lambda numbers: IMAGES[numbers], len(IMAGES), encoder, num_streams)


def attached(num_streams=4, encoder=ENCODER, **options):
    images = Images(**{"seed": 0} | options)
    images.attach(scene(num_streams, encoder))
    return images


def layer():
    return SpikingLayer(Square(16, side=4.0, placement="grid"), LIF(2.0))


def show(images, streams, number):
    bottom = layer()
    state = bottom.rest(len(streams), bottom.positions)
    return images.run(bottom, state, steps=12, streams=streams, round_number=number)[0]


def test_one_pass_shows_every_image_once_and_the_next_in_another_order():
    images = attached(num_streams=5)
    passes = [torch.cat([images.shown(range(5), n) for n in rounds]).tolist() for rounds in ((0, 1), (2, 3))]
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(10))
    assert passes[0] != passes[1]
    assert passes[0] != attached(num_streams=5, seed=1).shown(range(10), 0).tolist()


def test_only_some_images_are_drawn_from_if_so_asked():
    images = attached(num_images=3)
    seen = torch.cat([images.shown(range(4), number) for number in range(9)])
    assert len(seen.unique()) == 3
    assert torch.bincount(seen).max() == 12


def test_the_response_depends_on_the_stream_and_the_round_only():
    images = attached()
    whole = show(images, range(4), 3)
    assert whole.any()
    assert torch.equal(torch.cat([show(images, [0, 1], 3), show(images, [2, 3], 3)], dim=1), whole)
    assert torch.equal(show(attached(), range(4), 3), whole)
    assert not torch.equal(show(images, range(4), 4), whole)
    assert not torch.equal(show(attached(seed=1), range(4), 3), whole)


def test_a_repeatable_encoder_gives_what_the_network_would_see():
    images = attached(encoder=ConstantCurrent(12, gain=20.0))
    bottom = layer()
    shown = IMAGES[images.shown(range(4), 0)]
    expected, _ = bottom(ConstantCurrent(12, gain=20.0)(bottom.geometry.sample(shown), dt=1.0))
    assert torch.equal(show(images, range(4), 0), expected)


def test_an_encoder_of_its_own_wins():
    images = attached(encoder=ConstantCurrent(99))
    assert images.steps(250) == 99
    images = Images(ConstantCurrent(7))
    images.attach(scene())
    assert images.steps(250) == 7


def develop(streams):
    wiring = partial(Dense, rule=STDP(threshold=1.0, threshold_jump=0.1))
    above = SpikingLayer(Square(5, side=4.0), LIF(10.0), projection=wiring)
    stack = SpikingStack({"below": layer(), "above": above}, seed=0)
    development = Development(stack, "above", attached(), streams)
    shares = [development.round(12, number).share for number in range(6)]
    return development.projection, shares


def test_wiring_by_images_is_the_same_on_any_number_of_processes():
    projection, shares = develop(Streams(4))
    assert max(shares) > 0
    assert not torch.equal(projection.weight, projection.initial_weight())
    for part, own in on_processes((2, 2), develop):
        assert torch.equal(part.weight, projection.weight)
        assert own == shares


def test_errors():
    with pytest.raises(ValueError, match="the stimulus Images has no images yet"):
        Images().check(layer())
    with pytest.raises(
        ValueError, match="num_images must be at most the number of training images, 10, got 11"
    ):
        attached(num_images=11)
    with pytest.raises(ValueError, match="num_images must be a whole number above 0"):
        Images(num_images=0)
