import math

import numpy as np
import pytest
import torch
from helpers.rules import start
from helpers.tensors import spikes_of

from lightning_snn.plasticity import STDP, Activity, Streams

f = np.float32


class Loop:
    """The rule for one stream, element by element in float32, from its description."""

    def __init__(self, weight, adaptive, *, threshold, dt=1.0, a=0.05, offset=0.05, pair=0.002, jump=2.0):
        self.w = weight.numpy().copy()
        self.theta = adaptive.numpy().copy()
        self.v, self.y = (np.zeros(len(self.w), np.float32) for _ in range(2))
        self.x = np.zeros(self.w.shape[1], np.float32)
        self.threshold, self.a, self.offset, self.pair, self.jump = map(f, (threshold, a, offset, pair, jump))
        self.fast, self.slow = f(math.exp(-dt / 5)), f(math.exp(-dt / 20_000))
        self.winners = []

    def step(self, s):
        units, inputs = range(len(self.w)), range(len(s))
        for i in units:
            self.v[i] = self.v[i] * self.fast
            for j in inputs:
                self.v[i] += self.w[i, j] * s[j]
            self.y[i] *= self.fast
        for j in inputs:
            self.x[j] = self.x[j] * self.fast + s[j]
            for i in units:
                self.w[i, j] -= self.pair * self.y[i] * self.w[i, j] * s[j]
        limit = self.threshold + self.theta
        self.theta = self.theta * self.slow
        best = max(units, key=lambda i: self.v[i] - limit[i])
        self.winners.append(best if self.v[best] > limit[best] else None)
        if self.winners[-1] is None:
            return
        for i in units:
            self.v[i] = f(0) if i == best else max(self.v[i] - limit[i], -limit[i])
        for j in inputs:
            x, w = self.x[j], self.w[best, j]
            if x > self.offset:
                self.w[best, j] = w + self.a * min(x - self.offset, f(1)) * (f(1) - w)
            else:
                self.w[best, j] = w - self.a * (self.offset - x) / self.offset * w
        self.y[best] += f(1)
        self.theta[best] += self.jump


@pytest.mark.parametrize(("share", "threshold"), [(0.2, 4.0), (0.02, 0.3)])
def test_learning_equals_a_loop_over_elements(share, threshold):
    rule = STDP(threshold=threshold, threshold_jump=0.2)
    wiring, spikes = start(rule, 20, 6), spikes_of(200, 3, 20, share=share)
    proposal, state = rule.learn(Activity(spikes), wiring, rule.open(wiring, 3))
    for s in range(3):
        loop = Loop(wiring["weight"], wiring["threshold"], threshold=threshold, jump=0.2)
        for step in spikes[:, s].numpy():
            loop.step(step)
        wins = [loop.winners.count(unit) for unit in range(6)]
        assert 20 < sum(wins) < 200
        assert proposal["spikes"][s].tolist() == wins
        np.testing.assert_allclose(proposal["weight"][s].t().numpy(), loop.w, rtol=5e-5, atol=1e-7)
        np.testing.assert_allclose(proposal["threshold"][s].numpy(), loop.theta, rtol=1e-5)
        for name, expected in {"v": loop.v, "pre_trace": loop.x, "post_trace": loop.y}.items():
            np.testing.assert_allclose(state[name][s].numpy(), expected, rtol=2e-5, atol=2e-5)


def one_unit(weight, spikes, **options):
    """The weights ``[pre]`` and state of one unit after spikes ``[T, pre]``."""
    rule = STDP(threshold_jump=0.0, **options)
    wiring = {"weight": torch.tensor([weight]), "threshold": torch.zeros(1)}
    sequence = torch.tensor(spikes)[:, None]
    proposal, state = rule.learn(Activity(sequence), wiring, rule.open(wiring, 1))
    return proposal["weight"][0, :, 0].tolist(), proposal, state


def test_at_the_spike_inputs_with_a_trace_gain_and_silent_ones_lose():
    weight, proposal, state = one_unit([0.5, 0.5, 0.8], [[1.0, 0.0, 0.0]], threshold=0.4, learning_rate=0.1)
    assert proposal["spikes"].item() == 1
    assert weight == pytest.approx([0.5 + 0.1 * 0.95 * 0.5, 0.5 - 0.1 * 0.5, 0.8 - 0.1 * 0.8])
    assert state["v"].item() == 0


def test_the_trace_that_neither_gains_nor_loses_is_the_offset():
    offset = math.exp(-2 / 5)
    weight, proposal, _ = one_unit(
        [0.1, 0.9], [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], threshold=0.85, trace_offset=offset
    )
    assert proposal["spikes"].item() == 1
    assert weight[0] == pytest.approx(0.1, rel=1e-5)
    assert weight[1] == pytest.approx(0.9 + 0.05 * (1 - offset) * 0.1, rel=1e-5)


@pytest.mark.parametrize("delay", [1, 4])
def test_an_input_spike_after_the_units_own_depresses_its_weight(delay):
    spikes = [[1.0, 0.0]] + [[0.0, 0.0]] * (delay - 1) + [[0.0, 1.0]]
    weight, proposal, _ = one_unit([0.9, 0.5], spikes, threshold=0.8, pair_depression=0.1)
    assert proposal["spikes"].item() == 1
    after_own = 0.5 - 0.05 * 0.5
    assert weight[1] == pytest.approx(after_own * (1 - 0.1 * math.exp(-delay / 5)), rel=1e-5)


def test_a_coincidence_depresses_nothing():
    weight, proposal, _ = one_unit([0.9], [[1.0]], threshold=0.8, pair_depression=0.18)
    assert proposal["spikes"].item() == 1
    assert weight[0] > 0.9


@pytest.mark.parametrize("pair_depression", [0.002, 0.15])
def test_weights_stay_between_0_and_1(pair_depression):
    rule = STDP(learning_rate=1.0, threshold=1.0, pair_depression=pair_depression)
    wiring = start(rule, 20, 6)
    proposal, _ = rule.learn(Activity(spikes_of(200, 2, 20, share=0.3)), wiring, rule.open(wiring, 2))
    assert proposal["spikes"].sum() > 50
    assert proposal["weight"].min() >= 0
    assert proposal["weight"].max() <= 1
    assert proposal["weight"].max() > 0.9


def test_a_pair_depression_that_would_turn_weights_negative():
    with pytest.raises(ValueError, match=r"pair_depression must lie between 0 and 0\.18.*, got 0\.5"):
        STDP(pair_depression=0.5, dt=1.0)
    alone = STDP(pair_depression=0.5)  # a network may say another dt
    assert alone.at(10.0, "rule.dt").dt == 10.0
    with pytest.raises(
        ValueError, match=r"^layers.lgn.projection.rule: pair_depression must lie .*, got 0\.5"
    ):
        alone.at(1.0, "layers.lgn.projection.rule.dt")
    with pytest.raises(ValueError, match=r"pair_depression must lie between 0 and 0\.18.*, got 0\.5"):
        one_unit([0.9], [[1.0]], threshold=0.8, pair_depression=0.5)


def test_the_losers_are_inhibited_by_their_own_threshold_but_not_below_minus_it():
    rule = STDP(threshold=2.0)
    wiring = {"weight": torch.tensor([[0.9], [0.8], [0.8]]), "threshold": torch.tensor([0.0, 1.0, 0.5])}
    state = rule.open(wiring, 1)
    state["v"] += torch.tensor([5.0, 3.0, -4.0]) / math.exp(-1 / 5)
    proposal, after = rule.learn(Activity(torch.ones(1, 1, 1)), wiring, state)
    assert proposal["spikes"].tolist() == [[1, 0, 0]]
    assert after["v"][0].tolist() == pytest.approx([0, 3 + 0.8 - 3, -2.5], abs=1e-5)


def test_thresholds_rise_at_a_spike_and_decay_in_every_step():
    rule = STDP(threshold=0.4, threshold_jump=3.0, tau_threshold=50.0, dt=2.0)
    wiring = {"weight": torch.tensor([[0.9], [0.1]]), "threshold": torch.tensor([0.2, 1.0])}
    spikes = torch.tensor([1.0, 0, 0, 0]).reshape(4, 1, 1)
    proposal, _ = rule.learn(Activity(spikes), wiring, rule.open(wiring, 1))
    assert proposal["spikes"].tolist() == [[1, 0]]
    decay = math.exp(-2 / 50)
    expected = [0.2 * decay**4 + 3 * decay**3, decay**4]
    assert proposal["threshold"][0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("window", "dt", "steps"), [(0.5, 0.5, 1), (1.0, 2.0, 1), (1.0, 0.25, 4)])
def test_windows_of_time_turn_time_constants_into_factors(window, dt, steps):
    wiring = start(STDP(), 3, 2)
    rule = STDP(threshold=100.0, tau_mem=10.0, tau_pre=20.0, window=window, dt=dt)
    spikes = torch.zeros(4 * steps, 1, 3)
    spikes[0, 0, 1] = 1
    _, state = rule.learn(Activity(spikes), wiring, rule.open(wiring, 1))
    expected = wiring["weight"][:, 1] * math.exp(-3 * steps * dt / 10)
    torch.testing.assert_close(state["v"][0], expected)
    assert state["pre_trace"][0].tolist() == pytest.approx([0, math.exp(-3 * steps * dt / 20), 0])


def test_initial_weights_and_thresholds_are_uniform():
    wiring = start(STDP(threshold_jump=2.0), 500, 200)
    assert wiring["weight"].shape == (200, 500)
    assert (wiring["weight"].min(), wiring["weight"].max()) == pytest.approx((0.2, 0.5), abs=1e-3)
    assert wiring["weight"].mean().item() == pytest.approx(0.35, abs=1e-3)
    assert wiring["threshold"].min() >= 0
    assert wiring["threshold"].max().item() == pytest.approx(2, abs=0.1)
    assert torch.equal(wiring["weight"], start(STDP(), 500, 200)["weight"])


def test_merge_takes_the_unit_from_where_it_spiked_most_and_silent_units_keep_their_weights():
    rule = STDP()
    wiring = start(rule, 4, 4)
    proposal = {
        "spikes": torch.tensor([[3, 0, 2, 0], [4, 0, 2, 1], [4, 0, 1, 1]]),
        "weight": torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1).expand(3, 4, 4).clone(),
        "threshold": torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1).expand(3, 4).clone(),
    }
    proposal["threshold"][:, 1] = 0.5
    merged = rule.merge(wiring, proposal, Streams(3), 250)
    assert merged["weight"][[0, 2, 3], 0].tolist() == pytest.approx([0.2, 0.1, 0.2])
    assert torch.equal(merged["weight"][1], wiring["weight"][1])
    assert merged["threshold"].tolist() == [2, 0.5, 1, 2]


def test_a_silent_unit_keeps_its_weights_although_pairs_depress_them_in_a_stream():
    rule = STDP(threshold=4.0, pair_depression=0.1)
    wiring = start(rule, 20, 6)
    wiring["threshold"][3] = 1e6
    state = rule.open(wiring, 2)
    state["post_trace"][:, 3] = 1.0
    proposal, _ = rule.learn(Activity(spikes_of(50, 2, 20)), wiring, state)
    merged = rule.merge(wiring, proposal, Streams(2), 50)
    assert not torch.equal(proposal["weight"][0, :, 3], wiring["weight"][3])
    assert torch.equal(merged["weight"][3], wiring["weight"][3])
    assert merged["threshold"][3].item() == pytest.approx(1e6 * math.exp(-50 / 20_000))
    assert not torch.equal(merged["weight"][0], wiring["weight"][0])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(
            (name, 0.0, "a finite number above 0")
            for name in ("tau_mem", "tau_pre", "tau_post", "trace_offset", "threshold", "tau_threshold", "dt")
        ),
        ("learning_rate", 1.5, "between 0 and 1"),
        ("learning_rate", -0.1, "between 0 and 1"),
        ("connected_above", 2.0, "between 0 and 1"),
        ("pair_depression", -1.0, "between 0 and 1.*"),
        ("threshold_jump", -1.0, "a finite number, 0 or above"),
    ],
)
def test_errors(name, value, message):
    with pytest.raises(ValueError, match=f"{name} must .*{message}, got {value}"):
        STDP(**{name: value})
