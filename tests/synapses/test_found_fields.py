"""Fields that another connection finds while it is wired."""

from functools import partial

import pytest
import torch

from lightning_snn.core.config import to_config
from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import STDP, CompetitiveHebbian
from lightning_snn.synapses import Columns, Dense, FoundFields, Local

SIZES = {"below": 40, "pooling": 6, "features": 12}


def wired(kind=Dense, **options):
    return Connection("below", "pooling", partial(kind, **{"rule": STDP(), **options}))


def looking(source="below", **options):
    fields = FoundFields(**{"connection": "finder", "size": 5, **options})
    return Connection(
        source, "features", partial(Columns, fields=fields, rule=CompetitiveHebbian(), gain=2.0)
    )


def network_of(connections, seed=0):
    layers = {name: SpikingLayer(Square(size, 5.0), LIF(5.0)) for name, size in SIZES.items()}
    more = {"up": Connection("pooling", "features", Dense)}
    return SpikingNetwork(layers, connections | more, seed=seed)


def built(**options):
    return network_of({"finder": wired(), "columns": looking(**options)})


def strongest(projection, size):
    """Nodes of each unit's largest weights, one by one, in ascending order."""
    weight = projection.matrix(projection.weight) if isinstance(projection, Local) else projection.weight
    ranked = [sorted(range(len(row)), key=lambda n, row=row: -row[n]) for row in weight.tolist()]
    return [sorted(nodes[:size]) for nodes in ranked]


@pytest.mark.parametrize("finder", [wired, partial(wired, Local, radius=3.0)], ids=["dense", "local"])
def test_they_are_the_strongest_inputs_of_each_unit(finder):
    network = network_of({"finder": finder(), "columns": looking()})
    found, columns = (network.connection(name).projection for name in ("finder", "columns"))
    before = strongest(found, 5)
    assert columns.nodes.tolist() == before
    assert columns.units_per_field == 2
    found.rewire({"weight": torch.rand(found.weight.shape, generator=torch.Generator().manual_seed(7))})
    assert columns.nodes.tolist() == before
    network.find_fields()
    after = strongest(found, 5)
    assert columns.nodes.tolist() == after != before


def test_currents_come_from_the_nodes_that_were_found():
    network = built()
    found, columns = (network.connection(name).projection for name in ("finder", "columns"))
    with torch.no_grad():
        found.weight.zero_()
        found.weight[:, 30:35] = 1
    network.find_fields()
    spikes = torch.zeros(1, 40)
    spikes[0, 30:35] = 1
    assert torch.equal(columns(1 - spikes), torch.zeros(1, 12))
    assert (columns(spikes) > 1).all()


def test_a_control_finds_its_own():
    network = built()
    own = network.connection("columns").projection
    before = own.nodes.clone()
    other = Dense(40, 6, rule=STDP(), seed=9)
    copies = {
        "finder": other,
        "columns": network_of({"finder": wired(), "columns": looking()}).projections["columns"],
    }
    network.find_fields(copies)
    assert copies["columns"].nodes.tolist() == strongest(other, 5)
    assert torch.equal(own.nodes, before)


def test_a_checkpoint_holds_them():
    network, other = built(), network_of({"finder": wired(), "columns": looking()}, seed=1)
    found = network.connection("finder").projection
    found.rewire({"weight": torch.rand(6, 40)})
    network.find_fields()
    state = network.state_dict()
    columns = other.connection("columns").projection
    assert not torch.equal(columns.nodes, state["connections.columns.projection.nodes"])
    other.load_state_dict(state)
    assert columns.nodes.tolist() == strongest(found, 5)


def test_a_configuration_holds_what_was_asked_for():
    config = to_config(partial(Columns, fields=FoundFields("finder", 96)))
    assert config["init_args"]["fields"] == {
        "class_path": "lightning_snn.FoundFields",
        "init_args": {"connection": "finder", "size": 96},
    }


def test_a_connection_that_looks_into_columns_may_be_wired_too():
    network = network_of({"finder": wired(), "columns": looking()})
    assert network.learned == ["finder", "columns"]
    assert not network.connection("columns").projection.has_fields


@pytest.mark.parametrize(
    ("connections", "message"),
    [
        (
            lambda: {"finder": wired(), "columns": looking(connection="mine")},
            r"connections.columns: fields.connection must name a connection that leads from the same layer "
            r"and is listed before, one of \['finder'\], got 'mine'",
        ),
        (lambda: {"columns": looking(), "finder": wired()}, r"is listed before, one of \[\], got 'finder'"),
        (
            lambda: {"finder": wired(), "columns": looking("pooling")},
            r"that leads from the same layer .* one of \[\], got 'finder'",
        ),
        (
            lambda: {"finder": wired(rule=None), "columns": looking()},
            "fields.connection = 'finder' finds no fields: .* with a rule, got Dense without a rule",
        ),
        (
            lambda: {"finder": wired(Columns, fields=FoundFields("first", 3)), "columns": looking()},
            "connections.finder: fields.connection must name a connection",
        ),
        (
            lambda: {
                "first": wired(),
                "finder": wired(Columns, fields=FoundFields("first", 3)),
                "columns": looking(),
            },
            "fields.connection = 'finder' finds no fields: it must be .* with a rule, got Columns",
        ),
        (
            lambda: {"finder": wired(), "columns": looking(size=41)},
            "fields.size must be at most 40, the inputs of a unit, got 41",
        ),
        (
            lambda: {"finder": wired(), "columns": looking(size=0)},
            "fields.size must be a whole number above 0",
        ),
    ],
)
def test_errors(connections, message):
    with pytest.raises(ValueError, match=message):
        network_of(connections())


def test_alone_there_is_nothing_that_finds_them():
    with pytest.raises(ValueError, match=r"fields.connection must name .* one of \[\], got 'finder'"):
        Columns(40, 12, fields=FoundFields("finder", 5))
