"""Song, Miller and Abbott (2000): the weights of 1,000 Poisson inputs, against Brian2's."""

from functools import partial

import pytest
import torch
from helpers.peers import stored

from lightning_snn import (
    ConductanceLIF,
    Dense,
    PairSTDP,
    Relay,
    SpikingLayer,
    SpikingNetwork,
    Square,
)
from lightning_snn.core.random import RandomStream
from lightning_snn.development.development import Development
from lightning_snn.plasticity import Streams
from lightning_snn.stimuli import Stimulus

GIVEN, FOUND = stored("song_miller_abbott")
ROUND, LAST = 50.0, 10.0
"""Ms in which the weights stay, and seconds over which the output is counted."""


class PoissonSpikes(Stimulus):
    """Spikes of a layer of `Relay` neurons, independent and all of one rate."""

    def currents(self, network, connection, *, steps, streams, round_number):
        del connection
        share = GIVEN["rate"] * network.dt / 1000
        draws = [RandomStream(0, "test").torch(number, round_number) for number in streams]
        spikes = [(torch.rand(steps, GIVEN["inputs"], generator=draw) < share).float() for draw in draws]
        return {"input": torch.stack(spikes, dim=1) / network.dt}


def learned(dt, seconds, **options):
    """What becomes of the weights, in the words of the script."""
    neuron = ConductanceLIF(
        GIVEN["tau_mem"], v_rest=GIVEN["leak_reversal"], v_reset=GIVEN["v_reset"],
        threshold=GIVEN["threshold"], refractory=0.0, tau_excitation=GIVEN["tau_excitation"],
        reversal_excitation=GIVEN["reversal_excitation"], adaptation=0.0,
    )  # fmt: skip
    w_max = GIVEN["w_max"]
    rule = PairSTDP(
        GIVEN["a_plus"], GIVEN["a_minus"], tau_plus=GIVEN["tau_plus"], tau_minus=GIVEN["tau_minus"],
        w_max=w_max, initial_range=(0.0, w_max), connected_above=0.0, **options,
    )  # fmt: skip
    layers = {
        "input": SpikingLayer(Square(GIVEN["inputs"], 10.0), Relay()),
        "cell": SpikingLayer(Square(1, 1.0), neuron, projection=partial(Dense, rule=rule)),
    }
    network = SpikingNetwork(layers, dt=dt, seed=0)
    phase, steps = Development(network, "cell", PoissonSpikes(), Streams(1)), round(ROUND / dt)
    rounds = round(seconds * 1000 / ROUND)
    counts = [phase.round(steps, number).share * steps for number in range(rounds)]
    weight = network.connection("cell").projection.weight / w_max
    shares = {"below": weight < 0.1, "middle": (weight >= 0.4) & (weight <= 0.6), "above": weight > 0.9}
    found = {name: share.double().mean().item() for name, share in shares.items()}
    rate = sum(counts[-round(LAST * 1000 / ROUND) :]) / LAST
    return found | {"mean": weight.mean().item(), "rate": rate}


def means(run):
    """Brian2's figures, the means over its seeds."""
    figures = FOUND[run].items()
    return {key: sum(values) / len(values) for key, values in figures if key != "histogram"}


def assert_close(found, expected, tolerance):
    for key, most in tolerance.items():
        assert found[key] == pytest.approx(expected[key], abs=most), key


def ends_over_middle(found):
    """How many times denser weights are in the thinner end's tenth of the range than in the middle fifth."""
    return 2 * min(found["below"], found["above"]) / found["middle"]


def test_a_tenth_of_a_ms():
    found, expected = learned(0.1, 30), means("0.1 ms, 30 s")
    assert_close(found, expected, {"below": 0.03, "middle": 0.03, "above": 0.03, "mean": 0.015, "rate": 7.0})


def test_the_default_step_gives_the_bimodal_weights_of_a_fine_one():
    found, expected = learned(1.0, 100), means("0.1 ms, 100 s")
    assert_close(found, expected, {"below": 0.03, "middle": 0.06, "above": 0.06, "mean": 0.025})
    assert ends_over_middle(expected) > 3
    assert ends_over_middle(found) > 1.7
    assert ends_over_middle(means("1.0 ms, 100 s")) < 0.5  # Brian2's, which potentiates every coincidence


def test_coincidences_that_potentiate_make_brian2s_weights():
    found, expected = learned(1.0, 30, coincidence="potentiate"), means("1.0 ms, 30 s")
    assert_close(found, expected, {"below": 0.03, "middle": 0.04, "above": 0.03, "mean": 0.02, "rate": 12.0})
    assert expected["mean"] > means("0.1 ms, 30 s")["mean"] + 0.1
