"""Streams by name: what a seed fixes, what it leaves alone, and what a file brings back."""

from functools import partial

import numpy as np
import pytest
import torch
from helpers.tensors import assert_same

from lightning_snn import (
    LIF,
    Columns,
    CompetitiveHebbian,
    ConstantCurrent,
    Conv2d,
    Dense,
    Disk,
    ExtremeLearningMachine,
    Images,
    Izhikevich,
    LateralKernel,
    Linear,
    Local,
    Poisson,
    RoundFields,
    SpikingClassifier,
    SpikingLayer,
    SpikingNetwork,
    SpontaneousWaves,
    Square,
    TargetRate,
    Torus,
    WeightedProjection,
)
from lightning_snn.core.random import (
    PLAIN,
    RandomStream,
    drawing,
    fresh_seed,
    redrawn,
    rerouted,
    root_seed,
    run_seed,
    stream_of,
    torch_seeded,
)
from lightning_snn.development.controls import Control, ControlNetwork
from lightning_snn.stimuli import Scene
from lightning_snn.synapses.coupling import DenseCoupling, MeshCoupling

SHEETS = {
    "square": partial(Square, 150, side=10.0),
    "torus": partial(Torus, 150, side=10.0),
    "disk": partial(Disk, 150, radius=6.0),
}
COUPLINGS = {"dense": DenseCoupling, "mesh": MeshCoupling}
PROJECTIONS = {
    "dense": Dense,
    "local": partial(Local, radius=4.0),
    "columns": partial(Columns, fields=RoundFields(4.0, 4)),
}
RULE = CompetitiveHebbian()
IMAGES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def numbers(stream, *which):
    return torch.rand(50, generator=stream.torch(*which))


def network_of(seed, *, sheet="square", storage="dense", projection="dense", deep=False, own=None):
    """A sheet that makes waves, and a layer of 20 wired from it; ``deep``: one between them."""
    retina = SpikingLayer(
        SHEETS[sheet](seed=own),
        Izhikevich("heterogeneous"),
        lateral=LateralKernel(inhibition_range=3.0, storage=storage),
    )
    layers = {"retina": retina}
    if deep:
        layers["middle"] = SpikingLayer(SHEETS[sheet](), LIF(), projection=partial(Dense, rule=RULE))
    wiring = partial(PROJECTIONS[projection], rule=RULE, homeostasis=[TargetRate(5.0)])
    layers["lgn"] = SpikingLayer(Square(20, side=4.0, seed=own), LIF(), projection=wiring)
    return SpikingNetwork(layers, seed=seed)


def model_of(seed, *, readout=Linear, encoder=None, controls=("random",), **options):
    network = network_of(None, **options)
    layers = {name: network.layer(name) for name in network.names}
    return SpikingClassifier(
        layers,
        encoder=encoder or Poisson(20),
        readout=readout,
        num_classes=3,
        image_size=(8, 8),
        controls=list(controls),
        seed=seed,
    )


def drawn(network):
    """All that a network has drawn, by name."""
    found = dict(network.state_dict())
    for name in network.names:
        layer = network.layer(name)
        found[f"{name} sheet"] = layer.geometry.positions
        found[f"{name} image"] = layer.geometry.sample(IMAGES)
    for name, projection in network.projections.items():
        if isinstance(projection, WeightedProjection):
            found |= {f"{name} first {key}": value for key, value in projection.initial().items()}
        else:
            found[name] = projection(torch.eye(projection.num_pre))
    return found


# ---------------------------------------------------------------- streams


def test_seed_name_and_numbers_give_a_stream_of_their_own():
    streams = {
        (seed, name, which): numbers(RandomStream(seed, name), *which)
        for seed in (0, 1)
        for name in ("weights/lgn", "weights/lg", "geometry/lgn")
        for which in ((), (0,), (0, 0), (1,), (0, 1), (1, 0))
    }
    for key, value in streams.items():
        seed, name, which = key
        assert torch.equal(numbers(RandomStream(seed, name), *which), value)
        assert all(not torch.equal(value, other) for k, other in streams.items() if k != key)


def test_numpys_streams_are_as_many():
    draws = [
        RandomStream(s, n).numpy(*w).random(20) for s in (0, 1) for n in ("a", "b") for w in ((), (0,), (1,))
    ]
    assert len({tuple(draw) for draw in draws}) == len(draws)
    assert np.array_equal(RandomStream(1, "b").numpy(1).random(20), draws[-1])


def test_a_part_of_a_stream_and_the_same_part_elsewhere():
    with drawing(3, "lgn"):
        stream, own = stream_of("images", None), stream_of("images", 8)
    assert stream == RandomStream(3, "images/lgn", "images", None)
    assert own == RandomStream(8, "images/lgn", "images", 8)
    assert stream.of("order").name == "images/lgn/order"
    assert stream.under(4, "v1")[:2] == (4, "images/v1")
    assert own.under(4, "v1")[:2] == (8, "images/v1")
    assert RandomStream(0, "").of("order").name == ""


def test_a_part_alone_takes_its_seed_from_torchs_generator():
    torch.manual_seed(5)
    first, second = stream_of("weights", None), stream_of("weights", None)
    torch.manual_seed(5)
    assert stream_of("weights", None) == first != second
    before = torch.get_rng_state()
    assert stream_of("weights", 7)[:2] == (7, "weights")
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_built_inside_a_place_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    with drawing(1, "lgn"):
        Dense(10, 5)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_place_ends_with_its_block_also_after_an_error():
    with pytest.raises(ZeroDivisionError), drawing(1, "lgn"):
        _ = 1 / 0
    assert stream_of("weights", 2).name == "weights"


def test_the_runs_seed_is_that_of_networks_without_one():
    with run_seed(11):
        assert (root_seed(None), root_seed(4)) == (11, 4)
        with run_seed(None):
            torch.manual_seed(0)
            drawn_one = root_seed(None)
    torch.manual_seed(0)
    assert fresh_seed() == drawn_one == (torch.manual_seed(0), root_seed(None))[1]
    assert 0 <= drawn_one < 2**31


def test_torch_seeded_leaves_torchs_generator_as_it_was():
    before = torch.get_rng_state()
    with torch_seeded(RandomStream(0, "readout")):
        first = torch.rand(5)
    with torch_seeded(RandomStream(0, "readout")):
        assert torch.equal(torch.rand(5), first)
    with torch_seeded(RandomStream(0, "other")):
        assert not torch.equal(torch.rand(5), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_redrawn_builds_again_and_rerouted_copies():
    sheet, even = Square(9, 3.0), Square(9, 3.0, placement="grid")
    other = redrawn(sheet, 1, "lgn")
    assert not torch.equal(other.positions, sheet.positions)
    assert torch.equal(other.positions, redrawn(Square(9, 3.0), 1, "lgn").positions)
    assert redrawn(even, 1, "lgn") is even
    encoder, constant = Poisson(5), ConstantCurrent(5)
    encoder.note = "mine"
    copied = rerouted(encoder, 1, "lgn")
    assert (copied.note, copied.stream[:2]) == ("mine", (1, "encoder/lgn"))
    assert encoder.stream.name == "encoder"
    assert rerouted(constant, 1, "lgn") is constant


@pytest.mark.parametrize(
    "build",
    [
        lambda seed: Square(9, 3.0, seed),
        lambda seed: Disk(9, 3.0, seed=seed),
        lambda seed: Izhikevich("heterogeneous", seed=seed),
        lambda seed: Dense(10, 5, seed=seed),
        lambda seed: Conv2d(16, 4, in_shape=(1, 4, 4), kernel_size=3, seed=seed),
        lambda seed: Poisson(seed=seed),
        lambda seed: SpontaneousWaves(seed=seed),
        lambda seed: Images(seed=seed),
        lambda seed: ExtremeLearningMachine(9, 3, num_hidden=5, seed=seed),
        lambda seed: network_of(seed),
    ],
)
def test_negative_seeds_are_refused(build):
    with pytest.raises(ValueError, match=r"seed must be a whole number, 0 or above, got -2"):
        build(-2)


# ---------------------------------------------------------------- parts


PARTS = {
    "dense": lambda **seed: Dense(10, 5, **seed).weight,
    "square": lambda **seed: Square(9, 3.0, **seed).positions,
    "torus": lambda **seed: Torus(9, 3.0, **seed).positions,
    "disk": lambda **seed: Disk(9, 3.0, **seed).positions,
    "neurons": lambda **seed: Izhikevich("heterogeneous", num_neurons=9, **seed).c,
    "pulses": lambda **seed: Poisson(50, **seed)(torch.ones(1, 9), dt=1.0),
    "hidden": lambda **seed: ExtremeLearningMachine(9, 3, num_hidden=5, **seed).hidden_weight,
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_two_of_a_kind_differ_unless_torch_or_they_are_seeded_alike(part):
    torch.manual_seed(1)
    first, second = part(), part()
    torch.manual_seed(1)
    assert torch.equal(part(), first)
    assert not torch.equal(second, first)
    assert torch.equal(part(seed=4), part(seed=4))
    assert not torch.equal(part(seed=4), part(seed=5))


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_network_built_twice_with_one_seed_is_the_same(projection):
    one, same, other = (drawn(network_of(seed, projection=projection)) for seed in (3, 3, 4))
    assert_same(one, same)
    for name in ("retina sheet", "lgn sheet", "lgn first weight", "layers.retina.neuron.c", "retina_lateral"):
        assert one[name].shape != other[name].shape or not torch.equal(one[name], other[name]), name


def test_a_classifier_built_twice_with_one_seed_is_the_same():
    torch.manual_seed(1)
    one = model_of(3, readout=partial(ExtremeLearningMachine, num_hidden=7))
    torch.manual_seed(2)
    same = model_of(3, readout=partial(ExtremeLearningMachine, num_hidden=7))
    assert_same(one.state_dict(), same.state_dict())
    grey = torch.full((1, 150), 0.5)
    assert torch.equal(one.encoders["retina"](grey, dt=1.0), same.encoders["retina"](grey, dt=1.0))
    assert not torch.equal(model_of(4).encoders["retina"](grey, dt=1.0), one.encoders["retina"](grey, dt=1.0))


def test_what_is_added_changes_nothing_that_others_draw():
    plain, deep = drawn(network_of(3)), drawn(network_of(3, deep=True))
    for name in ("retina sheet", "retina_lateral", "layers.retina.neuron.c", "lgn sheet", "lgn first weight"):
        assert torch.equal(plain[name], deep[name]), name
    torch.manual_seed(9)
    Dense(3, 3), Square(4, 2.0)
    assert_same(drawn(network_of(3)), plain)


def test_readouts_of_the_network_and_its_controls_start_apart_and_do_not_depend_on_one_another():
    alone, beside = model_of(3, controls=()), model_of(3, controls=("random", "pixels"))
    names = dict(beside.readouts.named_children())
    (network,) = dict(alone.readouts.named_children())
    assert_same(alone.readouts[network].state_dict(), beside.readouts[network].state_dict())
    own, random = (dict(names[key].named_parameters()) for key in (network, "random"))
    assert any(not torch.equal(own[name], random[name]) for name in own)


def test_layers_of_one_explicit_seed_differ():
    network = network_of(0, own=7)
    assert not torch.equal(
        network.layer("retina").geometry.positions[:20], network.layer("lgn").geometry.positions[:20]
    )
    again = network_of(1, own=7)
    for name in network.names:  # the number fixes them, whatever the network's
        assert torch.equal(again.layer(name).positions, network.layer(name).positions)


# ---------------------------------------------------------------- before there were names


def plain(seed=None):
    return torch.Generator().manual_seed(seed or 0)


@pytest.mark.parametrize("own", [None, 6])
def test_a_network_of_before_draws_from_the_seed_alone(own):
    layers = {
        "retina": SpikingLayer(Square(30, 3.0, own), Izhikevich("heterogeneous", seed=own)),
        "lgn": SpikingLayer(Disk(8, 3.0), LIF(), projection=partial(Dense, rule=RULE, seed=own)),
    }
    model = SpikingClassifier(
        layers, encoder=Poisson(20, seed="run" if own is None else own), readout=Linear, num_classes=3,
        image_size=(8, 8), seed="plain",
    )  # fmt: skip
    network = model.network
    assert torch.equal(network.layer("retina").positions, 3.0 * torch.rand(30, 2, generator=plain(own)))
    r = torch.rand(30, generator=plain(own))
    torch.testing.assert_close(network.layer("retina").neuron.c, -65 + 15 * r**2)
    expected = RULE.initial(30, 8, plain(own))
    projection = network.projections["lgn"]
    assert torch.equal(projection.weight, expected["weight"])
    assert torch.equal(projection.variables.threshold, expected["threshold"])
    assert torch.equal(projection.initial_weight(), expected["weight"])
    pulses = model.encoders["retina"](torch.full((1, 30), 0.5), dt=1.0) > 0
    assert torch.equal(pulses, torch.rand(20, 1, 30, generator=plain(own)) < 0.125)


@pytest.mark.parametrize("own", [None, 6])
def test_stimuli_of_before_draw_from_seed_stream_and_round_alone(own):
    waves, images, seed = SpontaneousWaves(seed=own), Images(seed=own), own or 0
    for stimulus in (waves, images):
        stimulus.draw(PLAIN, "lgn")
        word = np.random.SeedSequence([seed, 5, 2]).generate_state(1, np.uint64)[0]
        expected = torch.Generator().manual_seed(int(word >> np.uint64(1)))
        assert torch.equal(
            torch.randn(9, generator=stimulus.stream.torch(5, 2)), torch.randn(9, generator=expected)
        )
    images.attach(Scene(IMAGES.__getitem__, 6, ConstantCurrent(5), 6))
    for number in range(3):
        chosen = np.random.default_rng([seed, 0]).permutation(6)
        order = np.random.default_rng([seed, 1, number]).permutation(6)
        assert images.shown(range(6), number).tolist() == chosen[order].tolist()


def test_a_stimulus_draws_under_the_network_and_the_layer():
    waves = SpontaneousWaves()
    drawn = []
    for seed, name in ((0, "lgn"), (0, "v1"), (1, "lgn"), (0, "lgn")):
        waves.draw(seed, name)
        drawn.append(numbers(waves.stream, 0, 0))
    assert torch.equal(drawn[3], drawn[0])
    assert not any(torch.equal(drawn[0], other) for other in drawn[1:3])
    fixed = SpontaneousWaves(seed=4)
    fixed.draw(0, "lgn")
    first = fixed.stream
    fixed.draw(1, "lgn")
    assert fixed.stream == first


# ---------------------------------------------------------------- what a file brings back


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("storage", COUPLINGS)
@pytest.mark.parametrize("sheet", SHEETS)
def test_a_network_of_another_seed_becomes_that_of_the_file(sheet, storage, projection):
    options = {"sheet": sheet, "storage": storage, "projection": projection}
    saved, other = network_of(3, **options), network_of(4, **options)
    assert isinstance(other.projections["retina_lateral"], COUPLINGS[storage])
    before, expected = drawn(other), drawn(saved)
    assert not torch.equal(before["retina image"], expected["retina image"])
    other.load_state_dict(saved.state_dict())
    assert_same(drawn(other), expected)
    again = network_of(5, **options)  # on to a third
    again.load_state_dict(other.state_dict())
    assert_same(drawn(again), expected)


def test_a_local_projection_takes_over_fields_of_another_length():
    lengths = {}
    for seed in range(20):
        network = network_of(seed, projection="local")
        lengths.setdefault(network.projections["lgn"].nodes.shape[1], network)
    short, long = lengths[min(lengths)], lengths[max(lengths)]
    assert min(lengths) < max(lengths)
    for saved, other in ((short, long), (long, network_of(21, projection="local"))):
        expected, spikes = drawn(saved), torch.eye(150)[:, None]
        other.load_state_dict(saved.state_dict())
        assert_same(drawn(other), expected)
        assert torch.equal(
            other.projections["lgn"].transmit(spikes, dt=1.0)[0],
            saved.projections["lgn"].transmit(spikes, dt=1.0)[0],
        )
        other.projections["lgn"].restart(saved.projections["lgn"].initial_weight())
        assert_same(other.projections["lgn"].wiring, saved.projections["lgn"].initial())


def test_fields_of_another_number_are_still_refused():
    network = network_of(0, projection="local")
    state = network.state_dict()
    for name in ("nodes", "weight"):
        key = f"connections.lgn.projection.{name}"
        state[key] = state[key][:10]
    with pytest.raises(RuntimeError, match=r"size mismatch for connections\.lgn\.projection\.nodes"):
        network_of(1, projection="local").load_state_dict(state)


def test_a_classifier_of_another_seed_becomes_that_of_the_file():
    saved, other = model_of(3, projection="local"), model_of(4, projection="local")
    other.load_state_dict(saved.state_dict())
    grey = torch.full((1, 150), 0.5)
    assert torch.equal(other.encoders["retina"](grey, dt=1.0), saved.encoders["retina"](grey, dt=1.0))
    assert_same(drawn(other.network), drawn(saved.network))
    for model in (saved, other):
        model.controls["random"].wire(model.network)
    assert_same(other.state_dict(), saved.state_dict())


def test_a_control_takes_its_first_thresholds_from_the_files_seed():
    """They are drawn with the weights: `CompetitiveHebbian` spreads them."""
    saved, other = network_of(3), network_of(4)
    controls = [ControlNetwork(Control("random"), one) for one in (saved, other)]
    other.load_state_dict(saved.state_dict())
    for control, network in zip(controls, (saved, other), strict=True):
        control.wire(network)
    assert_same(controls[0].state_dict(), controls[1].state_dict())
