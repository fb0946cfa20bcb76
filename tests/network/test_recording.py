"""What a run records is what a run step by step has, bit for bit."""

from functools import partial

import pytest
import torch
from helpers.models import DRIVEN
from helpers.tensors import assert_equal, assert_same

from lightning_snn import (
    LIF,
    ConductanceLIF,
    Connection,
    Conv2d,
    Dense,
    ExponentialCurrent,
    IntegrateFire,
    LateralKernel,
    Maps,
    NeuronModel,
    Record,
    Recording,
    Relay,
    SpikingLayer,
    SpikingNetwork,
    Square,
    UniformInhibition,
)
from lightning_snn.network.watch import Watch

SHAPES = ["alone", "coupled", "uniform", "chain", "loop"]
CASES = [(kind, "alone", None) for kind in DRIVEN] + [
    (kind, shape, dt)
    for kind, dt in (("lif", None), ("lif", 0.5), ("izhikevich refractory", None), ("conductance", None))
    for shape in SHAPES[1:]
]
"""Shapes of networks for a few models; all models alone."""
STEPS, BATCH, NODES = 24, 3, 9


def drive(scale, nodes=NODES, seed=0):
    return scale * torch.rand(STEPS, BATCH, nodes, generator=torch.Generator().manual_seed(seed))


def sheet():
    return Square(NODES, 3.0, placement="grid")


def networks(kind, dt=None, noise=0.0):
    """By name: alone, coupled and inhibited, a chain with kinetics and a delay, a loop."""
    model, scale = DRIVEN[kind]
    late = {"gain": scale, "kinetics": ExponentialCurrent(5.0), "delay": 2.0}
    coupled = LateralKernel(excitation=0.2, inhibition=0.1, inhibition_range=2.0)
    found = {
        "alone": SpikingNetwork({"a": SpikingLayer(sheet(), model)}, dt=dt, seed=0),
        "coupled": SpikingNetwork({"a": SpikingLayer(sheet(), model, lateral=coupled)}, dt=dt, seed=0),
        "uniform": SpikingNetwork(
            {"a": SpikingLayer(sheet(), model)},
            {"beside": Connection("a", "a", UniformInhibition(0.1 * scale), input=model.inputs[-1])},
            dt=dt,
            seed=0,
        ),
        "chain": SpikingNetwork(
            {
                "a": SpikingLayer(sheet(), model, noise=noise),
                "b": SpikingLayer(sheet(), model, projection=partial(Dense, **late)),
            },
            dt=dt,
            seed=0,
        ),
        "loop": SpikingNetwork(
            {"a": SpikingLayer(sheet(), model), "b": SpikingLayer(sheet(), model)},
            {
                "up": Connection("a", "b", partial(Dense, gain=scale)),
                "back": Connection("b", "a", partial(Dense, **late)),
                "beside": Connection("b", "b", UniformInhibition(0.1, delay=3.0)),
            },
            dt=dt,
            seed=0,
        ),
    }
    for network in found.values():
        for projection in network.weighted.values():
            projection.weight.data.abs_()
    return found


def state_names(network, layer):
    return list(network.layer(layer).neuron.rest(1, NODES, torch.zeros(1))._asdict())


def of_layers(network):
    return {name: ["spikes", "current", *state_names(network, name)] for name in network.names}


def everything(network):
    found = of_layers(network)
    for name, connection in network.connections.items():
        kinetics = ["kinetics_current"] if connection.projection.kinetics else []
        found[f"connections.{name}"] = ["current", *kinetics]
    return found


def step_by_step(network, inputs):
    """Spikes, neurons' states and states of kinetics ``[T, ...]`` of runs of one step each."""
    state, found = None, {}
    for step in inputs.split(1):
        spikes, state = network({"a": step}, state)
        for name in network.names:
            values = {"spikes": spikes[name][0], **state.layers[name].neurons._asdict()}
            for variable, value in values.items():
                found.setdefault((name, variable), []).append(value)
        for name, synapses in state.connections.items():
            for variable, value in synapses.items():
                found.setdefault((f"connections.{name}", f"kinetics_{variable}"), []).append(value)
    return {key: torch.stack(values) for key, values in found.items()}


def random():
    return torch.Generator().manual_seed(5)


def in_pieces(monkeypatch, steps):
    monkeypatch.setattr(Watch, "steps", lambda *_: steps)


@pytest.mark.parametrize(("kind", "shape", "dt"), CASES)
def test_a_recording_is_what_runs_of_one_step_have(monkeypatch, kind, shape, dt):
    network, inputs = networks(kind, dt)[shape], drive(DRIVEN[kind][1])
    plain, plain_state = network({"a": inputs})
    steps = step_by_step(network, inputs)
    for wanted in (of_layers(network), everything(network)):
        for piece in (None, 7):
            in_pieces(monkeypatch, piece)
            spikes, state, recorded = network({"a": inputs}, record=wanted)
            for name in network.names:
                assert torch.equal(spikes[name], plain[name])
                assert_equal(state.layers[name].neurons, plain_state.layers[name].neurons)
            for name, variables in wanted.items():
                for variable in {*variables} - {"current"}:
                    assert torch.equal(recorded[name][variable], steps[name, variable]), (name, variable)
    assert kind == "relay" or spikes[network.names[-1]].abs().mean() > 0.01


@pytest.mark.parametrize(("kind", "shape", "dt"), CASES)
def test_neurons_alone_with_the_recorded_inputs_do_the_same(monkeypatch, kind, shape, dt):
    network, inputs = networks(kind, dt)[shape], drive(DRIVEN[kind][1])
    in_pieces(monkeypatch, 7)
    second = ["input_inhibition"] if kind == "conductance" else []
    wanted = {name: [*variables, *second] for name, variables in of_layers(network).items()}
    _, _, recorded = network({"a": inputs}, record=wanted)
    for name in network.names:
        model, known = network.layer(name).neuron, recorded[name]
        others = {name.removeprefix("input_"): known[name] for name in second}
        spikes, state = model(known["current"], **others)
        assert torch.equal(spikes, known["spikes"])
        assert all(torch.equal(value, known[n][-1]) for n, value in state._asdict().items())


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_the_current_is_the_sum_of_what_is_delivered(shape):
    network, inputs = networks("lif", noise=0.3)[shape], drive(2.0)
    _, _, recorded = network({"a": inputs}, generator=random(), record=everything(network))
    for name in network.names:
        total = inputs.clone() if name == "a" else torch.zeros_like(inputs)
        if network.layer(name).noise:
            total += network.layer(name).noise * torch.randn(inputs.shape, generator=random())
        for other, connection in network.connections.items():
            if connection.target == name:
                total += recorded[f"connections.{other}"]["current"]
        torch.testing.assert_close(recorded[name]["current"], total)


@pytest.mark.parametrize("kind", [*DRIVEN][:6])
def test_before_the_reset_is_where_spikes_come_from(kind):
    network = networks(kind)["alone"]
    names = state_names(network, "a")
    _, _, after = network({"a": drive(DRIVEN[kind][1])}, record=everything(network))
    _, _, recorded = network({"a": drive(DRIVEN[kind][1])}, record={"a": Record(names, when="before")})
    fired = after["a"]["spikes"] > 0
    for variable in names:
        before, then = recorded["a"][variable], after["a"][variable]
        if variable == "v" or kind.startswith("izhikevich"):
            assert torch.equal(before[~fired], then[~fired])
    v, state = recorded["a"]["v"], after["a"]
    model = network.layer("a").neuron
    if kind.startswith("izhikevich"):
        assert torch.equal(v >= 30, fired)
        torch.testing.assert_close(recorded["a"]["u"][fired] + 2.0, state["u"][fired])
        return
    rise = torch.cat([torch.zeros_like(v[:1]), state["adaptation"][:-1]])
    free = torch.ones_like(fired)
    if "refractory" in state:
        free = torch.cat([torch.ones_like(fired[:1]), state["refractory"][:-1] <= 0])
    assert torch.equal((v >= model.threshold + rise) & free, fired)
    assert (v[fired] > state["v"][fired]).all()


def test_lif_before_the_reset_by_hand():
    network = SpikingNetwork({"a": SpikingLayer(Square(1, 1.0), IntegrateFire(1.0))}, seed=0)
    inputs = {"a": torch.full((5, 1, 1), 0.4)}
    _, _, after = network(inputs, record={"a": ["v"]})
    _, _, before = network(inputs, record={"a": Record(["v"], when="before")})
    assert before["a"]["v"].flatten().tolist() == pytest.approx([0.4, 0.8, 1.2, 0.4, 0.8])
    assert after["a"]["v"].flatten().tolist() == pytest.approx([0.4, 0.8, 0.0, 0.4, 0.8])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("every", [3, 7, STEPS])
@pytest.mark.parametrize("piece", [None, 1, 5])
def test_some_steps_and_neurons_are_those_of_a_whole_recording(monkeypatch, shape, every, piece):
    network, inputs = networks("lif")[shape], drive(5.0)
    names = ["v", "refractory", "adaptation", "current", "spikes"]
    _, _, whole = network({"a": inputs}, record={"a": names})
    in_pieces(monkeypatch, piece)
    for neurons in (None, [7, 2]):
        _, _, some = network({"a": inputs}, record={"a": Record(names, every=every, neurons=neurons)})
        for name in names:
            value = whole["a"][name][::every]
            assert torch.equal(some["a"][name], value if neurons is None else value[..., neurons])


def test_what_is_recorded_is_not_part_of_the_state():
    network = networks("lif")["loop"]
    wanted = everything(network)
    _, state, recorded = network({"a": drive(5.0)[:1]}, record=wanted)
    before = {name: {key: x.clone() for key, x in recorded[name].items()} for name in wanted}
    for layer in state.layers.values():
        for value in (*layer.neurons, layer.spikes):
            value.fill_(7.0)
    for synapses in state.connections.values():
        for value in synapses.values():
            value.fill_(7.0)
    for name in wanted:
        assert_same(recorded[name], before[name])


def test_every_kth_step_and_some_neurons():
    network, inputs = networks("lif", 0.5)["loop"], drive(2.0)
    _, _, whole = network({"a": inputs}, record={"a": ["v", "spikes"]})
    some = {"a": [Record(["v"], every=5, neurons=[7, 2]), Record(["spikes"], neurons=[4])]}
    _, _, part = network({"a": inputs}, record=some)
    assert torch.equal(part["a"]["v"], whole["a"]["v"][::5][..., [7, 2]])
    assert torch.equal(part["a"]["spikes"], whole["a"]["spikes"][..., [4]])
    assert part.times["a"]["v"].tolist() == [0, 2.5, 5, 7.5, 10]
    assert part.times["a"]["spikes"].tolist() == [0.5 * step for step in range(STEPS)]
    assert part.neurons["a"]["v"].tolist() == [7, 2]
    assert whole.neurons["a"]["v"].tolist() == list(range(NODES))


def test_the_arguments_of_a_record_stand_for_it():
    wanted = {"a": ["spikes", {"variables": ["v"], "every": 2, "neurons": [3]}], "b": {"variables": ["v"]}}
    records = Recording(wanted).records
    assert records == {"a": [Record(["spikes"]), Record(["v"], every=2, neurons=[3])], "b": [Record(["v"])]}
    message = (
        r"record.a must hold names of variables, or variables with when, every, neurons, got \{'evry': 2\}"
    )
    with pytest.raises(ValueError, match=message):
        Recording({"a": [{"evry": 2}]})


def test_a_node_is_a_column_of_the_recording():
    network, inputs = networks("lif")["alone"], drive(2.0)
    _, state, recorded = network({"a": inputs}, record={"a": Record(["v"], neurons=[3])})
    assert torch.equal(recorded["a"]["v"][-1, :, 0], network.layer("a").node(3).state(state.layers["a"])["v"])


def test_a_second_input_has_its_name():
    network = SpikingNetwork(
        {"a": SpikingLayer(sheet(), LIF()), "b": SpikingLayer(sheet(), ConductanceLIF())},
        {
            "up": Connection("a", "b", Dense),
            "down": Connection("a", "b", partial(Dense, gain=2.0), input="inhibition"),
        },
        seed=0,
    )
    wanted = {"b": ["current", "input_inhibition", "inhibition"], "down": ["current"], "a": ["spikes"]}
    _, _, recorded = network({"a": drive(3.0)}, record=wanted)
    assert torch.equal(recorded["b"]["input_inhibition"], recorded["down"]["current"])
    assert not torch.equal(recorded["b"]["current"], recorded["down"]["current"])
    assert not torch.equal(recorded["b"]["inhibition"], recorded["b"]["input_inhibition"])


def test_maps_record_flattened():
    network = SpikingNetwork(
        {
            "image": SpikingLayer(Maps(1, 6, 6), Relay()),
            "maps": SpikingLayer(Maps(2, 4, 4), LIF(5.0), projection=partial(Conv2d, kernel_size=3)),
        },
        seed=0,
    )
    inputs = (drive(1.0, 36) > 0.5).float()
    spikes, state, recorded = network({"image": inputs}, record={"maps": ["spikes", "v", "current"]})
    assert torch.equal(recorded["maps"]["spikes"], spikes["maps"])
    assert torch.equal(recorded["maps"]["v"][-1], state.layers["maps"].neurons.v)
    assert recorded["maps"]["current"].shape == (STEPS, BATCH, 32)


def test_a_run_that_goes_on_records_what_the_whole_does():
    network, inputs = networks("lif")["loop"], drive(2.0)
    wanted = everything(network)
    _, _, whole = network({"a": inputs}, record=wanted)
    _, state, first = network({"a": inputs[:11]}, record=wanted)
    _, _, second = network({"a": inputs[11:]}, state, record=wanted)
    for name, variables in wanted.items():
        for variable in variables:
            both = torch.cat([first[name][variable], second[name][variable]])
            assert torch.equal(both, whole[name][variable]), (name, variable)


def scans(monkeypatch, shape, record):
    """Steps of all scans and single steps of a run of LIF neurons."""
    found = []
    for name in ("scan", "scan_sheet", "scan_uniform"):
        monkeypatch.setattr(LIF, name, counted(getattr(LIF, name), found))
    networks("lif")[shape]({"a": drive(2.0)}, record=record)
    return found


def counted(scan, found):
    def run(self, current, *args, **others):
        found.append(len(current))
        return scan(self, current, *args, **others)

    return run


@pytest.mark.parametrize(
    ("shape", "record", "expected"),
    [
        ("chain", {"a": ["v", "current"], "b": ["v", "spikes"]}, [STEPS] * 2),
        ("chain", {"connections.b": ["current", "kinetics_current"]}, [STEPS] * 2),
        ("coupled", {"a": ["v", "current", "spikes"]}, [STEPS]),
        ("uniform", {"a": ["v", "current", "spikes"], "beside": ["current"]}, [STEPS]),
        ("loop", {"a": ["v", "current"], "back": ["current"]}, [2] * STEPS),
        ("loop", {"back": ["kinetics_current"]}, [1] * 2 * STEPS),
    ],
)
def test_a_recording_runs_as_many_steps_at_once_as_without(monkeypatch, shape, record, expected):
    assert scans(monkeypatch, shape, record) == expected


def test_states_take_no_more_memory_than_a_piece_before_some_are_chosen(monkeypatch):
    monkeypatch.setattr("lightning_snn.network.watch.PIECE", 7.5 * 2 * 4 * BATCH * NODES)
    few = {"a": Record(["v", "adaptation"], every=5, neurons=[1])}
    assert scans(monkeypatch, "alone", few) == [7, 7, 7, 3]


def test_a_recording_has_no_gradient_and_leaves_those_of_the_run():
    network = networks("lif")["loop"]
    gradients = []
    for record in ({}, {"a": ["v", "current"], "b": ["spikes"]}):
        inputs = drive(2.0).requires_grad_()
        spikes, _, *recorded = network({"a": inputs}, record=record)
        spikes["b"].sum().backward()
        gradients.append(inputs.grad)
        for tensors in recorded[0].tensors.values():
            assert not any(value.requires_grad for value in tensors.values())
    assert gradients[0].abs().sum() > 0
    torch.testing.assert_close(*gradients)


def test_memory_is_known_before_the_run():
    network = networks("lif")["alone"]
    needed = 2 * 4 * STEPS * BATCH * NODES / 1e6
    wanted = {"a": ["v", "spikes"]}
    network({"a": drive(2.0)}, record=Recording(wanted, limit_mb=1.0001 * needed))
    message = r"record would take 0.00518 MB, and its limit_mb is 0.002: record 3 times more seldom \(every\)"
    with pytest.raises(ValueError, match=message):
        network({"a": drive(2.0)}, record=Recording(wanted, limit_mb=0.002))
    thin = {"a": Record(["v", "spikes"], every=3)}
    network({"a": drive(2.0)}, record=Recording(thin, limit_mb=0.002))


def test_nothing_runs_where_a_recording_is_refused(monkeypatch):
    network = networks("lif")["alone"]
    monkeypatch.setattr(LIF, "scan", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(ValueError, match="limit_mb"):
        network({"a": drive(2.0)}, record=Recording({"a": ["v"]}, limit_mb=1e-6))


class Silent(NeuronModel):
    """A model that does not tell its state before the reset."""

    state = {"v": 0.0}

    def step(self, current, state, p, dt):
        spikes = self.spike(state.v - 1)
        return spikes, self.State(torch.where(spikes > 0, 0.0, state.v + current))


def test_what_cannot_be_recorded_is_a_sentence():
    network, inputs = networks("lif")["chain"], {"a": drive(2.0)}
    for record, message in {
        "name": ({"c": ["v"]}, r"record must name layers \(a, b\) or connections \(b\) of this run, got 'c'"),
        "variable": (
            {"a": ["u"]},
            "record.a must name some of spikes, current, v, refractory, adaptation, got 'u'",
        ),
        "synapse": (
            {"connections.b": ["v"]},
            "record.connections.b must name some of current, kinetics_current, got 'v'",
        ),
        "neurons": ({"a": Record(["v"], neurons=[3, 9])}, "record.a.neurons must lie in 0 to 8, got 9"),
        "every": (
            {"a": Record(["v"], every=25)},
            "record.a.every must be at most the 24 steps of the run, got 25",
        ),
    }.values():
        with pytest.raises(ValueError, match=message):
            network(inputs, record=record)
    with pytest.raises(ValueError, match=r"layers \(a\) or connections \(none\) of this run, got 'b'"):
        network.run(inputs, layers=["a"], record={"b": ["v"]})
    with pytest.raises(ValueError, match=r"record.a must name a variable once, got v twice"):
        network(inputs, record={"a": [Record(["v"]), Record(["v"], when="before")]})
    with pytest.raises(ValueError, match=r"record.when must be one of after, before, got 'during'"):
        Record(["v"], when="during")
    with pytest.raises(ValueError, match=r"record.every must be a whole number above 0, got 0"):
        Record(["v"], every=0)
    with pytest.raises(ValueError, match=r"record.neurons must hold at least one number"):
        Record(["v"], neurons=[])
    with pytest.raises(ValueError, match=r"record.neurons must be a whole number, 0 or above, got -1"):
        Record(["v"], neurons=[-1])
    with pytest.raises(ValueError, match=r"record.variables must be a list of names, got 'v'"):
        Record("v")
    with pytest.raises(ValueError, match=r"record.limit_mb must be a finite number above 0"):
        Recording({}, limit_mb=0)
    own = SpikingNetwork({"a": SpikingLayer(sheet(), Silent())}, seed=0)
    own(inputs, record={"a": ["v"]})
    with pytest.raises(
        ValueError, match=r"record.a.when must be 'after' for Silent, whose step does not return"
    ):
        own(inputs, record={"a": Record(["v"], when="before")})
