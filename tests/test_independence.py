"""All that a recipe draws, drawn: no two things share a stream, and no two draws are equal or correlated."""

from contextlib import contextmanager
from functools import partial
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import pytest
import torch
import yaml
from helpers.image_files import needs_files

from lightning_snn import (
    STDP,
    Columns,
    CompetitiveHebbian,
    CompetitiveSTDP,
    Conv2d,
    Dense,
    FirstSpikeSTDP,
    GainControl,
    Images,
    Local,
    PairSTDP,
    Pattern,
    PostsynapticSTDP,
    Randman,
    RewardSTDP,
    RoundFields,
    SelfOrganization,
    Square,
    TripletSTDP,
)
from lightning_snn.cli.recipes import recipes
from lightning_snn.core.random import RandomStream, redrawn
from lightning_snn.data import ImageDataset
from lightning_snn.data.splits import stratified
from lightning_snn.development import rewiring as rewiring_module
from lightning_snn.development.rewiring import random_wiring
from lightning_snn.presentation.present import NETWORK
from lightning_snn.stimuli import Scene
from lightning_snn.trainer.queries import find_callback

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

LONGEST = 4000
SIGMAS = 5.0


class Draw(NamedTuple):
    """Numbers that were drawn, and the seed, name and numbers of the streams that they came from."""

    keys: set[tuple[Any, ...]]
    values: torch.Tensor


@pytest.fixture
def streams(monkeypatch):
    """``streams()``: a context in which the streams that are drawn from are collected."""
    seen = []

    def spied(draw):
        def spy(self, *numbers):
            seen.append((self.seed, self.name, *numbers))
            return draw(self, *numbers)

        return spy

    for kind in ("torch", "numpy"):
        monkeypatch.setattr(RandomStream, kind, spied(getattr(RandomStream, kind)))

    @contextmanager
    def collect():
        before, keys = len(seen), set()
        yield keys
        keys.update(seen[before:])

    return collect


@pytest.fixture
def drawn(tmp_path, built, streams):
    """``drawn(name, *options)``: what a recipe's command builds, and the streams that it built it from."""

    def build(name, *options):
        data = yaml.safe_load(recipes()[name].read_text())["data"]
        root = [f"--data.root={tmp_path}"] if needs_files(data) else []
        with streams() as keys:
            model, trainer, data = built("run", name, "--trainer.accelerator=cpu", *root, *options)
        return model, find_callback(trainer, SelfOrganization), data, keys

    return build


def parts_of(network, streams):
    """Sheets, neurons and first weights of the layers."""
    seed = int(network.seed)
    for name in network.names:
        layer = network.layer(name)
        if layer.geometry.stream is not None:
            with streams() as keys:
                sheet = redrawn(layer.geometry, seed, name)
            assert torch.equal(sheet.positions, layer.positions)
            yield f"geometry {name}", Draw(keys, sheet.positions)
        if layer.neuron.stream is not None:
            with streams() as keys:
                neuron = redrawn(layer.neuron, seed, name)
            assert torch.equal(neuron.c, layer.neuron.c)
            yield f"neurons {name}", Draw(keys, neuron.c)
    for name, projection in network.weighted.items():
        if projection.stream is not None:
            with streams() as keys:
                weight = projection.initial_weight()
            assert torch.equal(weight, projection.weight)
            yield f"weights {name}", Draw(keys, weight)


def controls_of(model, streams):
    """The weights of controls by chance, and what put them in their order."""
    known = set()
    for label, control in model.controls.items():
        if control.kind == "initial":
            yield from _first_weights(model.network, label, control, streams, known)
            known |= set(control.rewired)
        elif control.kind == "random":
            yield from _by_chance(model.network, control, streams)


def _by_chance(network, control, streams):
    """Of those that are moved about, and the order that this puts them in."""
    for name in control.rewired:
        with streams() as keys:
            control.rewire(network, name)
        keys -= {key for key in keys if key[1] == f"weights/{name}"}  # the first thresholds
        before, after = network.weighted[name].weight, control.projections[name].weight
        assert torch.equal(after.sort(-1).values, before.sort(-1).values)
        yield f"control {name}", Draw(keys, after)
        # the weight at place b[k] after came from place a[k]: where the k-th smallest was
        a, b = before.argsort(-1), after.argsort(-1)
        order = torch.empty_like(a).scatter_(-1, b, a)
        yield f"control {name} order", Draw(set(), order.argsort(-1))


def _first_weights(network, label, control, streams, known):
    """Of those that are never learned; a later one that learns starts as the network's does.

    Controls at the same connection have the same, for pairs that differ in nothing but the fields.
    """
    for name in set(control.rewired) - known:
        with streams() as keys:
            control.rewire(network, name)
        keys = {key for key in keys if key[1] != f"weights/{name}"}  # the first thresholds
        yield f"control {label} {name}", Draw(keys, control.projections[name].weight)


def readouts_of(model, built_from):
    few = model.few_labels
    purposes = {"": model.readouts} | {
        f"/{few.counts[key]}_labels": found for key, found in few.readouts.items()
    }
    for purpose, readouts in purposes.items():
        for network, readout in readouts.items():
            place = f"{network}{purpose}"
            weights = [p for p in readout.parameters() if p.ndim > 1]
            keys = {key for key in built_from if key[1] in (f"readout/{place}", f"hidden/{place}")}
            for number, weight in enumerate(weights):
                yield f"readout {place} {number}", Draw(keys if number == 0 else set(), weight)


def encoder_of(model, streams):
    (encoder,) = set(model.encoders.values())
    if encoder.stream is None:
        return
    half = 500 / encoder.max_rate
    with streams() as keys:
        pulses = encoder(torch.full((1, 784), half), dt=1.0)
    yield "encoder", Draw(keys, pulses)


def _copies(image, numbers):
    return image.expand(len(numbers), -1, -1, -1)


def stimuli_of(model, phase, streams):
    """Noise or images of a few streams and rounds, for each layer that they wire."""
    for name in model.network.unwired:
        stimulus = phase.stimulus_of(name)
        stimulus.draw(int(model.network.seed), name)
        if isinstance(stimulus, Images):
            blank = torch.ones(1, 1, *model.image_size)
            scene = Scene(partial(_copies, blank), 600, model.encoders, 4)
            stimulus.attach(scene)
            for number in range(3):
                with streams() as keys:
                    shown = stimulus.shown(range(600), number * 150)  # 150 rounds of 4 are a pass
                chosen = {key for key in keys if number and key[-1] == 0 and len(key) == 3}
                yield f"images {name} {number}", Draw(keys - chosen, shown)
            (encoder,) = set(model.encoders.values())
            if (stimulus.encoder or encoder).repeatable:
                continue
        for stream, number in ((0, 0), (1, 0), (0, 1), (1, 1), (7, 3)):
            with streams() as keys:
                (current,) = stimulus.currents(
                    model.network, name, steps=20, streams=[stream], round_number=number
                ).values()
            keys = {key for key in keys if len(key) == 4 and "order" not in key[1]}
            yield f"noise {name} {stream} {number}", Draw(keys, current)


def data_of(data, streams):
    labels = torch.arange(2000) % 10
    if isinstance(data, Pattern):  # one pattern, which has no order and no parts
        with streams() as keys:
            pattern = data.pattern()
        yield "pattern", Draw(keys, pattern)
        return
    images = torch.zeros(2000, 1, 6, 6, dtype=torch.uint8)
    data.train_set = data.val_set = data.test_set = ImageDataset(
        images, labels=labels, sample=torch.arange(2000)
    )
    loader = data.train_dataloader()
    for epoch in range(2):
        with streams() as keys:
            order = torch.cat([batch.sample for batch in loader])
        keys = {key for key in keys if not key[1].startswith("augmentation")}
        yield f"batches {epoch}", Draw(keys, order)
    for part in range(2):
        left, _ = stratified(labels, size=200, seed=(data.split_seed, part))
        yield f"split {part}", Draw({("split", data.split_seed, part)}, left)
    for name, kinds in data.perturbations.items():
        with streams() as keys:
            image = kinds[0](torch.full((40, 1, 10, 10), 0.5), torch.arange(40), seed=data.split_seed)
        yield f"perturbation {name}", Draw(keys, image - image.mean(0))  # all leave the margins dark
    if data.augmentation is not None:
        with streams() as keys:
            image = data.augmentation(torch.rand(40, 1, 10, 10), torch.arange(40), seed=data.seed, epoch=0)
        yield "augmentation", Draw(keys, image)
    if isinstance(data, Randman):
        with streams() as keys:
            left, _ = data.read()
        yield "manifolds", Draw(keys, left.images[left.sample.argsort()].double())


def draws_of(model, phase, data, built_from, streams):
    """All that a run draws, by what it is for."""
    found = [
        *parts_of(model.network, streams),
        *controls_of(model, streams),
        *readouts_of(model, built_from),
        *encoder_of(model, streams),
        *stimuli_of(model, phase, streams),
        *data_of(data, streams),
    ]
    draws = dict(found)
    assert len(draws) == len(found)
    torch.manual_seed(max(int(model.network.seed), 0))  # dropout, and noise without a generator
    draws["torch"] = Draw({("torch",)}, torch.rand(LONGEST))
    draws["numbers of nodes"] = Draw(set(), torch.arange(LONGEST))
    return draws


def shared(draws):
    """Pairs of purposes that draw from the same stream."""
    return [(a, b) for a, b in combinations(draws, 2) if draws[a].keys & draws[b].keys]


def ranks(values):
    """Ranks of values of any shape, standardised; equal values have equal ranks. None if all are equal."""
    flat = values.detach().flatten()[:LONGEST]
    rank = flat.unique(return_inverse=True)[1].double()
    return None if len(flat) < 2 or rank.max() == 0 else rank


def correlated(draws):
    """Pairs of purposes whose numbers rise and fall together, or whose permutations undo each other."""
    every = {purpose: ranks(draw.values) for purpose, draw in draws.items()}
    for purpose, draw in draws.items():
        if not draw.values.is_floating_point() and draw.values.ndim == 1:
            every[f"{purpose}, sorted"] = draw.values.argsort().double()
    every = {purpose: rank for purpose, rank in every.items() if rank is not None}
    return [(a, b) for a, b in combinations(every, 2) if _related(every[a], every[b])]


def _related(one, other):
    length = min(len(one), len(other))
    pair = torch.stack([one[:length], other[:length]])
    if length < 5 or not pair.std(1).all():
        return False
    correlation = torch.corrcoef(pair)[0, 1].abs().item()
    return correlation > min(SIGMAS / (length - 1) ** 0.5, 0.999)


@pytest.mark.parametrize("name", list(recipes()))
def test_no_two_draws_of_a_recipe_are_equal_or_correlated(name, drawn, streams):
    draws = draws_of(*drawn(name), streams)
    assert len(draws) >= 6
    assert all(draw.keys for purpose, draw in draws.items() if purpose.startswith(("geometry", "weights")))
    assert shared(draws) == []
    assert [pair for pair in correlated(draws) if not _is_one_permutation(*pair)] == []


def _is_one_permutation(a, b):
    """Whether the second is the first, sorted."""
    return b == f"{a}, sorted"


def test_another_seed_draws_other_numbers_of_everything(drawn, streams):
    options = [
        "--model.controls=[random]",
        "--model.few_labels=[100, 30]",
        "--data.perturbations=[shifted,noise]",
    ]
    first, second = (
        draws_of(*drawn("mnist_pooling", f"--seed={seed}", *options), streams) for seed in (0, 1)
    )
    assert shared(first) == []
    fixed = {"split 0", "split 1", "numbers of nodes", "perturbation shifted", "perturbation noise"}
    for purpose in first.keys() - fixed:
        assert not first[purpose].keys & second[purpose].keys - {("torch",)}, purpose
        both = {"first": first[purpose], "second": second[purpose]}
        assert correlated(both) == [], purpose
    assert all(torch.equal(first[purpose].values, second[purpose].values) for purpose in fixed)


def test_first_weights_of_a_control_are_none_of_the_networks(drawn, streams):
    draws = draws_of(*drawn("diehl_cook", "--model.controls=[initial, random]"), streams)
    (found,) = (draw for purpose, draw in draws.items() if purpose.startswith("control initial"))
    assert found.keys
    assert shared(draws) == []
    assert [pair for pair in correlated(draws) if not _is_one_permutation(*pair)] == []


def test_networks_of_before_there_were_names_are_found_out(drawn, streams, monkeypatch):
    """The check itself: equal seeds, no names."""
    monkeypatch.setattr(rewiring_module, "RandomStream", lambda seed, _: RandomStream(seed, ""))
    draws = draws_of(*drawn("mnist_pooling", "--model.seed=plain", "--model.controls=[random]"), streams)
    for pair in (("geometry retina", "geometry lgn"), ("geometry retina", "neurons retina")):
        assert pair in shared(draws)
        assert pair in correlated(draws)
    assert ("weights lgn", "control lgn") in shared(draws)
    assert ("weights lgn", "control lgn order") in correlated(draws)
    assert ("control lgn", "numbers of nodes") in correlated(draws)


# ---------------------------------------------------------------- the random control

RULES = {
    "stdp": STDP(),
    "competitive": CompetitiveHebbian(),
    "competitive stdp": CompetitiveSTDP(),
    "first spike": FirstSpikeSTDP(threshold=5.0),
    "pair": PairSTDP(),
    "triplet": TripletSTDP(),
    "postsynaptic": PostsynapticSTDP(),
    "reward": RewardSTDP(),
    "gain": GainControl(),
}
BELOW, HERE = Square(300, 10.0, seed=0), Square(40, 10.0, seed=1)
PROJECTIONS = {
    "dense": partial(Dense, 300, 40),
    "conv": partial(Conv2d, 300, 256, in_shape=(3, 10, 10), kernel_size=3),
    "columns": partial(Columns, 300, 40, fields=RoundFields(4.0, 4), below=BELOW),
    "local": partial(Local, 300, 40, radius=4.0, below=BELOW, here=HERE),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("projection", PROJECTIONS)
def test_the_random_control_is_not_the_order_of_the_first_weights(projection, rule):
    wired = PROJECTIONS[projection](rule=RULES[rule], seed=0)
    weight = random_wiring(wired, BELOW, 0).flatten(0, -2)
    exists = torch.ones_like(weight, dtype=torch.bool)
    if wired.exists is not None:
        exists = wired.exists[:, None].expand_as(wired.weight).flatten(0, -2)
    node = torch.arange(weight.shape[1]).double()
    scores = []
    for row, real in zip(weight.double(), exists, strict=True):
        values = row[real]
        assert any(a > b for a, b in pairwise(values.tolist()))
        scores.append(torch.corrcoef(torch.stack([values, node[real]]))[0, 1] * (len(values) - 1) ** 0.5)
    assert abs(torch.stack(scores).mean()) < SIGMAS / len(scores) ** 0.5


def test_the_random_control_follows_the_seed_and_the_layer():
    wired = Dense(300, 20, rule=PairSTDP(), seed=0)
    weights = [random_wiring(wired, BELOW, seed, name) for seed in (0, 1) for name in ("", "lgn", "v1")]
    assert all(not torch.equal(a, b) for a, b in combinations(weights, 2))


def test_the_network_is_among_the_readouts(drawn):
    assert NETWORK in drawn("mnist_pooling")[0].readouts
