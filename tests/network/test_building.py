"""What a network is made of must fit together: each mistake in one sentence with its key."""

from functools import partial

import pytest
import torch

from lightning_snn.geometry import Maps, Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.network.graph import groups, input_layers
from lightning_snn.neurons import LIF, ConductanceLIF, IntegrateFire, Izhikevich
from lightning_snn.plasticity import STDP, CompetitiveHebbian, TargetRate
from lightning_snn.synapses import (
    Columns,
    Dense,
    FoundFields,
    LateralInhibition,
    LateralKernel,
    Local,
    Pool2d,
    UniformInhibition,
)


def layer(nodes=9, neuron=None, **options):
    return SpikingLayer(Square(nodes, side=5.0), neuron or LIF(5.0), **options)


def maps(channels, side, **options):
    return SpikingLayer(Maps(channels, side, side), LIF(), **options)


class Fixed(STDP):
    """A rule of a user's own that has no `dt`."""

    def __init__(self):
        super().__init__(threshold=2.0)


def wrong_size(num_pre, num_post):
    return Dense(num_pre + 1, num_post)


def two(*connections, **layers):
    named = {"a": layer(), "b": layer(4)} | layers
    return named, {f"c{number}": connection for number, connection in enumerate(connections)}


def pool_in_a_loop():
    layers = {"a": maps(2, 4), "b": maps(2, 2, projection=partial(Pool2d, kernel_size=2))}
    return layers, {"back": Connection("b", "a", Dense)}


def used_twice():
    layers, connections = two(Connection("a", "b", Dense))
    SpikingNetwork(layers, connections)
    return two(connections["c0"])


found = partial(Columns, fields=FoundFields("finder", size=3))
ERRORS = {
    "no layer": (lambda: ({}, {}), "layers must name at least one layer, got none"),
    "nothing before": (
        lambda: two(a=layer(projection=Dense)),
        "layers.a.projection leads here from the layer before, and the first layer has none",
    ),
    "joined to nothing": (lambda: two(), "layers.[ab] is joined to no other layer"),
    "a loop alone joins to nothing": (
        lambda: two(Connection("a", "a", Dense)), "layers.[ab] is joined to no other layer",
    ),
    "no such target": (
        lambda: two(Connection("a", "z", Dense)),
        r"connections.c0.target must name a layer of \['a', 'b'\], got 'z'",
    ),
    "no such source": (
        lambda: two(Connection("z", "b", Dense)),
        r"connections.c0.source must name a layer of \['a', 'b'\], got 'z'",
    ),
    "no such input": (
        lambda: two(Connection("a", "b", Dense, input="inhibition")),
        "connections.c0.input: LIF has no input 'inhibition': it has current",
    ),
    "size": (
        lambda: two(Connection("a", "b", wrong_size)),
        "connections.c0: projection leads from 10 to 4 neurons, but the layers a and b have 9 and 4",
    ),
    "size, short form": (
        lambda: two(b=layer(4, projection=wrong_size)),
        "layers.b.projection: projection leads from 10 to 4 neurons",
    ),
    "one name, short forms": (
        lambda: ({"a": layer(), "b": layer(projection=Dense)}, {"b": Connection("a", "b", Dense)}),
        "two connections are called 'b': layers.b.projection and connections.b",
    ),
    "one name, lateral": (
        lambda: (
            {"a": layer(60, lateral=LateralKernel(inhibition_range=3.0))},
            {"a_lateral": Connection("a", "a", Dense)},
        ),
        "two connections are called 'a_lateral': layers.a.lateral and connections.a_lateral",
    ),
    "whole sequences in a loop": (
        pool_in_a_loop,
        "layers.b.projection: Pool2d must see a whole sequence at once, so no loop .* a and b are in a loop",
    ),
    "lateral between layers": (
        lambda: two(Connection("a", "b", UniformInhibition())),
        "connections.c0: UniformInhibition joins the neurons of one layer: source and target must be it",
    ),
    "a sheet that is too small": (
        lambda: ({"a": layer(60, lateral=LateralKernel(inhibition_range=20.0))}, {}),
        "layers.a.lateral: geometry is too small",
    ),
    "delay": (
        lambda: two(Connection("a", "b", partial(Dense, delay=1.5))),
        "connections.c0.projection.delay must be a whole number of steps of dt = 1.0 ms, got 1.5",
    ),
    "dt of neurons": (
        lambda: two(Connection("a", "b", Dense), a=layer(neuron=LIF(dt=0.5)), b=layer(4, LIF(dt=1.0))),
        r"one network shares one dt, got \{'layers.a.neuron.dt': 0.5, 'layers.b.neuron.dt': 1.0\}",
    ),
    "dt of a rule": (
        lambda: two(Connection("a", "b", partial(Dense, rule=STDP(dt=2.0)))),
        "connections.c0.rule.dt = 2.0, but the network's dt is 1.0: give dt once, to the network",
    ),
    "dt of a rule without the argument": (
        lambda: ({"a": layer(neuron=LIF(dt=0.5)), "b": layer(projection=partial(Dense, rule=Fixed()))}, {}),
        "layers.b.projection.rule.dt is 1.0 and no argument of Fixed, but the network's dt is 0.5",
    ),
    "thresholds that cannot rise": (
        lambda: two(
            Connection("a", "b", partial(Dense, rule=STDP(), homeostasis=[TargetRate(5.0)])),
            b=layer(4, Izhikevich()),
        ),
        "layers.b.neuron: Izhikevich has no threshold that could rise",
    ),
    "learned inhibition alone": (
        lambda: two(Connection("a", "b", Dense), Connection("b", "b", LateralInhibition())),
        "connections.c1 is learned while .* no connection with a rule leads to layers.b",
    ),
    "used twice": (used_twice, "connections.c0 belongs to another network already"),
    "fields of nothing": (
        lambda: two(Connection("a", "b", found)),
        r"connections.c0: fields.connection must name a connection .* one of \[\], got 'finder'",
    ),
    "no shape": (
        lambda: two(Connection("a", "b", partial(Pool2d, kernel_size=2))),
        r"connections.c0: in_shape must be given .* not laid out as Maps, got Square",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ERRORS)
def test_errors(kind):
    make, message = ERRORS[kind]
    layers, connections = make()
    with pytest.raises(ValueError, match=message):
        SpikingNetwork(layers, connections)


@pytest.mark.parametrize("name", ["a/b", "a.b", "", "keys", "forward", "1", 1])
def test_names_that_nothing_can_be_called_by(name):
    with pytest.raises(ValueError, match=f"names of layers must be identifiers .*, got {name!r}"):
        SpikingNetwork({"a": layer(), name: layer(projection=Dense)})
    with pytest.raises(ValueError, match=f"names of connections must be identifiers .*, got {name!r}"):
        SpikingNetwork({"a": layer(), "b": layer()}, {name: Connection("a", "b", Dense)})


@pytest.mark.parametrize("dt", [0.0, -1.0, float("inf")])
def test_dt_must_be_positive(dt):
    with pytest.raises(ValueError, match="dt must be a finite number above 0"):
        SpikingNetwork({"a": layer()}, dt=dt)


def test_active_is_one_of_two():
    with pytest.raises(ValueError, match="active must be one of always, development, got 'never'"):
        Connection("a", "b", Dense, active="never")


def test_dt_is_given_once():
    one = SpikingNetwork({"a": layer(neuron=LIF(dt=0.5)), "b": layer(projection=partial(Dense, rule=STDP()))})
    other = SpikingNetwork({"a": layer(), "b": layer(projection=partial(Dense, rule=STDP()))}, dt=0.5)
    for network in (one, other):
        assert network.dt == network.layer("a").dt == network.layer("b").dt == 0.5
        assert network.connection("b").projection.rule.dt == 0.5
    with pytest.raises(ValueError, match=r"layers.a.neuron.dt = 0.5, but the network's dt is 1.0"):
        SpikingNetwork({"a": layer(neuron=LIF(dt=0.5))}, dt=1.0)


def test_a_rule_without_time_constants_fits_any_dt():
    wired = partial(Dense, rule=CompetitiveHebbian())
    assert SpikingNetwork({"a": layer(), "b": layer(projection=wired)}, dt=0.5).dt == 0.5


def test_a_step_that_was_changed_stays_where_neurons_are_drawn_anew():
    cells = Izhikevich("heterogeneous")
    cells.dt = 0.5
    assert SpikingNetwork({"a": layer(neuron=cells)}, seed=0, dt=0.5).layer("a").dt == 0.5


def test_a_connection_without_weights_says_so():
    network = SpikingNetwork(
        {
            "a": maps(1, 4),
            "b": SpikingLayer(Maps(1, 2, 2), IntegrateFire(), projection=partial(Pool2d, kernel_size=2)),
        }
    )
    with pytest.raises(ValueError, match="the connection from a to b is Pool2d, which has no weights"):
        network.layer("b").node(1).weights(network.connection("b"))
    assert network.weighted == {}
    assert not network.connection("b").learns


def test_wired_in_the_order_in_which_they_are_listed():
    wired = partial(Dense, rule=STDP())
    layers = {"a": layer(), "b": layer(4, projection=wired), "c": layer(4)}
    lateral = Connection("b", "b", LateralInhibition())
    later = {"beside": lateral, "second": Connection("a", "c", wired), "first": Connection("b", "c", wired)}
    network = SpikingNetwork(layers, later)
    assert network.learned == network.unwired == ["b", "second", "first"]
    network.connection("second").projection.wired.fill_(True)
    assert network.unwired == ["b", "first"]
    assert network.connection("beside").accompanies


def test_more_than_one_connection_may_raise_thresholds():
    wired = partial(Dense, rule=STDP(), homeostasis=[TargetRate(5.0)])
    network = SpikingNetwork(
        {"a": layer(), "b": layer(4, ConductanceLIF())},
        {"one": Connection("a", "b", wired), "two": Connection("a", "b", wired)},
    )
    for number, name in enumerate(("one", "two"), start=1):
        network.connection(name).projection.variables.threshold_rise.fill_(number)
    rest = network.rest(2, torch.zeros(1))
    assert torch.equal(rest.layers["b"].neurons.adaptation, torch.full((2, 4), 3.0))


def test_the_graph():
    names = ("a", "b", "c", "d")
    assert input_layers(names, [("a", "b"), ("c", "b"), ("b", "d")]) == ["a", "c"]
    assert groups(names, ()) == [["a"], ["b"], ["c"], ["d"]]
    assert groups(names, (("a", "a"), ("a", "b"), ("c", "d"), ("d", "c"), ("b", "c"))) == [
        ["a"],
        ["b"],
        ["c", "d"],
    ]
    assert groups(names, (("c", "a"), ("b", "c"))) == [["b"], ["c"], ["a"], ["d"]]


def test_local_and_columns_ask_for_their_sheets():
    sheet = layer(60)
    network = SpikingNetwork(
        {"a": sheet, "b": layer(30)}, {"near": Connection("a", "b", partial(Local, radius=2.0))}
    )
    projection = network.connection("near").projection
    distance = torch.cdist(network.layer("b").positions, network.layer("a").positions)
    assert torch.equal(projection.matrix(projection.weight.detach()) != 0, distance < 2.0)


def test_a_rule_of_ones_own_needs_no_dt():
    network = SpikingNetwork({"a": layer(), "b": layer(projection=partial(Dense, rule=Fixed()))})
    assert network.connection("b").projection.rule.dt == network.dt == 1.0
