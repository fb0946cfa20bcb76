import pytest
import torch

from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.stimuli import SpontaneousWaves
from lightning_snn.synapses import Dense, LateralKernel

KERNEL = LateralKernel(inhibition_range=5.0)


def network(dt=1.0, nodes=80, **options):
    """A sheet that makes waves, and a layer above."""
    options = {"lateral": KERNEL, "lateral_active": "development"} | options
    layers = {
        "sheet": SpikingLayer(Square(nodes, side=6.5), LIF(), **options),
        "above": SpikingLayer(Square(5, 6.5), LIF(), projection=Dense),
    }
    return SpikingNetwork(layers, dt=dt)


def noise(stimulus, streams, *, of=None, steps=300, round_number=0):
    currents = stimulus.currents(
        of or network(), "above", steps=steps, streams=streams, round_number=round_number
    )
    assert list(currents) == ["sheet"]
    return currents["sheet"]


def test_noise_is_fixed_by_seed_stream_and_round():
    reference = noise(SpontaneousWaves(seed=0), [0])
    assert torch.equal(noise(SpontaneousWaves(seed=0), [0]), reference)
    others = [
        noise(SpontaneousWaves(seed=0), [1]),
        noise(SpontaneousWaves(seed=0), [0], round_number=1),
        noise(SpontaneousWaves(seed=1), [0]),
    ]
    for i, other in enumerate(others):
        for earlier in [reference, *others[:i]]:
            correlation = torch.corrcoef(torch.stack([other.flatten(), earlier.flatten()]))[0, 1]
            assert abs(correlation) < 0.03


@pytest.mark.parametrize("streams", [range(4), range(2, 4), [3], [3, 0]])
def test_a_streams_noise_depends_on_its_own_number_only(streams):
    whole = noise(SpontaneousWaves(seed=0), range(4))
    assert torch.equal(noise(SpontaneousWaves(seed=0), streams), whole[:, list(streams)])


@pytest.mark.parametrize("dt", [1.0, 0.25, 4.0])
def test_noise_has_the_amplitude_over_the_root_of_dt(dt):
    current = noise(SpontaneousWaves(2.0, seed=0), [0], of=network(dt))
    assert current.std().item() == pytest.approx(2.0 * dt**-0.5, rel=0.02)
    assert current.mean().item() == pytest.approx(0, abs=0.05 * dt**-0.5)
    torch.testing.assert_close(current * dt**0.5, noise(SpontaneousWaves(2.0, seed=0), [0]))


def test_noise_is_drawn_at_once_and_not_step_by_step():
    draw = torch.randn(300, 80, generator=RandomStream(5, "noise").torch(7, 11))
    assert torch.equal(noise(SpontaneousWaves(3.0, seed=5), [7], round_number=11)[:, 0], 3 * draw)


def test_any_layer_with_lateral_coupling_can_make_waves():
    layers = {
        "first": SpikingLayer(Square(20, side=6.5), LIF()),
        "second": SpikingLayer(Square(80, side=6.5), LIF(), projection=Dense, lateral=KERNEL),
        "third": SpikingLayer(Square(5, 6.5), LIF(), projection=Dense),
    }
    three, waves = SpikingNetwork(layers), SpontaneousWaves(layer="second", seed=0)
    waves.check(three, "third")
    currents = waves.currents(three, "third", steps=9, streams=range(2), round_number=0)
    assert list(currents) == ["second"]
    assert currents["second"].shape == (9, 2, 80)
    with pytest.raises(ValueError, match=r"give layers.first `lateral`"):
        SpontaneousWaves().check(three, "third")
    with pytest.raises(
        ValueError, match=r"layer must name a layer of \['first', 'second', 'third'\], got 'x'"
    ):
        SpontaneousWaves(layer="x").check(three, "third")
    with pytest.raises(
        ValueError, match=r"nothing leads from there to layers.first, where layers.second.proj"
    ):
        SpontaneousWaves(layer="second").check(three, "second")


def run_sheet(sheet, neuron, kernel):
    """Spikes ``[T, S, N]`` of a sheet that is left alone with noise, and the distances of its nodes."""
    layer = SpikingLayer(sheet, neuron, lateral=kernel, lateral_active="development")
    above = SpikingLayer(Square(5, 6.5), LIF(), projection=Dense)
    of = SpikingNetwork({"sheet": layer, "above": above}, seed=0)
    currents = SpontaneousWaves().currents(of, "above", steps=1500, streams=range(2), round_number=0)
    spikes, _ = of.run(currents, layers=["sheet"], developing=True)
    return spikes["sheet"][500:], of.layer("sheet").geometry.distances()


def mean_distance(spikes, distances):
    """Between nodes that fire in the same step of the same stream."""
    pairs = torch.einsum("tsn,tsm->nm", spikes, spikes).fill_diagonal_(0)
    return ((pairs * distances).sum() / pairs.sum()).item()


@pytest.mark.parametrize("kind", [Torus, Square])
@pytest.mark.parametrize(
    "neuron",
    [
        Izhikevich("heterogeneous", seed=0),
        # a current held for 1 ms moves v by 1 - exp(-1 / tau_mem) of itself: the resistance makes that 1
        LIF(20.0, resistance=20.5, threshold=15.0, adaptation=10.0, refractory=3.0),
    ],
    ids=["izhikevich", "lif"],
)
def test_a_coupled_sheet_makes_waves(kind, neuron):
    sheet = kind(500, side=16.2)
    waves, distances = run_sheet(sheet, neuron, KERNEL)
    chance = (distances.sum() / (500 * 499)).item()
    scattered, _ = run_sheet(sheet, neuron, LateralKernel(0.0, inhibition=0.0, inhibition_range=5.0))
    assert waves.sum() > 2000
    assert mean_distance(waves, distances) < 0.6 * chance
    assert mean_distance(scattered, distances) == pytest.approx(chance, rel=0.15)
    assert waves.amax((0, 1)).mean() > 0.7


def test_noise_alone_makes_no_waves():
    SpontaneousWaves().check(network(), "above")
    with pytest.raises(
        ValueError, match=r"spontaneous waves need lateral coupling: give layers.sheet `lateral`"
    ):
        SpontaneousWaves().check(network(lateral=None), "above")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amplitude": 0.0}, "amplitude must be a finite number above 0, got 0.0"),
        ({"seed": -1}, "seed must be a whole number, 0 or above, got -1"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        SpontaneousWaves(**options)
