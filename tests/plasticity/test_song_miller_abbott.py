"""Song, Miller and Abbott (2000): inputs without correlations fall into weak ones and strong ones.

Neuron and constants are those of Brian2's example of the paper; exact steps of its own drive the rule.
"""

import math

import pytest
import torch

from lightning_snn import PairSTDP
from lightning_snn.plasticity import Activity, Streams

INPUTS, RATE, W_MAX = 1000, 15.0, 0.01
TAU_MEM, TAU_EXCITATION, LEAK, THRESHOLD, RESET = 10.0, 5.0, -74.0, -54.0, -60.0


def final_weights(dt, seconds=60, chunk=100.0, **options):
    """Shares of the weights in ten bins, and the rate in Hz in the second half."""
    rule = PairSTDP(0.01, 0.0105, w_max=W_MAX, initial_range=(0, W_MAX), connected_above=0, dt=dt, **options)
    generator = torch.Generator().manual_seed(0)
    wiring, rounds, steps = (
        rule.initial(INPUTS, 1, generator),
        round(1000 * seconds / chunk),
        round(chunk / dt),
    )
    state, v, conductance, count = rule.open(wiring, 1), RESET, 0.0, 0
    left = math.exp(-dt / TAU_EXCITATION)
    mean = TAU_EXCITATION / dt * (1 - left)  # of a step, for spikes at its start
    for number in range(rounds):
        pre = (torch.rand(steps, 1, INPUTS, generator=generator) < RATE * dt / 1000).float()
        post = torch.zeros(steps, 1, 1)
        for t, arriving in enumerate((pre[:, 0] @ wiring["weight"][0]).tolist()):
            conductance += arriving
            total = 1 + mean * conductance
            v = LEAK / total + (v - LEAK / total) * math.exp(-dt * total / TAU_MEM)  # towards 0 mV
            conductance *= left
            if v > THRESHOLD:
                v, post[t] = RESET, 1
        proposal, state = rule.learn(Activity(pre, post), wiring, state)
        wiring = rule.merge(wiring, proposal, Streams(1), steps)
        count += int(post.sum()) if 2 * number >= rounds else 0
    return torch.histc(wiring["weight"], 10, 0, W_MAX) / INPUTS, count / seconds * 2


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_weights_become_bimodal(dt):
    shares, rate = final_weights(dt)
    assert shares[[0, -1]].min() > 1.5 * shares[3:7].mean()
    assert shares[3:7].sum() < 0.33
    assert 5 < rate < 30


def test_coincidences_that_potentiate_at_a_coarse_step_do_not_let_them():
    shares, rate = final_weights(1.0, seconds=30, coincidence="potentiate")
    assert shares[0] < 0.1
    assert rate > 60
