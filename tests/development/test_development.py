import copy
import functools

import pytest
import torch
from helpers.processes import on_processes
from helpers.stimuli import Noise
from helpers.tensors import assert_equal, assert_same

from lightning_snn.development.development import Development
from lightning_snn.development.report import measure_fields
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import STDP, Activity, CompetitiveHebbian, PairSTDP, Streams
from lightning_snn.stimuli import SpontaneousWaves
from lightning_snn.synapses import Columns, Dense, FoundFields, LateralKernel

RULES = {
    "competitive": CompetitiveHebbian(0.5, threshold=20.0, threshold_spread=0.5),
    "stdp": STDP(threshold=3.0, threshold_jump=0.75),
}
SEED = 6  # waves come in the first rounds
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def network_of(rule, *, sheet=None, units=12, above=None, noise=0.0, **lgn):
    """A retina that makes waves, a layer wired by ``rule`` and, with a rule ``above``, one more."""
    kernel = LateralKernel(inhibition_range=4.0)
    sheet = sheet or Torus(200, side=10.2)
    layers = {
        "retina": SpikingLayer(
            sheet, Izhikevich("heterogeneous"), lateral=kernel, lateral_active="development", noise=noise
        ),
        "lgn": wired_layer(units, sheet.side, rule, **lgn),
    }
    if above is not None:
        layers["cortex"] = wired_layer(5, sheet.side, above)
    return SpikingNetwork(layers, seed=SEED)


def wired_layer(units, side, rule, **options):
    projection = functools.partial(Dense, rule=rule, gain=60.0)
    return SpikingLayer(Square(units, side), LIF(10.0), projection=projection, **options)


def develop(network, streams, *, name="lgn"):
    return Development(network, name, SpontaneousWaves(seed=SEED), streams)


def run(development, rounds, steps=200):
    for number in rounds:
        development.round(steps, number)
    return development.projection


@pytest.mark.parametrize(
    ("kind", "sheet", "rounds"),
    [("stdp", Torus, 12), ("stdp", Square, 18), ("competitive", Torus, 24)],
)
def test_waves_localise_the_fields_of_nearly_all_units(kind, sheet, rounds):
    network = network_of(RULES[kind], sheet=sheet(600, side=17.7), units=60)
    development = develop(network, Streams(8))

    def measure():
        return measure_fields(development.projection, network.layer("retina").geometry, target_share=0.2)

    before = measure()
    assert before["localised_share"] == 0
    assert before["field_size"] > 300
    run(development, range(rounds), steps=250)
    after = measure()
    assert after["localised_share"] >= 0.9
    assert after["field_size"] < 110
    assert after["rms_radius"] < 0.6 * before["rms_radius"]
    assert after["coverage"] > 0.7
    assert after["compactness"] > 0.65


@every_rule
def test_same_seeds_same_weights(rule):
    first, second = (run(develop(network_of(rule), Streams(2)), range(2)) for _ in range(2))
    assert_same(first.wiring, second.wiring)
    assert not torch.equal(first.weight, first.initial_weight())


def test_same_seeds_same_weights_where_the_layer_has_noise_of_its_own():
    first, second = (run(develop(network_of(RULES["stdp"], noise=1.0), Streams(2)), [0]) for _ in range(2))
    assert_same(first.wiring, second.wiring)


def test_coupling_of_development_acts_in_every_layer_while_waves_run():
    def activity(active):
        kernel = LateralKernel(10.0, inhibition=20.0, inhibition_range=5.0, excitation_range=4.0)
        network = network_of(RULES["stdp"], above=STDP(), units=60, lateral=kernel, lateral_active=active)
        return develop(network, Streams(2), name="cortex").round(300, 0).pre

    assert torch.equal(activity("development"), activity("always"))


def test_a_round_returns_the_spikes_that_it_learned_from():
    network = network_of(RULES["stdp"])
    spikes = develop(network, Streams(3)).round(150, 0).pre
    assert spikes.shape == (150, 3, 200)
    noise = SpontaneousWaves(seed=SEED).currents(network, "lgn", steps=150, streams=range(3), round_number=0)
    own, _ = network.run(noise, layers=["retina"], developing=True)
    assert own["retina"].sum() > 20
    assert torch.equal(spikes, own["retina"])


@every_rule
def test_restored_in_another_network_it_goes_on_bit_for_bit(rule):
    first = develop(network_of(rule), Streams(3))
    run(first, range(2))
    saved, weights = first.state(), copy.deepcopy(first.network.state_dict())
    kept = [leaf.clone() for leaf in saved]
    run(first, range(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(saved, kept, strict=True))

    network = network_of(rule)
    network.load_state_dict(weights)
    second = develop(network, Streams(3))
    second.restore(saved)
    run(second, range(2, 4))
    assert_same(first.projection.wiring, second.projection.wiring)
    assert all(torch.equal(a, b) for a, b in zip(first.state(), second.state(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(saved, kept, strict=True))

    forgetful = develop(network_of(rule), Streams(3))
    forgetful.network.load_state_dict(weights)
    run(forgetful, range(2, 4))
    assert not torch.equal(forgetful.projection.weight, first.projection.weight)


@pytest.mark.parametrize(
    "other",
    [
        lambda: develop(network_of(RULES["stdp"]), Streams(4)),
        lambda: develop(network_of(RULES["stdp"], units=13), Streams(3)),
        lambda: develop(network_of(RULES["competitive"]), Streams(3)),
    ],
    ids=["streams", "units", "rule"],
)
def test_a_state_of_another_network_is_refused(other):
    saved = other().state()
    with pytest.raises(ValueError, match=r"is of another network or number of streams: shapes .* expected"):
        develop(network_of(RULES["stdp"]), Streams(3)).restore(saved)


@every_rule
def test_eight_streams_in_one_process_equal_four_in_each_of_two(rule):
    whole = develop(network_of(rule), Streams(8))
    run(whole, range(3))

    def half(streams):
        development = develop(network_of(rule), streams)
        return run(development, range(3)).wiring, development.state()

    for wiring, state in on_processes((4, 4), half):
        assert_same(wiring, whole.projection.wiring)
        assert_equal(state, whole.state())


def test_a_state_goes_on_on_another_number_of_processes():
    first = develop(network_of(RULES["stdp"]), Streams(4))
    run(first, range(2))
    saved = first.state()
    part = develop(first.network, Streams(4, first=1, count=2))
    part.restore(saved)
    assert all(torch.equal(leaf, whole[1:3]) for leaf, whole in zip(part.state(), saved, strict=True))


def test_a_network_with_two_wired_projections_wires_the_second_from_the_first_layers_activity():
    network = network_of(RULES["stdp"], above=STDP(threshold=0.5, threshold_jump=0.1))
    run(develop(network, Streams(2)), range(2))
    lower, upper = network.projections["lgn"], network.projections["cortex"]
    lower_before, start = copy.deepcopy(lower.wiring), copy.deepcopy(upper.wiring)
    assert torch.equal(start["weight"], upper.initial_weight())

    development = develop(network, Streams(2), name="cortex")
    parts = [development.round(300, number).pre for number in range(2)]
    spikes = torch.cat(parts)
    assert spikes.shape == (600, 2, 12)
    assert spikes.sum() > 50

    retina = develop(network_of(RULES["stdp"]), Streams(2))
    seen = torch.cat([retina.round(300, number).pre for number in range(2)])
    assert torch.equal(spikes, network.run({}, known={"retina": seen}, layers=["lgn"])[0]["lgn"])

    rule, wiring, wins = upper.rule, start, 0
    state = rule.open(wiring, 2)
    for part in parts:
        proposal, state = rule.learn(Activity(part), wiring, state)
        wins += proposal["spikes"].sum()
        wiring = rule.merge(wiring, proposal, Streams(2), 300)
    assert wins > 20
    assert_same(upper.wiring, wiring)
    assert_same(lower.wiring, lower_before)


def test_measures_of_known_fields():
    sheet = Torus(100, side=10.0, placement="grid")
    projection = Dense(100, 3, rule=STDP())
    near = sheet.distances() < 1.1
    projection.rewire({"weight": torch.stack([near[0], near[55], torch.zeros(100).bool()]).float()})
    found = measure_fields(projection, sheet, target_share=0.15)
    assert found["localised_share"] == pytest.approx(2 / 3)
    assert found["field_size"] == pytest.approx(10 / 3)
    assert found["rms_radius"] == pytest.approx((4 / 5) ** 0.5)
    assert found["coverage"] == pytest.approx(0.1)
    assert found["compactness"] == 1
    assert measure_fields(projection, sheet, target_share=0.05)["localised_share"] == 0


def test_a_projection_without_a_rule_is_refused():
    network = network_of(None)
    with pytest.raises(ValueError, match=r"layers.lgn.projection has no rule to wire it"):
        develop(network, Streams(1))


def test_a_stimulus_that_cannot_drive_the_first_layer_is_refused():
    network = SpikingNetwork(
        {"retina": SpikingLayer(Square(9, 3.0), LIF()), "lgn": wired_layer(3, 3.0, STDP())}
    )
    with pytest.raises(
        ValueError, match=r"spontaneous waves need lateral coupling: give layers.retina `lateral`"
    ):
        develop(network, Streams(1))


def recurrent(rule, **options):
    """A layer driven by noise, with a plastic connection to itself."""
    layers = {"below": SpikingLayer(Square(30, 5.0), LIF()), "own": SpikingLayer(Square(9, 5.0), LIF(5.0))}
    connections = {
        "in": Connection("below", "own", functools.partial(Dense, gain=60.0)),
        "loop": Connection("own", "own", functools.partial(Dense, rule=rule, gain=0.05, **options)),
    }
    return SpikingNetwork(layers, connections, seed=0)


@pytest.mark.parametrize(("delay", "late"), [(None, 1), (1.0, 1), (3.0, 3)])
def test_a_recurrent_connection_learns_from_spikes_when_they_arrive(delay, late):
    rule = PairSTDP(0.02, 0.005)
    network = recurrent(rule, delay=delay)
    loop = network.weighted["loop"]
    wiring = {"weight": loop.weight.detach().clone()}
    development = Development(network, "loop", Noise(0.1), Streams(2))
    sent = [development.round(40, number).pre for number in range(3)]
    assert sum(part.sum() for part in sent) > 20
    whole = torch.cat(sent)
    arrived = torch.cat([torch.zeros(late, *whole.shape[1:]), whole[:-late]])
    state = rule.open(wiring, 2)
    for pre, post in zip(arrived.chunk(3), whole.chunk(3), strict=True):
        proposal, state = rule.learn(Activity(pre, post), wiring, state)
        wiring = rule.merge(wiring, proposal, Streams(2), 40)
    assert not torch.equal(loop.weight, loop.initial_weight())
    torch.testing.assert_close(loop.weight.detach(), wiring["weight"])


def test_a_recurrent_connection_is_the_same_on_any_number_of_processes():
    def run_loop(streams):
        development = Development(recurrent(PairSTDP(0.02, 0.005)), "loop", Noise(0.1), streams)
        return run(development, range(3), 40).weight, development.state()

    whole, state = run_loop(Streams(4))
    assert not torch.equal(whole, recurrent(PairSTDP()).weighted["loop"].weight)
    for weight, own in on_processes((1, 3), run_loop):
        assert torch.equal(weight, whole)
        assert_equal(own, state)


def test_what_is_wired_later_carries_nothing_yet():
    """A skip that is not wired yet adds nothing to the layer whose spikes another rule learns from."""

    def weight(**connections):
        layers = {
            "below": SpikingLayer(Square(30, 5.0), LIF()),
            "above": SpikingLayer(Square(9, 5.0), LIF(5.0)),
        }
        first = Connection("below", "above", functools.partial(Dense, rule=PairSTDP(), gain=2.0))
        network = SpikingNetwork(layers, {"first": first} | connections, seed=0)
        return run(Development(network, "first", Noise(0.2), Streams(2)), range(2), 40).weight

    def skip():
        return Connection("below", "above", functools.partial(Dense, rule=PairSTDP(), gain=9.0))

    alone = weight()
    assert torch.equal(weight(later=skip()), alone)

    def wired(*sizes):
        projection = Dense(*sizes, rule=PairSTDP(), gain=9.0)
        projection.wired.fill_(True)
        return projection

    assert not torch.equal(weight(later=Connection("below", "above", wired)), alone)


def test_only_layers_between_the_driven_ones_and_the_connection_run():
    layers = {
        name: SpikingLayer(Square(9, 5.0), LIF()) for name in ("left", "right", "middle", "top", "aside")
    }
    dense = functools.partial(Dense, gain=5.0)
    learned = functools.partial(Dense, rule=PairSTDP(), gain=5.0)
    connections = {
        "a": Connection("left", "middle", dense),
        "b": Connection("right", "middle", dense),
        "c": Connection("middle", "top", learned),
        "d": Connection("middle", "aside", dense),
    }
    network = SpikingNetwork(layers, connections, seed=0)
    assert Development(network, "c", Noise(0.1), Streams(1)).layers == ["left", "right", "middle", "top"]
    assert Development(network, "c", Noise(0.1, layer="right"), Streams(1)).layers == [
        "right",
        "middle",
        "top",
    ]
    assert Development(network, "c", Noise(0.1, layer="middle"), Streams(1)).layers == ["middle", "top"]
    network.weighted["c"].rule = STDP()
    assert Development(network, "c", Noise(0.1), Streams(1)).layers == ["left", "right", "middle"]


def test_what_leads_there_must_be_wired_or_come_before():
    layers = {name: SpikingLayer(Square(9, 5.0), LIF()) for name in ("below", "middle", "top")}
    learned = functools.partial(Dense, rule=STDP())
    connections = {
        "upper": Connection("middle", "top", learned),
        "lower": Connection("below", "middle", learned),
    }
    network = SpikingNetwork(layers, connections)
    message = "Noise drives below, and nothing that is wired leads from there to connections.upper yet"
    with pytest.raises(ValueError, match=message):
        Development(network, "upper", Noise(0.1), Streams(1))


def test_fields_that_are_not_found_yet_are_refused():
    columns = functools.partial(Columns, fields=FoundFields("lgn", 20), rule=PairSTDP())
    layers = {
        "retina": network_of(RULES["stdp"]).layer("retina"),
        "lgn": wired_layer(12, 10.2, RULES["stdp"]),
    }
    network = SpikingNetwork(layers, {"features": Connection("retina", "lgn", columns)})
    message = "connections.features looks into fields that the connection lgn finds, which is not wired yet"
    with pytest.raises(ValueError, match=message):
        develop(network, Streams(1), name="features")


def test_an_unknown_connection_is_named():
    with pytest.raises(ValueError, match="there is no connection 'x', only retina_lateral, lgn"):
        develop(network_of(RULES["stdp"]), Streams(1), name="x")
