from functools import partial

import pytest
import torch

from lightning_snn.core.random import RandomStream
from lightning_snn.development.report import measure_fields
from lightning_snn.development.standalone import self_organize
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import STDP
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


@pytest.mark.parametrize("dt", [0.5, 0.25, 0.1])
def test_noise_is_the_same_current_at_every_step(dt):
    """Held for the millisecond that it is drawn for; also where a round ends within one."""
    reference = noise(SpontaneousWaves(2.0, seed=0), [0], steps=30)
    current = noise(SpontaneousWaves(2.0, seed=0), [0], of=network(dt), steps=round(30 / dt) - 1)
    torch.testing.assert_close(current, reference.repeat_interleave(round(1 / dt), dim=0)[:-1])


@pytest.mark.parametrize("dt", [0.3, 0.7, 2.0, 4.0])
def test_noise_of_other_steps_has_the_same_power(dt):
    """The variance of its integral over many steps: amplitude^2 times the time."""
    current = noise(SpontaneousWaves(2.0, seed=0), [0], of=network(dt), steps=3000)[:, 0]
    over = (current * dt).unfold(0, 60, 60).sum(-1)
    assert over.var().item() == pytest.approx(4.0 * 60 * dt, rel=0.05)
    assert current.mean().item() == pytest.approx(0, abs=0.05 * dt**-0.5)


def sheet_network(nodes=1500, *, excitation=5.0, neuron=None, storage="auto", side=28.0, seed=0):
    kernel = LateralKernel(excitation, inhibition_range=5.0, storage=storage)
    neuron = neuron or Izhikevich("heterogeneous")
    layers = {
        "sheet": SpikingLayer(Square(nodes, side), neuron, lateral=kernel, lateral_active="development"),
        "above": SpikingLayer(Square(5, side), LIF(), projection=Dense),
    }
    return SpikingNetwork(layers, seed=seed)


def rate_of(of, stimulus, *, steps=2000):
    """Mean rate in Hz of the sheet under a stimulus, in runs other than those that it was tuned by."""
    stimulus.draw(int(of.seed), "above")
    replaced = stimulus.prepare(of, "above")
    currents = stimulus.currents(of, "above", steps=steps, streams=range(4), round_number=0)
    spikes, _ = of.run(currents, layers=["sheet"], developing=True, projections=replaced)
    return spikes["sheet"][300:].mean().item() * 1000


def test_neighbours_of_a_dense_sheet_share_their_noise():
    of = sheet_network(1200, side=14.0)
    current = noise(SpontaneousWaves(seed=0), [0, 1], of=of, steps=200)
    patterns = current[:, 0].t().unique(dim=0)
    crowding = of.connection("sheet_lateral").projection.crowding
    assert crowding == pytest.approx(1200 / 14**2 / 1.91)
    assert len(patterns) == pytest.approx(1200 / crowding, rel=0.02)
    assert current.std().item() == pytest.approx(3.0, rel=0.03)
    assert not torch.equal(current[:, 0], current[:, 1])
    distances = of.layer("sheet").geometry.distances()
    same = (current[:5, 0, :, None] == current[:5, 0, None]).all(0).fill_diagonal_(False)
    assert same.any(1).float().mean() > 0.9
    assert distances[same].max() < 2.0


def test_a_dense_sheet_makes_waves_as_one_of_the_usual_density_does():
    usual, dense = (rate_of(sheet_network(nodes), SpontaneousWaves(seed=3)) for nodes in (1500, 3000))
    assert dense == pytest.approx(usual, rel=0.3)  # with noise of their own: 0.2 Hz
    assert usual > 4


@pytest.mark.parametrize(
    "options",
    [{"excitation": 4.0}, {"excitation": 6.0}, {"nodes": 500}],
    ids=["weak", "strong", "thin"],
)
def test_the_excitation_is_scaled_to_a_rate(options):
    of = sheet_network(**options)
    before = of.connection("sheet_lateral").projection.state_dict()
    assert rate_of(of, SpontaneousWaves(rate=8.0)) == pytest.approx(8.0, rel=0.3)
    assert SpontaneousWaves(rate=8.0).prepare(of, "above").keys() == {"sheet_lateral"}
    assert of.connection("sheet_lateral").projection.state_dict().keys() == before.keys()


def test_a_sheet_that_comes_close_to_its_rate_is_left_alone():
    of = sheet_network()
    assert SpontaneousWaves(rate=8.0, seed=1).prepare(of, "above") == {}
    assert SpontaneousWaves(rate=20.0, seed=1).prepare(of, "above").keys() == {"sheet_lateral"}


@pytest.mark.parametrize("storage", ["dense", "mesh"])
def test_a_coupling_with_other_excitation_is_that_of_another_kernel(storage):
    torch.manual_seed(0)
    spikes = (torch.rand(6, 400) < 0.1).float()
    sheet = Square(400, 14.0, seed=0)
    couple = [LateralKernel(e, inhibition_range=5.0, storage=storage).couple(sheet) for e in (5.0, 5.0 * 1.3)]
    torch.testing.assert_close(couple[0].excited(1.3)(spikes), couple[1](spikes), rtol=1e-5, atol=1e-4)
    assert not torch.allclose(couple[0](spikes), couple[1](spikes), atol=1e-2)


def test_single_spikes_are_no_waves():
    with pytest.warns(UserWarning, match=r"layers.sheet: the neurons spike with 0.\d+ Hz in noise, w"):
        rate_of(sheet_network(excitation=4.0), SpontaneousWaves())


def test_rates_that_cannot_be_had_are_refused_before_the_run():
    deaf = sheet_network(neuron=LIF(threshold=1e6))
    with pytest.raises(
        ValueError, match=r"layers.sheet: no neuron spikes in 4 times 0.5 s of noise, so there a"
    ):
        rate_of(deaf, SpontaneousWaves())
    with pytest.raises(ValueError, match=r"rate = 8.0 Hz cannot be had: .* layers.sheet have 0 Hz, and 0 Hz"):
        rate_of(deaf, SpontaneousWaves(rate=8.0))


def test_waves_of_a_sheet_with_dead_nodes_localise_fields():
    """A fifth of the nodes are there, but silent after at most one spike: the rest must send more."""
    dead, r = torch.rand(1500) < 0.2, torch.rand(1500)
    a, d = torch.where(dead, 1e-9, 0.02), torch.where(dead, 1e6, 8 - 6 * r**2)
    neuron = Izhikevich(a=a.tolist(), b=0.2, c=(-65 + 15 * r**2).tolist(), d=d.tolist())
    kernel = LateralKernel(inhibition_range=5.0)
    layers = {
        "sheet": SpikingLayer(Square(1500, 28.0), neuron, lateral=kernel, lateral_active="development"),
        "above": SpikingLayer(Square(60, 28.0), LIF(10.0), projection=partial(Dense, rule=STDP())),
    }
    of = SpikingNetwork(layers, seed=0)
    self_organize(of, stimulus=SpontaneousWaves(rate=8.0), max_steps=100_000, stop_at=0.9)
    fields = measure_fields(of.connection("above").projection, of.layer("sheet").geometry, target_share=0.15)
    assert fields["localised_share"] >= 0.9  # without a rate: 0.46


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
