"""Smooth noise: a pattern of its own for each stream and round, whatever the process."""

import pytest
import torch

import lightning_snn as snn


def network(below=None):
    layers = {
        "a": snn.SpikingLayer(below or snn.Square(200, side=10.0), snn.LIF()),
        "b": snn.SpikingLayer(snn.Square(9, side=10.0), snn.LIF(), projection=lambda n, m: snn.Dense(
            n, m, rule=snn.STDP())),
    }  # fmt: skip
    return snn.SpikingNetwork(layers, seed=0)


def patterns(noise, found, streams, number=0, steps=3):
    return noise.currents(found, "b", steps=steps, streams=streams, round_number=number)["a"]


@pytest.mark.parametrize("reach", [0.0, 2.0])
def test_half_the_nodes_get_nothing_and_some_the_amplitude(reach):
    held = patterns(snn.SmoothNoise(5.0, reach=reach, seed=0), network(), range(400))
    assert held.shape == (3, 400, 200)
    assert torch.equal(held[0], held[2])
    assert held.min() == 0
    assert held.max() == 5
    assert (held == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert (held == 5).float().mean().item() == pytest.approx(0.16, abs=0.02)


def test_neighbours_get_what_is_alike_as_far_as_it_reaches():
    found = network()
    held = patterns(snn.SmoothNoise(reach=1.5, seed=0), found, range(300))[0]
    distances, alike = found.layer("a").geometry.distances(), torch.corrcoef(held.t())
    near, far = (distances > 0) & (distances < 0.5), distances > 7
    assert alike[near].mean() > 0.8
    assert alike[far].abs().mean() < 0.1
    own = torch.corrcoef(patterns(snn.SmoothNoise(reach=0.0, seed=0), found, range(300))[0].t())
    assert own[near].abs().mean() < 0.1


def test_a_stream_sees_the_same_bits_wherever_it_runs_and_another_pattern_each_round():
    found, noise = network(), snn.SmoothNoise(seed=0)
    whole = patterns(noise, found, range(6))
    assert torch.equal(patterns(noise, found, range(4, 6)), whole[:, 4:])
    assert not torch.equal(patterns(noise, found, range(6), number=1), whole)
    assert not torch.equal(patterns(snn.SmoothNoise(seed=1), found, range(6)), whole)
    assert not torch.equal(whole[0, 0], whole[0, 1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_patterns_have_the_format_of_the_network(dtype):
    assert patterns(snn.SmoothNoise(seed=0), network().to(dtype), range(2)).dtype == dtype


def test_another_sheet_has_patterns_of_its_own():
    noise = snn.SmoothNoise(seed=0)
    assert patterns(noise, network(), range(2)).shape[2] == 200
    assert patterns(noise, network(snn.Maps(2, 6, 6)), range(2)).shape[2] == 72


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="amplitude must be a finite number above 0"):
        snn.SmoothNoise(0.0)
    with pytest.raises(ValueError, match=r"reach must be .*0 or above"):
        snn.SmoothNoise(reach=-1.0)
