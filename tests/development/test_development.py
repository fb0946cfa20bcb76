import copy
import functools

import pytest
import torch
from helpers.processes import on_processes
from helpers.tensors import assert_equal, assert_same

from lightning_snn.development.development import Development
from lightning_snn.development.report import measure_fields
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import STDP, Activity, CompetitiveHebbian, Streams
from lightning_snn.stimuli import SpontaneousWaves
from lightning_snn.synapses import Dense, LateralKernel

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
