import math

import numpy as np
import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import learn, start
from helpers.tensors import spikes_of

from lightning_snn.plasticity import Activity, PostsynapticSTDP, Streams


def sums_by_loop(pre, post, tau):
    """For each synapse the traces, and 1 minus the traces, at the unit's spikes ``[T, R, K]``."""
    gain, loss = (np.zeros((post.shape[2], pre.shape[2])) for _ in range(2))
    for t, r, k in post.nonzero().tolist():
        for f in range(pre.shape[2]):
            before = [s for s in range(t + 1) if pre[s, r, f]]
            trace = math.exp(-(t - before[-1]) / tau) if before else 0.0
            gain[k, f] += trace
            loss[k, f] += 1 - trace
    return gain, loss


@pytest.mark.parametrize("places", [1, 2])
def test_a_chunk_equals_a_loop_over_spikes_integrated_in_small_steps(places):
    rule = PostsynapticSTDP(0.01, tau_pre=12.0, silent_loss=0.3, w_max=0.8, initial_range=(0.1, 0.7))
    pre, post = spikes_of(60, 4, 7), spikes_of(60, 4, 3, seed=1)
    gain, loss = sums_by_loop(pre, post, 12.0)
    weight = start(rule)["weight"].double().numpy()
    parts = 20_000
    for _ in range(parts):
        weight += 0.01 * (gain * (0.8 - weight) - 0.3 * loss * weight) / parts
    np.testing.assert_allclose(
        learn(rule, start(rule), pre, post, places=places)["weight"].numpy(), weight, rtol=2e-4
    )


def test_an_input_that_has_just_spiked_gains_and_a_silent_one_loses():
    rule = PostsynapticSTDP(0.1, silent_loss=0.5)
    before = {"weight": torch.full((1, 2), 0.5), "elapsed": torch.zeros((), dtype=torch.float64)}
    after = learn(rule, before, torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1, 1))["weight"][0].tolist()
    assert after == pytest.approx([1 - 0.5 * math.exp(-0.1), 0.5 * math.exp(-0.05)])


def test_without_a_spike_of_the_unit_nothing_changes():
    rule = PostsynapticSTDP(0.5)
    wiring = learn(rule, start(rule), spikes_of(50, 2, 7, share=0.5), torch.zeros(50, 2, 3))
    assert torch.equal(wiring["weight"], start(rule)["weight"])


def test_traces_go_on_from_chunk_to_chunk():
    rule = PostsynapticSTDP(0.02)
    pre, post = torch.zeros(20, 1, 1), torch.zeros(20, 1, 1)
    pre[3], post[15] = 1, 1
    whole, parts = (learn(rule, start(rule, 1, 1), pre, post, chunks=chunks) for chunks in (1, 2))
    assert whole["weight"].item() == pytest.approx(parts["weight"].item())
    assert whole["weight"] != start(rule, 1, 1)["weight"]


@pytest.mark.parametrize("rate", [0.05, 50.0])
def test_weights_stay_in_bounds_and_end_at_the_share_of_spikes_that_saw_the_input(rate):
    rule = PostsynapticSTDP(rate, tau_pre=1e-3, silent_loss=1.0, w_max=2.0)
    pre, post = spikes_of(4000, 1, 5, share=0.3), torch.ones(4000, 1, 1)
    weight = learn(rule, start(rule, 5, 1), pre, post, chunks=4)["weight"]
    assert weight.min() >= 0
    torch.testing.assert_close(
        weight[0], 2 * pre[-1000:, 0].mean(0) if rate > 1 else 2 * pre[:, 0].mean(0), atol=0.1, rtol=0
    )


def test_the_rate_falls_geometrically_with_the_time_of_all_streams():
    rule = PostsynapticSTDP(0.1, final_rate=0.001, horizon=80.0, silent_loss=1e-9)
    pre, post = torch.ones(20, 2, 1), torch.zeros(20, 2, 1)
    post[-1, 0] = 1
    wiring = {"weight": torch.zeros(1, 1), "elapsed": torch.zeros((), dtype=torch.float64)}
    rates = []
    for _ in range(4):
        before = wiring["weight"]
        wiring = learn(rule, wiring, pre, post)
        rates.append(-math.log((1 - wiring["weight"].item()) / (1 - before.item())))
    assert wiring["elapsed"] == 160
    assert rates == pytest.approx([0.1, 0.01, 0.001, 0.001], rel=1e-3)


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    rule = PostsynapticSTDP(0.05)

    def run(streams):
        wiring = start(rule)
        own = slice(streams.first, streams.first + streams.count)
        state = rule.open(wiring, streams.count)
        for seed in range(3):
            pre, post = spikes_of(30, 4, 7, seed=seed)[:, own], spikes_of(30, 4, 3, seed=seed + 9)[:, own]
            proposal, state = rule.learn(Activity(pre, post), wiring, state)
            wiring = rule.merge(wiring, proposal, streams, 30)
        return wiring

    whole = run(Streams(4))
    assert not torch.equal(whole["weight"], start(rule)["weight"])
    for part in on_processes(sizes, run):
        assert torch.equal(part["weight"], whole["weight"])


def test_the_spikes_of_the_layer_are_needed():
    rule = PostsynapticSTDP()
    with pytest.raises(ValueError, match="needs the spikes of the units"):
        rule.learn(Activity(spikes_of(5, 1, 7)), start(rule), rule.open(start(rule), 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.0}, "rate must be a finite number above 0, got 0"),
        ({"final_rate": -1.0}, "final_rate must be a finite number above 0, got -1"),
        ({"horizon": 0.0}, "horizon must be a finite number above 0"),
        ({"initial_range": (0.0, 2.0)}, "initial_range"),
        ({"connected_above": 2.0}, "connected_above must lie between 0 and 1"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        PostsynapticSTDP(**options)
