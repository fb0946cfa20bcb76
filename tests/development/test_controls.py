from functools import partial

import pytest
import torch

from lightning_snn import metrics
from lightning_snn.development.controls import Control, ControlNetwork, named_controls
from lightning_snn.development.rewiring import grid_wiring, initial_wiring, random_wiring
from lightning_snn.geometry import Disk, Points, Square, Torus
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import STDP, CompetitiveHebbian, PairSTDP, TargetRate
from lightning_snn.synapses import Columns, Dense, FoundFields, Local, RoundFields

SHEETS = {
    "square": Square(300, 12.0, seed=0),
    "torus": Torus(300, 12.0, seed=0),
    "ring": Disk(300, 7.0, 3.0, seed=0),
    "points": Points(Square(300, 12.0, seed=0).positions),
}
RULES = {
    "competitive": CompetitiveHebbian(),
    "strict": CompetitiveHebbian(connected_above=2.5),  # no weight of 1 counts as connected
    "stdp": STDP(),
}
every_sheet = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def local_projection(sheet, rule, units=25):
    """Each unit connected to 12 to 16 nodes around a place of its own, with weights of its own."""
    projection = Dense(sheet.num_nodes, units, rule=rule)
    distances = sheet.distances()[torch.arange(units) * 11]
    order = distances.argsort(dim=1).argsort(dim=1)
    fan_in = 12 + torch.arange(units)[:, None] % 5
    weight = 0.4 + 0.5 * torch.rand(units, sheet.num_nodes, generator=torch.Generator().manual_seed(0))
    scale = max(1.0, 3 * rule.connected_above)
    projection.rewire({"weight": scale * weight * (order < fan_in)})
    return projection


def network_of(sheet, *projections, seed=0):
    layers = {"retina": SpikingLayer(sheet, LIF())}
    for k, projection in enumerate(projections):
        nodes = SpikingLayer(Square(projection.num_post, 12.0), LIF(), projection=lambda *_, p=projection: p)
        layers[f"layer{k}"] = nodes
    return SpikingNetwork(layers, seed=seed)


@every_sheet
@every_rule
def test_random_wiring_moves_a_units_weights_to_nodes_anywhere(sheet, rule):
    projection = local_projection(sheet, rule)
    weight = random_wiring(projection, sheet, 0)
    assert torch.equal(weight.sort(1).values, projection.weight.sort(1).values)
    fields = weight > rule.connected_above
    assert torch.equal(fields.sum(1), projection.connected.sum(1))
    distances = sheet.distances()
    spread, local = (metrics.rms_radius(f, distances).mean() for f in (fields, projection.connected))
    assert spread > 2.5 * local


def test_random_wiring_keeps_to_the_fields_of_columns():
    projection = Columns(300, 36, fields=RoundFields(2.0, 12), below=SHEETS["square"], rule=PairSTDP())
    fan_in = projection.exists.sum(1)
    assert fan_in.min() < fan_in.max()
    weight = random_wiring(projection, SHEETS["square"], 0)
    assert torch.equal((weight > 0).sum(2), fan_in[:, None].expand(-1, 3))
    assert torch.equal(weight.sort(2).values, projection.weight.sort(2).values)
    assert not torch.equal(weight, projection.weight)


def test_grid_wiring_needs_a_dense_projection():
    sheet = SHEETS["square"]
    local = Local(300, 25, radius=3.0, below=sheet, here=Square(25, 12.0), rule=PairSTDP())
    with pytest.raises(ValueError, match=r"layers.layer0.projection is not dense"):
        ControlNetwork(Control("grid"), network_of(sheet, local))


def test_a_control_starts_with_no_thresholds_of_its_own():
    projection = Dense(300, 25, rule=PairSTDP(), homeostasis=[TargetRate(5.0)])
    network = network_of(SHEETS["square"], projection)
    control = ControlNetwork(Control("random"), network)
    rise = control.projections["layer0"].variables.threshold_rise
    rise.fill_(3.0)
    control.rewire(network, "layer0")
    assert not rise.any()


def test_random_wiring_is_fixed_by_its_seed():
    projection = local_projection(SHEETS["square"], STDP())
    first, same, other = (random_wiring(projection, SHEETS["square"], seed) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@every_sheet
@every_rule
def test_grid_wiring_connects_even_centres_to_their_nearest_nodes(sheet, rule):
    projection = local_projection(sheet, rule)
    weight = grid_wiring(projection, sheet, 0)
    strength = projection.weight[projection.connected].mean().item()
    assert weight.unique().tolist() == pytest.approx([0, strength])
    assert projection.connected.sum(1).float().mean() == 14
    projection.rewire({"weight": weight})
    assert (projection.connected.sum(1) == 14).all()
    reach = sheet.distances(sheet.even_positions(25)).t()
    for row, distance in zip(weight > 0, reach, strict=True):
        assert distance[row].max() <= distance[~row].min()


def test_grid_fields_are_compact_and_cover_the_sheet():
    sheet = Square(300, 12.0)
    projection = local_projection(sheet, STDP())
    grid, random = (wiring(projection, sheet, 0) > 0 for wiring in (grid_wiring, random_wiring))
    assert metrics.compactness(grid, sheet.distances()).mean() > 0.8
    assert metrics.compactness(random, sheet.distances()).mean() < 0.3
    assert metrics.coverage(grid) > 0.8


@pytest.mark.parametrize("kind", ["random", "initial", "grid"])
def test_a_control_replaces_only_what_rules_wire(kind):
    sheet = SHEETS["square"]
    plastic, fixed = local_projection(sheet, STDP()), Dense(25, 5)
    network = network_of(sheet, plastic, fixed)
    control = ControlNetwork(Control(kind), network)
    assert set(control.projections) == {"layer0"}
    assert not control.projections["layer0"].wired

    before = plastic.weight.detach().clone()
    control.wire(network)
    wired = control.projections["layer0"]
    assert wired.wired
    wiring = {"random": random_wiring, "initial": initial_wiring, "grid": grid_wiring}[kind]
    assert torch.equal(wired.weight, wiring(plastic, network.layer("retina").geometry, 0, "layer0"))
    assert torch.equal(plastic.weight, before)
    assert not plastic.wired


def test_a_wired_control_is_left_alone():
    sheet = SHEETS["square"]
    plastic = local_projection(sheet, STDP())
    network = network_of(sheet, plastic, seed=3)
    control = ControlNetwork(Control("random"), network)
    control.wire(network)
    saved = {name: value.clone() for name, value in control.state_dict().items()}
    plastic.rewire({"weight": torch.rand(25, 300)})
    control.wire(network)
    assert torch.equal(control.state_dict()["copies.layer0.weight"], saved["copies.layer0.weight"])
    fresh = ControlNetwork(Control("random"), network)
    fresh.load_state_dict(saved)
    fresh.wire(network)
    assert torch.equal(fresh.projections["layer0"].weight, saved["copies.layer0.weight"])


def test_only_known_controls_each_once():
    found = named_controls(["random", "grid", "pixels"])
    assert {name: control.kind for name, control in found.items()} == {k: k for k in found}
    with pytest.raises(
        ValueError, match="controls must be one of grid, initial, pixels, random, got 'chance'"
    ):
        named_controls(["random", "chance"])
    with pytest.raises(ValueError, match=r"controls must differ, got \['grid', 'grid'\]"):
        named_controls(["grid", "grid"])
    network = network_of(SHEETS["square"], local_projection(SHEETS["square"], STDP()))
    with pytest.raises(ValueError, match="controls must be one of grid, initial, random, got 'pixels'"):
        ControlNetwork(Control("pixels"), network)
    with pytest.raises(
        ValueError, match=r"rewires a connection that a rule wires, one of \['layer0'\], got 'x'"
    ):
        ControlNetwork(Control("random", "x"), network)


def in_found_fields(*, size=20, seed=0):
    """Fields that 12 units have found, and columns of 3 units in each."""
    sheet = SHEETS["square"]
    layers = {"retina": SpikingLayer(sheet, LIF())}
    layers |= {name: SpikingLayer(Square(count, 12.0), LIF()) for name, count in (("p", 12), ("f", 36))}
    columns = partial(Columns, fields=FoundFields("fields", size), rule=PairSTDP())
    found = local_projection(sheet, STDP(), 12)
    connections = {
        "fields": Connection("retina", "p", lambda *_: found),
        "columns": Connection("retina", "f", columns),
    }
    network = SpikingNetwork(layers, connections, seed=seed)
    for name in connections:
        network.weighted[name].wired.fill_(True)
    return network


def rewired(network, control):
    """The projections of a control, each as it starts."""
    own = ControlNetwork(control, network)
    for name in own.projections:
        own.rewire(network, name)
    return own.projections


def test_scattered_fields_are_nodes_by_chance_in_which_columns_start_anew():
    network = in_found_fields(size=12)  # as many as the smallest field has
    network.weighted["columns"].rewire({"weight": torch.rand(12, 3, 12)})
    own = rewired(network, Control("random", "fields"))
    nodes, columns = own["columns"].nodes, own["columns"]
    assert torch.equal(nodes, own["fields"].strongest(12).sort(1).values)
    seen = torch.zeros(12, 300).scatter_(1, nodes, 1.0)
    shared = (seen @ seen.t())[*torch.triu_indices(12, 12, 1)]
    assert shared.mean().item() == pytest.approx(12 * 12 / 300, abs=0.3)  # as of independent draws
    assert seen.sum(0).max() <= 4
    distances = network.layer("retina").geometry.distances()
    assert metrics.rms_radius(seen > 0, distances).min() > 3.5
    assert torch.equal(columns.weight, columns.initial_weight())
    assert torch.equal(columns.weight, network.weighted["columns"].initial_weight())


@pytest.mark.parametrize("size", [5, 14, 40])
def test_fields_of_a_grid_are_the_nodes_nearest_to_each_centre(size):
    network = in_found_fields(size=size)
    sheet = network.layer("retina").geometry
    nodes = rewired(network, Control("grid", "fields"))["columns"].nodes
    nearest = sheet.distances(sheet.even_positions(12)).t().argsort(1)[:, :size]
    assert torch.equal(nodes, nearest.sort(1).values)


def test_several_connections_are_wired_by_chance():
    network = in_found_fields()
    network.weighted["columns"].rewire({"weight": torch.rand(12, 3, 20)})
    own, alone = (rewired(network, Control("random", names)) for names in (["columns", "fields"], "fields"))
    assert list(own) == ["fields", "columns"]
    assert torch.equal(own["fields"].weight, alone["fields"].weight)
    assert torch.equal(own["columns"].nodes, alone["columns"].nodes)
    learned = network.weighted["columns"].weight
    assert torch.equal(own["columns"].weight, random_wiring(network.weighted["columns"], None, 0, "columns"))
    assert torch.equal(own["columns"].weight.sort(2).values, learned.sort(2).values)
    both = ControlNetwork(Control("random", ["fields", "columns"]), network)
    both.wire(network)
    assert both.unwired == []


def test_first_weights_are_drawn_anew():
    network = in_found_fields(seed=4)
    columns = network.weighted["columns"]
    columns.rewire({"weight": torch.rand(12, 3, 20)})
    own = rewired(network, Control("initial", "columns"))["columns"]
    assert torch.equal(own.nodes, columns.nodes)
    mean, spread = columns.initial_weight().mean().item(), columns.initial_weight().std().item()
    assert own.weight.mean().item() == pytest.approx(mean, abs=0.15 * spread)
    assert own.weight.std().item() == pytest.approx(spread, rel=0.1)
    correlation = torch.corrcoef(torch.stack([own.weight.flatten(), columns.initial_weight().flatten()]))
    assert abs(correlation[0, 1]) < 0.15
    assert not torch.equal(own.weight, initial_wiring(columns, None, 5, "columns"))
    assert not torch.equal(own.weight, initial_wiring(columns, None, 4, "others"))


def test_the_gain_is_the_controls_own():
    network = in_found_fields()
    own = ControlNetwork(Control("random", ["columns", "fields"], gain=3.0), network).projections
    assert (own["fields"].gain, own["columns"].gain) == (1.0, 3.0)
    assert [network.weighted[name].gain for name in ("fields", "columns")] == [1.0, 1.0]
    spikes = torch.ones(1, 300)
    own["columns"].rewire(network.weighted["columns"].wiring)
    torch.testing.assert_close(own["columns"](spikes), 3 * network.weighted["columns"](spikes))


def test_errors_of_a_control():
    with pytest.raises(ValueError, match=r"controls.gain must be a finite number above 0, got -1"):
        Control("random", gain=-1)
    with pytest.raises(ValueError, match="'pixels' has no connection that could have the gain 2"):
        Control("pixels", gain=2)
    with pytest.raises(ValueError, match="must name at least one connection, got an empty list"):
        Control("random", [])
    with pytest.raises(ValueError, match=r"one of \['fields', 'columns'\], got 'x'"):
        ControlNetwork(Control("random", ["fields", "x"]), in_found_fields())
    with pytest.raises(ValueError, match=r"connections.columns is not dense"):
        ControlNetwork(Control("grid", ["fields", "columns"]), in_found_fields())
