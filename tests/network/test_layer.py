from functools import partial

import pytest
import torch

from lightning_snn.core.tensors import leaves
from lightning_snn.geometry import Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import STDP
from lightning_snn.synapses import Coupling, Dense, Lateral, LateralKernel, Projection

KERNEL = LateralKernel(excitation=0.5, inhibition_range=3.0)


class Wrapped(Projection):
    """A projection of a user's own."""

    def __init__(self, inner):
        super().__init__(inner.num_pre, inner.num_post)
        self.inner = inner

    def forward(self, spikes):
        return self.inner(spikes)


class WrappedCoupling(Coupling):
    """As `Wrapped`, and one that follows its sheet."""

    def __init__(self, inner):
        super().__init__(inner.num_pre)
        self.inner = inner

    def forward(self, spikes):
        return self.inner(spikes)


class Own(Lateral):
    """`KERNEL` in a projection that knows no way through time of its own."""

    def __init__(self, kind):
        self.kind = kind

    def couple(self, sheet):
        return self.kind(KERNEL.couple(sheet))


def layer_of(neuron=None, **options):
    return SpikingLayer(Square(60, side=6.0, seed=0), neuron or LIF(5.0), **options)


def network_of(neuron=None, **options):
    return SpikingNetwork({"sheet": layer_of(neuron, **options)})


def run(network, current, state=None, **options):
    """Spikes of the sheet, and its state."""
    spikes, end = network.run({"sheet": current}, state, **options)
    return spikes["sheet"], end


def drive(steps, batch, nodes=60, seed=0):
    return 2 + 5 * torch.randn(steps, batch, nodes, generator=torch.Generator().manual_seed(seed))


def test_shapes():
    spikes, state = layer_of(Izhikevich())(drive(10, 3))
    assert spikes.shape == (10, 3, 60)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert state.neurons.v.shape == state.neurons.u.shape == (3, 60)
    assert torch.equal(state.spikes, spikes[-1])


@pytest.mark.parametrize("lateral", [None, KERNEL], ids=["alone", "coupled"])
@pytest.mark.parametrize(
    "neuron", [LIF(5.0, refractory=2.0), Izhikevich("heterogeneous", seed=0)], ids=["lif", "izh"]
)
@pytest.mark.parametrize("split", [1, 23])
def test_a_run_in_two_parts_equals_one_long_run(lateral, neuron, split):
    network = network_of(neuron, lateral=lateral)
    current = drive(60, 2)
    spikes, state = run(network, current)
    first, middle = run(network, current[:split])
    second, end = run(network, current[split:], middle)
    assert spikes.sum() > 50
    assert torch.equal(torch.cat([first, second]), spikes)
    for a, b in zip(leaves(end), leaves(state), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", [Wrapped, WrappedCoupling])
def test_any_projection_may_couple_a_sheet(kind):
    current = drive(40, 2)
    spikes, state = run(network_of(lateral=Own(kind)), current)
    expected, end = run(network_of(lateral=KERNEL), current)
    assert not torch.equal(expected, run(network_of(), current)[0])
    assert torch.equal(spikes, expected)
    for a, b in zip(leaves(state), leaves(end), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("storage", ["dense", "mesh"])
@pytest.mark.parametrize(
    "neuron", [LIF(5.0, refractory=2.0), Izhikevich("heterogeneous", seed=0)], ids=["lif", "izh"]
)
def test_a_sheet_equals_a_loop_over_steps(neuron, storage):
    kernel = LateralKernel(excitation=0.5, inhibition_range=3.0, storage=storage)
    network, current = network_of(neuron, lateral=kernel), drive(40, 2)
    layer, coupling = network.layer("sheet"), network.connection("sheet_lateral").projection
    state, sent, expected = layer.neuron.rest(2, 60, current), torch.zeros(2, 60), []
    for step in current:
        sent, state = layer.neuron.advance(step + coupling(sent), state)
        expected.append(sent)
    spikes, end = run(network, current)
    assert spikes.any()
    assert torch.equal(spikes, torch.stack(expected))
    torch.testing.assert_close(end.layers["sheet"].neurons.v, state.v)
    with_gradients, _ = run(network, current.clone().requires_grad_())
    assert torch.equal(with_gradients, spikes)


@pytest.mark.parametrize(("kind", "follows"), [(Wrapped, False), (WrappedCoupling, True)])
def test_a_coupling_follows_its_sheet_and_other_projections_stay(kind, follows):
    network, moved = network_of(lateral=Own(kind)), network_of(lateral=Own(kind)).state_dict()
    moved["layers.sheet.positions"] = moved["layers.sheet.positions"].flip(0) / 2
    before = network.connection("sheet_lateral").projection
    network.load_state_dict(moved, strict=False)
    geometry, after = network.layer("sheet").geometry, network.connection("sheet_lateral").projection
    assert torch.equal(geometry.positions, moved["layers.sheet.positions"])
    assert (after is not before) == follows
    assert torch.equal(after.inner.rows, KERNEL.couple(geometry).rows) == follows


def test_rest_is_where_a_run_starts():
    network = network_of(lateral=KERNEL)
    current = drive(20, 2)
    assert torch.equal(run(network, current)[0], run(network, current, network.rest(2, current))[0])


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_a_spike_delivers_the_same_charge_at_any_dt(dt):
    network, sent = network_of(LIF(5.0, dt=dt), lateral=KERNEL), torch.eye(60)[None]
    current, _ = network.connection("sheet_lateral").projection.transmit(sent, dt=dt)
    torch.testing.assert_close(current[0] * dt, KERNEL.matrix(network.layer("sheet").geometry))


def test_coupling_of_development_acts_only_then():
    current = drive(40, 2)
    alone, always, development = (
        network_of(lateral=lateral, lateral_active=active)
        for lateral, active in ((None, "always"), (KERNEL, "always"), (KERNEL, "development"))
    )
    coupled = run(always, current)[0]
    assert not torch.equal(coupled, run(alone, current)[0])
    assert torch.equal(run(always, current, developing=True)[0], coupled)
    assert torch.equal(run(development, current)[0], run(alone, current)[0])
    assert torch.equal(run(development, current, developing=True)[0], coupled)


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_noise_comes_from_the_generator_and_scales_with_dt(dt):
    noisy, quiet = (network_of(LIF(5.0, dt=dt), noise=noise) for noise in (4.0, 0.0))
    current = torch.ones(50, 2, 60)

    def seeded(seed):
        return run(noisy, current, generator=torch.Generator().manual_seed(seed))[0]

    draw = torch.randn(50, 2, 60, generator=torch.Generator().manual_seed(7))
    assert seeded(7).sum() > 50
    assert torch.equal(seeded(7), run(quiet, current + 4.0 * dt**-0.5 * draw)[0])
    assert not torch.equal(seeded(7), seeded(8))
    assert torch.equal(run(noisy, current, noise=False)[0], run(quiet, current)[0])


def test_a_heterogeneous_population_gets_the_size_of_its_sheet():
    layer = layer_of(Izhikevich("heterogeneous", seed=4))
    assert layer.neuron.c.shape == (60,)
    assert layer.node(7).parameters["c"] == layer.neuron.c[7].item()


def test_a_node_is_a_view_of_its_neuron():
    bottom = layer_of(Izhikevich("heterogeneous"))
    top = SpikingLayer(Square(5, side=6.0), LIF(7.0), projection=partial(Dense, rule=STDP()))
    network = SpikingNetwork({"bottom": bottom, "top": top})
    connection = network.connection("top")
    assert torch.equal(bottom.node(3).position, bottom.geometry.positions[3])

    node = top.node(2)
    assert node.parameters["tau_mem"] == 7.0
    with torch.no_grad():
        connection.projection.weight[2] = 0
        connection.projection.weight[2, [4, 9]] = 0.9
    assert node.weights(connection).nonzero()[:, 0].tolist() == [4, 9]
    assert node.field(connection).tolist() == [4, 9]


def test_a_nodes_state_is_its_part_of_the_layers_state():
    layer = layer_of(Izhikevich())
    _, state = layer(drive(5, 3))
    found = layer.node(11).state(state)
    assert set(found) == {"v", "u"}
    assert torch.equal(found["v"], state.neurons.v[:, 11])
    assert torch.equal(found["u"], state.neurons.u[:, 11])


@pytest.mark.parametrize("index", [-1, 60])
def test_there_is_no_such_node(index):
    with pytest.raises(IndexError, match=f"node must lie in 0 to 59, got {index}"):
        layer_of().node(index)


def test_positions_are_saved_and_the_coupling_is_not():
    assert set(network_of(lateral=KERNEL).state_dict()) == {"seed", "layers.sheet.positions"}


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (torch.zeros(5, 1, 59), r"current must be \[T, B, 60\], got \[5, 1, 59\]"),
        (torch.zeros(5, 60), r"current must be floating point, \[T, B, N\]"),
        (torch.zeros(5, 1, 60).long(), r"current must be floating point.*got torch.int64"),
        (torch.zeros(0, 1, 60), r"no empty dimension, got torch.float32 \[0, 1, 60\]"),
    ],
)
def test_currents_of_another_kind_are_refused(current, message):
    with pytest.raises(ValueError, match=message):
        layer_of()(current)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lateral_active": "never"}, "lateral_active must be one of always, development, got 'never'"),
        ({"noise": -1.0}, "noise must be a finite number, 0 or above, got -1.0"),
        ({"lateral": LateralKernel(inhibition_range=20.0)}, "layers.sheet.lateral: geometry is too small"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        network_of(**options)


def test_a_sheet_under_strong_lateral_inhibition_stays_finite():
    kernel = LateralKernel(inhibition=10.0)
    sheet = SpikingLayer(Square(1500, 28.0, seed=0), Izhikevich("heterogeneous"), lateral=kernel)
    noise = 3 * torch.randn(2000, 1, 1500, generator=torch.Generator().manual_seed(0))
    spikes, state = run(SpikingNetwork({"sheet": sheet}), noise)
    assert 0 < spikes.mean() < 0.1
    assert all(value.isfinite().all() for value in state.layers["sheet"].neurons)


def test_a_network_belongs_to_the_dt_it_was_made_for():
    network = network_of(lateral=KERNEL)
    network.layer("sheet").neuron.dt = 0.5
    with pytest.raises(
        ValueError, match=r"layers.sheet.neuron.dt must stay 1.0 ms, which the network .* got 0.5"
    ):
        run(network, drive(3, 1))
