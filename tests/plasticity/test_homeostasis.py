import math

import pytest
import torch

from lightning_snn.plasticity import (
    STDP,
    AdaptiveThreshold,
    CompetitiveHebbian,
    SynapticScaling,
    TargetRate,
    WeightNormalisation,
)
from lightning_snn.plasticity.homeostasis import THRESHOLD_RISE, add_variables

REGULATORS = {
    "normalisation": WeightNormalisation(3.0),
    "adaptive threshold": AdaptiveThreshold(0.5, 200.0),
    "target rate": TargetRate(20.0, 0.1),
    "scaling": SynapticScaling(20.0, tau=500.0),
}


def weights(units=4, inputs=6):
    return torch.rand(units, inputs, generator=torch.Generator().manual_seed(0))


def opened(regulator, weight=None):
    return add_variables({"weight": weights() if weight is None else weight}, [regulator])


def rounds(regulator, wiring, spikes, time):
    """The wiring after rounds with spikes ``[K]`` each, in ``time`` ms each."""
    for counts in spikes:
        wiring = regulator.regulate(wiring, torch.as_tensor(counts, dtype=torch.float32), time)
    return wiring


def test_normalisation_equals_a_loop_and_leaves_a_unit_without_weights_alone():
    weight = weights()
    weight[2] = 0
    weight[1] *= -1
    weight[3, :2] *= -2
    found = rounds(WeightNormalisation(7.0), {"weight": weight}, [[1, 2, 3, 4]], 100.0)["weight"]
    for k in range(4):
        total = sum(map(abs, weight[k].tolist()))
        for f in range(6):
            expected = 7 * weight[k, f].item() / total if total else 0.0
            assert found[k, f].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_an_adaptive_threshold_equals_a_loop(share):
    regulator = AdaptiveThreshold(0.5, 200.0, share=share)
    counts = [[4, 0, 1, 8], [0, 0, 2, 0], [3, 0, 0, 1]]
    found = rounds(regulator, opened(regulator), counts, 50.0)[THRESHOLD_RISE]
    for k in range(4):
        rise = 0.0
        for row in counts:
            rise = rise * math.exp(-share * 50 / 200) + 0.5 * share * row[k]
        assert found[k].item() == pytest.approx(rise, rel=1e-5)


def test_an_adaptive_threshold_comes_to_rest_where_decay_undoes_the_spikes():
    regulator = AdaptiveThreshold(0.5, 200.0)
    found = rounds(regulator, opened(regulator), [[0, 1, 2, 3]] * 100, 50.0)[THRESHOLD_RISE]
    end = 0.5 / (1 - math.exp(-50 / 200))
    assert found.tolist() == pytest.approx([0, end, 2 * end, 3 * end], rel=1e-4)


def test_a_share_of_one_over_streams_is_one_stream():
    one, shared = AdaptiveThreshold(0.5, 200.0), AdaptiveThreshold(0.5, 200.0, share=1 / 8)
    alone = rounds(one, opened(one), [[1, 2, 0, 3]] * 5, 50.0)
    eight = rounds(shared, opened(shared), [[8, 16, 0, 24]] * 5, 8 * 50.0)
    torch.testing.assert_close(alone[THRESHOLD_RISE], eight[THRESHOLD_RISE])


def test_a_target_rate_equals_a_loop():
    regulator = TargetRate(20.0, 0.1)
    counts = [[4, 0, 1, 8], [0, 0, 2, 0]]
    found = rounds(regulator, opened(regulator), counts, 50.0)[THRESHOLD_RISE]
    for k in range(4):
        rise = 0.0
        for row in counts:
            rise += 0.1 * (row[k] / 0.05 - 20) * 0.05
        assert found[k].item() == pytest.approx(rise, rel=1e-5)


def test_units_reach_the_target_rate():
    regulator = TargetRate(20.0, 0.02)
    wiring, drive = opened(regulator), torch.tensor([10.0, 30.0, 60.0, 120.0])
    for _ in range(400):
        rates = drive * torch.exp(-wiring[THRESHOLD_RISE])
        wiring = regulator.regulate(wiring, rates * 0.5, 500.0)
    assert rates.tolist() == pytest.approx([20.0] * 4, rel=0.01)
    assert wiring[THRESHOLD_RISE].tolist() == pytest.approx((drive / 20).log().tolist(), abs=0.01)


def test_scaling_equals_a_loop_and_keeps_the_ratios():
    regulator, weight = SynapticScaling(20.0, tau=500.0, gain=0.3), weights()
    counts = [[4, 0, 1, 8], [0, 0, 2, 0], [3, 0, 0, 1]]
    found = rounds(regulator, opened(regulator), counts, 100.0)
    for k in range(4):
        average, factor = 20.0, 1.0
        for row in counts:
            observed = row[k] / 0.1
            for _ in range(10_000):  # 0.01 ms each
                average += 0.01 / 500 * (observed - average)
                factor *= 1 + 0.3 * 1e-5 * (1 - average / 20)
        assert found["average_rate"][k].item() == pytest.approx(average, rel=1e-4)
        torch.testing.assert_close(found["weight"][k], factor * weight[k], rtol=1e-5, atol=0)
    assert found["weight"][1].sum() > weight[1].sum()
    assert found["weight"][3].sum() < weight[3].sum()


def test_scaling_brings_the_rate_to_its_target():
    regulator = SynapticScaling(20.0, tau=500.0, gain=0.5)
    wiring = opened(regulator)
    for _ in range(1500):
        rates = 5 * wiring["weight"].sum(1) ** 2
        wiring = regulator.regulate(wiring, rates * 0.1, 100.0)
    assert rates.tolist() == pytest.approx([20.0] * 4, rel=0.02)
    assert wiring["average_rate"].tolist() == pytest.approx([20.0] * 4, rel=0.02)


@pytest.mark.parametrize("regulator", REGULATORS.values(), ids=REGULATORS)
def test_it_keeps_what_is_not_its_own_and_modifies_no_argument(regulator):
    wiring = opened(regulator) | {"other": torch.ones(2)}
    before = {name: value.clone() for name, value in wiring.items()}
    after = regulator.regulate(wiring, torch.tensor([3.0, 0.0, 1.0, 9.0]), 100.0)
    assert after.keys() == wiring.keys()
    assert torch.equal(after["other"], before["other"])
    assert any(not torch.equal(after[name], before[name]) for name in before)
    for name, value in before.items():
        assert torch.equal(wiring[name], value)


@pytest.mark.parametrize("rule", [STDP(), CompetitiveHebbian()], ids=["stdp", "competitive"])
def test_variables_stand_beside_those_of_the_rule(rule):
    wiring = rule.initial(6, 4, torch.Generator())
    found = add_variables(wiring, [REGULATORS["adaptive threshold"], REGULATORS["scaling"]])
    assert found.keys() == wiring.keys() | {THRESHOLD_RISE, "average_rate"}
    assert found[THRESHOLD_RISE].tolist() == [0] * 4
    assert found["average_rate"].tolist() == [20] * 4


def test_two_that_keep_the_same_variable_clash():
    with pytest.raises(
        ValueError, match="TargetRate cannot be used beside another that keeps threshold_rise"
    ):
        add_variables({"weight": weights()}, [AdaptiveThreshold(0.1), TargetRate(20.0)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightNormalisation(0.0), "total must be a finite number above 0, got 0.0"),
        (lambda: AdaptiveThreshold(0.0), "jump must be a finite number above 0"),
        (lambda: AdaptiveThreshold(1.0, -5.0), "tau must be a finite number above 0, got -5.0"),
        (lambda: AdaptiveThreshold(1.0, share=2.0), "share must lie between 0 and 1, got 2.0"),
        (lambda: TargetRate(0.0), "rate must be a finite number above 0"),
        (lambda: TargetRate(5.0, 0.0), "learning_rate must be a finite number above 0"),
        (lambda: SynapticScaling(-1.0), "rate must be a finite number above 0"),
        (lambda: SynapticScaling(5.0, tau=0.0), "tau must be a finite number above 0"),
        (lambda: SynapticScaling(5.0, gain=0.0), "gain must be a finite number above 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_rate_of_target_rate_falls_with_time():
    regulator = TargetRate(10.0, 1.0, final_learning_rate=0.01, horizon=200.0)
    wiring = {"weight": weights()}
    wiring = wiring | regulator.initial(wiring)
    steps = []
    for _ in range(4):
        before = wiring["threshold_rise"]
        wiring = regulator.regulate(wiring, torch.full((len(before),), 3), 100.0)
        steps.append((wiring["threshold_rise"] - before)[0].item())
    assert steps == pytest.approx([2, 0.2, 0.02, 0.02], rel=1e-4)


@pytest.mark.parametrize("rows", [2, 8])
def test_scaling_does_not_depend_on_the_number_of_rows(rows):
    regulator = SynapticScaling(20.0, tau=500.0, gain=0.3)
    one = several = opened(regulator)
    for counts in ([4.0, 0.0, 1.0, 8.0], [0.0, 0.0, 2.0, 0.0]):
        spikes = torch.tensor(counts)
        one = regulator.regulate(one, spikes, 100.0)
        several = regulator.regulate(several, rows * spikes, rows * 100.0, rows)
    assert not torch.equal(one["weight"], weights())
    for name, value in one.items():
        torch.testing.assert_close(several[name], value)
