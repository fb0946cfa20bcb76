"""Gain control: one round against plain sums, and a layer that comes to do what is wanted."""

from functools import partial

import pytest
import torch
from helpers.tensors import rand, spikes_of

import lightning_snn as snn
from lightning_snn.plasticity import Activity, GainControl, Streams
from lightning_snn.plasticity.homeostasis import THRESHOLD_RISE


def one_round(rule, wiring, pre, post):
    proposal, _ = rule.learn(Activity(pre, post), wiring, rule.open(wiring, pre.shape[1]))
    return proposal, rule.merge(wiring, proposal, Streams(pre.shape[1]), len(pre))


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_a_round_of_units_equals_plain_sums(dt):
    rule = GainControl(50.0, deviation=0.2, learning_rate=0.3, dt=dt)
    wiring = rule.initial(8, 3, torch.Generator().manual_seed(0)) | {"rounds": torch.tensor(5)}
    pre, post = spikes_of(20, 4, 8), spikes_of(20, 4, 3, seed=1)
    _, after = one_round(rule, wiring, pre, post)
    current = torch.einsum("trf,kf->rk", pre, wiring["weight"]) / (20 * dt)
    variance = sum(((current[r] - current.mean(0)) ** 2).sum() for r in range(4)) / 12
    factor = 0.2 / variance.sqrt()
    assert 1 / 3 < factor < 3
    torch.testing.assert_close(after["weight"], factor * wiring["weight"])
    rates = 1000 * post.sum((0, 1)) / (4 * 20 * dt)
    error = rates / 50.0 - 1
    torch.testing.assert_close(after[THRESHOLD_RISE], 0.3 * 0.2 / 2 * error)
    gap = max(error.abs().mean().item(), abs(factor.item() - 1))
    assert rule.convergence(after) == pytest.approx(gap, rel=1e-5)
    assert after["rounds"] == 6


def test_a_layer_has_one_threshold_and_the_mean_of_all_units():
    rule = GainControl(50.0, deviation=0.5, thresholds="layer", learning_rate=1.0)
    wiring = rule.initial(8, 3, torch.Generator().manual_seed(0))
    pre, post = spikes_of(20, 4, 8), spikes_of(20, 4, 3, seed=1)
    proposal, after = one_round(rule, wiring, pre, post)
    torch.testing.assert_close(
        after["weight"], 0.5 / proposal["current"].std(correction=0) * wiring["weight"]
    )
    rate = 1000 * post.mean()
    torch.testing.assert_close(after[THRESHOLD_RISE], (0.5 * (rate / 50.0 - 1)).expand(3))


def test_without_thresholds_the_scale_alone_follows_the_rate():
    rule = GainControl(50.0, thresholds="none")
    wiring = rule.initial(8, 3, torch.Generator().manual_seed(0))
    assert THRESHOLD_RISE not in wiring
    pre, post = spikes_of(20, 4, 8), spikes_of(20, 4, 3, seed=1)
    _, after = one_round(rule, wiring, pre, post)
    factor = (50.0 / (1000 * post.mean())).sqrt()
    torch.testing.assert_close(after["weight"], factor * wiring["weight"])
    _, silent = one_round(rule, wiring, pre, 0 * post)
    torch.testing.assert_close(silent["weight"], 3 * wiring["weight"])


def test_graded_and_negative_inputs_count_in_proportion():
    rule = GainControl()
    wiring = rule.initial(8, 3, torch.Generator().manual_seed(0))
    pre, post = rand(20, 4, 8) - 0.5, spikes_of(20, 4, 3)
    once, _ = one_round(rule, wiring, pre, post)
    twice, _ = one_round(rule, wiring, -2 * pre, post)
    torch.testing.assert_close(twice["current"], -2 * once["current"])


def test_silence_changes_no_weight():
    rule = GainControl()
    wiring = rule.initial(8, 3, torch.Generator().manual_seed(0))
    _, after = one_round(rule, wiring, torch.zeros(5, 2, 8), torch.zeros(5, 2, 3))
    assert torch.equal(after["weight"], wiring["weight"])
    assert all(value.isfinite().all() for value in after.values())


def test_the_first_weights_are_those_of_no_rule():
    with_rule, without = (snn.Dense(30, 20, rule=rule, seed=3) for rule in (GainControl(), None))
    torch.testing.assert_close(with_rule.weight, without.weight)


CONV = partial(snn.Conv2d, kernel_size=3)
KINDS = {
    "dense": (snn.Dense, snn.Square(200, side=8.0), snn.Square(40, side=8.0)),
    "conv": (CONV, snn.Maps(1, 10, 10), snn.Maps(4, 8, 8)),
    "local": (partial(snn.Local, radius=2.0), snn.Square(200, side=8.0), snn.Square(60, side=8.0)),
}


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_three_layers_come_to_the_rate_and_the_deviation(kind, dt):
    made, below, here = KINDS[kind]
    tolerance = 0.35 if kind == "local" else 0.2  # at its edge units see few nodes
    rule = GainControl(80.0, deviation=0.6, tolerance=tolerance)
    projection = partial(made, rule=rule, trainable=True)
    again = partial(snn.Dense, rule=rule, trainable=True)
    neuron = partial(snn.LIF, 5.0)
    layers = {
        "retina": snn.SpikingLayer(below, neuron()),
        "one": snn.SpikingLayer(here, neuron(), projection=projection),
        "two": snn.SpikingLayer(snn.Square(40, side=8.0), neuron(), projection=again),
        "three": snn.SpikingLayer(snn.Square(40, side=8.0), neuron(), projection=again),
    }
    network = snn.SpikingNetwork(layers, seed=0, dt=dt)
    noise = snn.SmoothNoise(4.0, reach=1.0)
    steps = round(15 / dt)
    reports = snn.self_organize(
        network, stimulus=noise, num_streams=48, chunk=steps, max_steps=40 * 48 * steps,
        check_every_n_rounds=1, progress=False,
    )  # fmt: skip
    assert {name: report["convergence"] < tolerance for name, report in reports.items()} == dict.fromkeys(
        ("one", "two", "three"), True
    )
    unseen = noise.currents(network, "one", steps=steps, streams=range(48), round_number=1000)
    with torch.no_grad():
        spikes, _ = network.run(unseen)
    for name in ("one", "two", "three"):
        assert 1000 * spikes[name].mean().item() / dt == pytest.approx(80.0, rel=0.3), name
        assert (spikes[name].sum((0, 1)) == 0).float().mean() < 0.1, name
        assert network.projections[name].weight.requires_grad
    assert network.unwired == []


def test_waves_set_the_gains_of_layers_above_a_sheet():
    rule = GainControl(20.0, deviation=0.35, thresholds="layer")
    waves = snn.LateralKernel(inhibition_range=4.0)
    cells = snn.Izhikevich("heterogeneous")
    layers = {"retina": snn.SpikingLayer(snn.Square(300, side=12.5), cells, lateral=waves)} | {
        name: snn.SpikingLayer(snn.Square(30, side=8.0), snn.LIF(10.0), projection=partial(
            snn.Dense, trainable=True, rule=rule)) for name in ("one", "two")
    }  # fmt: skip
    network = snn.SpikingNetwork(layers, seed=0)
    reports = snn.self_organize(
        network, num_streams=8, chunk=250, max_steps=60_000, check_every_n_rounds=1, progress=False
    )
    assert all(report["convergence"] < 0.2 for report in reports.values())
    assert all(report["steps"] < 60_000 for report in reports.values())


def test_what_cannot_be_is_said_in_a_sentence():
    with pytest.raises(ValueError, match="rate must be at most one spike a step, 2000 Hz, got 3000"):
        GainControl(3000.0, dt=0.5)
    with pytest.raises(ValueError, match="thresholds must be one of layer, none, unit, got 'units'"):
        GainControl(thresholds="units")
    layers = {
        "a": snn.SpikingLayer(snn.Square(9, side=3.0), snn.LIF()),
        "b": snn.SpikingLayer(snn.Square(9, side=3.0), snn.Izhikevich(), projection=partial(
            snn.Dense, rule=GainControl())),
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"layers.b.neuron: Izhikevich has no threshold that could rise"):
        snn.SpikingNetwork(layers)


def test_it_is_refused_below_a_norm():
    with pytest.raises(ValueError, match=r"rule: GainControl sets the scale of weights, .* TDBatchNorm"):
        snn.Dense(4, 2, rule=GainControl(), trainable=True, norm=snn.TDBatchNorm())
