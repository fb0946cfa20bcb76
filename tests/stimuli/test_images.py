from functools import partial

import pytest
import torch
from helpers.processes import on_processes

from lightning_snn import (
    LIF,
    STDP,
    Connection,
    ConstantCurrent,
    Dense,
    Frames,
    Images,
    Poisson,
    SpikingLayer,
    SpikingNetwork,
    Square,
)
from lightning_snn.development.development import Development
from lightning_snn.development.scene import scene as of_data
from lightning_snn.plasticity import Streams
from lightning_snn.stimuli import Scene

IMAGES = torch.rand(10, 1, 4, 4, generator=torch.Generator().manual_seed(0))
ENCODER = Poisson(12, max_rate=400.0, amplitude=30.0, seed=None)


def scene(num_streams=4, encoder=ENCODER):
    return Scene(lambda numbers: IMAGES[numbers], len(IMAGES), {"below": encoder}, num_streams)


def attached(num_streams=4, encoder=ENCODER, **options):
    images = Images(**{"seed": 0} | options)
    images.attach(scene(num_streams, encoder))
    return images


def network(rule=None):
    wiring = partial(Dense, rule=rule or STDP(threshold=1.0, threshold_jump=0.1))
    return SpikingNetwork(
        {
            "below": SpikingLayer(Square(16, side=4.0, placement="grid"), LIF(2.0)),
            "above": SpikingLayer(Square(5, side=4.0), LIF(10.0), projection=wiring),
        },
        seed=0,
    )


def show(images, streams, number):
    currents = images.currents(network(), "above", steps=12, streams=streams, round_number=number)
    return currents["below"]


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
    encoder = ConstantCurrent(12, gain=20.0)
    images = attached(encoder=encoder)
    shown, sheet = IMAGES[images.shown(range(4), 0)], network().layer("below").geometry
    assert torch.equal(show(images, range(4), 0), encoder.encode(shown, sheet, dt=1.0))


def round_steps(images, number=0):
    return images.steps(network(), "above", chunk=250, round_number=number)


def test_an_encoder_of_its_own_wins():
    assert round_steps(attached(encoder=ConstantCurrent(99))) == 99
    images = Images(ConstantCurrent(7))
    images.attach(scene())
    assert round_steps(images) == 7


def sequences(*lengths):
    """A scene of spike trains, one of each length."""
    trains = [(torch.rand(length, 16) < 0.3, 0) for length in lengths]
    return of_data(trains, {"below": Frames(30.0)}, 2)


def test_sequences_last_as_long_as_the_longest_of_their_round():
    images = Images(seed=0)
    images.attach(sequences(9, 9, 9, 14))
    first = 14 if 3 in images.shown(range(2), 0) else 9
    assert [round_steps(images, number) for number in range(2)] == [first, 23 - first]
    longer = int(first == 9)
    alone = [images.currents(network(), "above", steps=14, streams=[n], round_number=longer) for n in (0, 1)]
    both = images.currents(network(), "above", steps=14, streams=[0, 1], round_number=longer)["below"]
    assert torch.equal(torch.cat([one["below"] for one in alone], dim=1), both)
    assert both[:9].any((0, 2)).all()
    assert both[9:].any((0, 2)).sum() == 1


def test_each_input_layer_sees_the_images_as_its_encoder_has_them():
    two = SpikingNetwork(
        {
            "left": SpikingLayer(Square(16, side=4.0, placement="grid"), LIF(2.0)),
            "right": SpikingLayer(Square(9, side=4.0, placement="grid"), LIF(2.0)),
            "above": SpikingLayer(Square(5, side=4.0), LIF(10.0)),
        },
        {
            "one": Connection("left", "above", partial(Dense, rule=STDP())),
            "other": Connection("right", "above", Dense),
        },
        seed=0,
    )
    encoders = {"left": ConstantCurrent(12, gain=20.0), "right": ConstantCurrent(8, gain=1.0)}
    images = Images(seed=0)
    images.attach(of_data(IMAGES, encoders, 4))
    assert images.drives(two, "one") == ["left"]
    assert images.drives(two, "other") == ["right"]
    images.check(two, "one")
    images.attach(of_data(IMAGES, {"right": encoders["right"]}, 4))
    with pytest.raises(ValueError, match=r"drives layers.left, and there are encoders of \['right'\] only"):
        images.check(two, "one")


def develop(streams):
    development = Development(network(), "above", attached(), streams)
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
        Images().check(network(), "above")
    with pytest.raises(
        ValueError, match="num_images must be at most the number of training images, 10, got 11"
    ):
        attached(num_images=11)
    with pytest.raises(ValueError, match="num_images must be a whole number above 0"):
        Images(num_images=0)
