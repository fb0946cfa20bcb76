"""The phase without a Trainer: the same bits as with one, ends and limits by connection, controls."""

import re
import socket
import subprocess
import sys
from functools import partial

import pytest
import torch
from helpers.sheets import KERNEL, RULE, chain, units
from helpers.stimuli import RewardedNoise
from helpers.tensors import assert_same
from torch.utils.data import IterableDataset, TensorDataset

from lightning_snn import (
    Columns,
    Connection,
    ConstantCurrent,
    Control,
    FoundFields,
    Images,
    LateralInhibition,
    PairSTDP,
    RewardedImages,
    RewardSTDP,
    SelfOrganization,
    SpontaneousWaves,
    TargetRate,
    self_organize,
)
from lightning_snn.development.controls import ControlNetwork
from lightning_snn.development.phase import Phase
from lightning_snn.development.rewiring import WIRINGS, random_wiring
from lightning_snn.development.settings import PhaseSettings
from lightning_snn.development.standalone import _InScript
from lightning_snn.development.trend import Trend
from lightning_snn.trainer.streams import ProcessStreams

SHORT = {"num_streams": 4, "chunk": 25, "max_steps": 800, "check_every_n_rounds": 2, "stop_at": 1.0}
more_advised = pytest.mark.filterwarnings("default:layers.lgn.projection")


@more_advised
def test_without_a_trainer_it_gives_the_same_bits(classifier, trainer, data):
    model, alone = classifier(), classifier().network
    settings = SHORT | {"target_share": 0.3}
    trainer(SelfOrganization(**settings)).fit(model, data)
    report = self_organize(alone, progress=False, **settings)
    assert_same(alone.state_dict(), model.network.state_dict())
    assert report["lgn"]["steps"] == 800
    assert 0 < report["lgn"]["field_size"] < 160
    assert not alone.unwired


@more_advised
def test_a_wired_network_is_left_alone():
    network = chain(units(12))
    self_organize(network, progress=False, **SHORT)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert self_organize(network, progress=False, **SHORT) == {}
    assert_same(network.state_dict(), before)


def test_progress_is_shown_if_asked(capfd):
    self_organize(chain(units(12)), until="steps", **SHORT)
    assert "self-organise lgn: 100%" in capfd.readouterr().err
    self_organize(chain(units(12)), until="steps", progress=False, **SHORT)
    assert capfd.readouterr().err == ""


def three(**options):
    return chain(units(12), units(6, PairSTDP(0.01), gain=2.0), **options)


def test_ends_and_limits_by_connection():
    settings = SHORT | {"max_steps": {"lgn": 400, "cortex": 200}, "until": {"lgn": "steps"}}
    report = self_organize(three(), progress=False, **settings)
    assert {name: found["steps"] for name, found in report.items()} == {"lgn": 400, "cortex": 200}
    # what is given for one connection leaves the default of the other
    settings = SHORT | {"max_steps": {"cortex": 200}, "stop_at": {"lgn": 0.0}, "target_share": {"lgn": 1.0}}
    report = self_organize(three(), progress=False, **settings)
    assert {name: found["steps"] for name, found in report.items()} == {"lgn": 200, "cortex": 200}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": {"lgn": "soon"}}, "until.lgn must be one of convergence, localised, steps, got 'soon'"),
        (
            {"until": "convergence"},
            "until is convergence, but layers.lgn.projection.rule is STDP, which has no",
        ),
        ({"until": {"x": "steps"}}, r"until must name connections .*, \['cortex', 'lgn'\], got \['x'\]"),
        ({"max_steps": {"x": 1}}, r"max_steps must name connections .*, \['cortex', 'lgn'\], got \['x'\]"),
        ({"max_steps": {"lgn": 0}}, "max_steps.lgn must be a whole number above 0, got 0"),
        ({"target_share": {"lgn": 2.0}}, "target_share.lgn must lie between 0 and 1, got 2.0"),
        ({"stop_at": {"lgn": -1.0}}, "stop_at.lgn must lie between 0 and 1, got -1.0"),
        ({"stimulus": Images()}, r"none are given: self_organize\(\.\.\., images=\.\.\.\)"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        self_organize(three(), progress=False, **options)


def test_what_has_no_fields_cannot_be_localised():
    columns = partial(Columns, fields=FoundFields("lgn", 30))
    network = chain(
        units(12), connections={"features": Connection("retina", "lgn", partial(columns, rule=RULE))}
    )
    message = r"until.features is localised, but connections.features is Columns, whose units have no fields"
    with pytest.raises(ValueError, match=message):
        self_organize(network, progress=False, until={"features": "localised", "lgn": "steps"}, **SHORT)


@pytest.mark.parametrize(
    ("shares", "advice"),
    [
        ([0.0, 0.1, 0.3, 0.6], "Raise"),
        ([0.1, 0.3, 0.31, 0.3], "second half of the steps brought no gain (it was 0.3, now 0.3)"),
        ([0.3], "Raise"),
    ],
)
def test_more_steps_are_advised_only_where_they_help(shares, advice):
    trend = Trend(len(shares))
    for step, share in enumerate(shares, start=1):
        trend.add(step, {"localised_share": share})
    assert re.search(re.escape(advice), trend.advice("localised", "Raise it."))


class Numbers(IterableDataset):
    def __iter__(self):
        return iter(range(3))


@pytest.mark.parametrize("kind", ["tensor", "samples", "dataset"])
def test_images_of_a_script(kind):
    images = torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 2
    given = {
        "tensor": images,
        "samples": list(zip(images, labels, strict=True)),
        "dataset": TensorDataset(images, labels),
    }
    network = chain(units(12))
    stimulus = Images(seed=3)
    encoder = ConstantCurrent(30, gain=60.0)
    settings = SHORT | {"until": "steps"}
    self_organize(network, stimulus, images=given[kind], encoders=encoder, progress=False, **settings)
    shown = images[stimulus.shown(range(2), 1)]
    assert torch.equal(stimulus.scene.images(stimulus.shown(range(2), 1)), shown)
    assert not torch.equal(network.weighted["lgn"].weight, network.weighted["lgn"].initial_weight())
    with pytest.raises(ValueError, match="by their number, which Numbers has none of"):
        self_organize(chain(units(12)), Images(), images=Numbers(), encoders=encoder, progress=False)


def test_rewards_in_a_script():
    images, labels = torch.rand(20, 1, 6, 6), torch.arange(20) % 2
    data = TensorDataset(images, labels)
    network = chain(units(12, RewardSTDP(0.05), gain=20.0))
    settings = SHORT | {"until": "steps"}
    encoders = {"retina": ConstantCurrent(30, gain=60.0)}
    self_organize(network, RewardedImages(), images=data, encoders=encoders, progress=False, **settings)
    assert not torch.equal(network.weighted["lgn"].weight, network.weighted["lgn"].initial_weight())


PROCESS = """
import sys
import torch
from torch import distributed
from lightning_snn import self_organize
sys.path.insert(0, sys.argv[4])
from helpers.sheets import chain, units
rank, port, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
network = chain(units(12))
report = self_organize(network, num_streams=4, chunk=25, max_steps=800, until="steps", progress=False)
torch.save((network.state_dict(), report), f"{file}{rank}")
distributed.destroy_process_group()
"""


@pytest.mark.ddp
def test_two_processes_give_what_one_gives(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    helpers = str(__file__).rsplit("/", 2)[0]
    command = [port, str(tmp_path / "network"), helpers]
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, str(rank), *command]) for rank in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    network = chain(units(12))
    report = self_organize(network, num_streams=4, chunk=25, max_steps=800, until="steps", progress=False)
    for rank in range(2):
        state, found = torch.load(tmp_path / f"network{rank}", weights_only=True)
        assert_same(state, network.state_dict())
        assert found == report


def controlled(network, control, **settings):
    """The control after the phase of the network."""
    settings = PhaseSettings(**SHORT | {"until": "steps"} | settings)
    around = _InScript(network, None, None, 4, progress=False)
    phase = Phase(network, settings, lambda: ProcessStreams(4), around)
    phase.wire()
    phase.wire_controls({"other": control})
    return phase


def test_a_control_learns_anew_what_comes_later():
    network = chain(units(12), units(6, PairSTDP(0.01), gain=2.0, lateral=LateralInhibition()))
    control = ControlNetwork(Control("random"), network)
    assert list(control.projections) == ["lgn", "cortex", "cortex_lateral"]
    with pytest.raises(
        ValueError, match="the connections cortex are to learn anew: add the SelfOrganization"
    ):
        control.wire(network)
    control.projections["lgn"].wired.fill_(False)
    controlled(network, control)
    assert not control.unwired
    own, other = network.weighted, control.projections
    sheet = network.layer("retina").geometry
    assert torch.equal(other["lgn"].weight, random_wiring(own["lgn"], sheet, 6, "lgn"))
    assert not torch.equal(other["cortex"].weight, own["cortex"].weight)
    assert not torch.equal(other["cortex"].weight, other["cortex"].initial_weight())
    assert torch.equal(other["cortex"].initial_weight(), own["cortex"].initial_weight())
    assert not torch.equal(other["cortex_lateral"].weight, own["cortex_lateral"].weight)


def test_a_control_of_a_later_connection_leaves_the_earlier_ones():
    network = three()
    control = ControlNetwork(Control("random", "cortex"), network)
    assert list(control.projections) == ["cortex"]
    controlled(network, control)
    own = network.weighted["cortex"].weight
    assert torch.equal(control.projections["cortex"].weight.sort(1).values, own.sort(1).values)


def test_a_connection_between_two_that_are_wired_by_chance_learns_anew():
    network = chain(units(12), units(6, PairSTDP(0.01), gain=2.0), units(4, PairSTDP(0.01), gain=2.0))
    control = ControlNetwork(Control("random", ["third", "lgn"]), network)
    assert list(control.projections) == ["lgn", "cortex", "third"]
    assert control.unlearned == ["cortex"]
    controlled(network, control)
    own, other = network.weighted, control.projections
    assert not control.unwired
    for name in ("lgn", "third"):
        assert torch.equal(other[name].weight.sort(1).values, own[name].weight.sort(1).values)
        assert not torch.equal(other[name].weight, own[name].weight)
    assert not torch.equal(other["cortex"].weight.sort(1).values, own["cortex"].weight.sort(1).values)
    assert not torch.equal(other["cortex"].weight, other["cortex"].initial_weight())


def found_fields(rule=None, **options):
    """Fields by waves, features in them by experience; pooling is there to find the fields alone."""
    features = partial(Columns, fields=FoundFields("lgn", 30), rule=rule or PairSTDP(0.01), gain=2.0)
    return chain(
        units(12),
        units(48, None),
        connections={"features": Connection("retina", "cortex", features)},
        **options,
    )


def test_fields_by_waves_features_by_experience():
    network = found_fields()
    pooling, features = network.weighted["lgn"], network.weighted["features"]
    before = features.nodes.clone()
    control = ControlNetwork(Control("random", "lgn"), network)
    assert list(control.projections) == ["lgn", "features"]
    images = Images(ConstantCurrent(30, gain=60.0))
    settings = PhaseSettings(**SHORT, stimulus={"features": images}, until="steps")
    around = _InScript(network, torch.rand(20, 1, 6, 6), None, 4, progress=False)
    phase = Phase(network, settings, lambda: ProcessStreams(4), around)
    phase.wire()
    assert not torch.equal(features.nodes, before)
    assert torch.equal(features.nodes, pooling.strongest(30).sort(1).values)
    assert not torch.equal(features.weight, features.initial_weight())
    fresh = found_fields()
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh.weighted["features"].nodes, features.nodes)
    phase.wire_controls({"scattered": control})
    scattered = control.projections
    assert torch.equal(scattered["features"].nodes, scattered["lgn"].strongest(30).sort(1).values)
    assert not torch.equal(scattered["features"].nodes, features.nodes)


def test_a_control_looks_into_the_fields_that_the_network_found():
    network = found_fields()
    control = ControlNetwork(Control("random", "features"), network)
    controlled(network, control)
    assert torch.equal(control.projections["features"].nodes, network.weighted["features"].nodes)


@pytest.mark.parametrize("kind", ["random", "initial"])
def test_a_control_gets_thresholds_of_its_own(kind):
    network = chain(units(12, PairSTDP(0.01), gain=2.0, homeostasis=[TargetRate(20.0, 0.05)]))
    control = ControlNetwork(Control(kind), network)
    controlled(network, control)
    before = WIRINGS[kind](network.weighted["lgn"], network.layer("retina").geometry, 6, "lgn", 0)
    assert torch.equal(control.projections["lgn"].weight, before)
    rises = network.weighted["lgn"].threshold_rise, control.projections["lgn"].threshold_rise
    assert all(rise.any() for rise in rises)
    assert not torch.equal(*rises)


def test_waves_of_the_second_layer_wire_the_third():
    network = chain(units(160, gain=20.0, lateral=KERNEL), units(12))
    network.layer("lgn").neuron = network.layer("retina").neuron.again()
    waves = {"cortex": SpontaneousWaves(layer="lgn")}
    settings = SHORT | {"max_steps": {"lgn": 400, "cortex": 3200}, "chunk": 100, "until": "steps"}
    before = network.weighted["cortex"].weight.clone()
    self_organize(network, waves, progress=False, **settings)
    assert not torch.equal(network.weighted["cortex"].weight, before)


def test_a_stimulus_of_its_own_for_each_connection():
    network = three()
    noise = RewardedNoise(0.2)
    self_organize(network, {"cortex": noise}, progress=False, until="steps", **SHORT)
    other = three()
    self_organize(other, progress=False, until="steps", **SHORT)
    assert torch.equal(network.weighted["lgn"].weight, other.weighted["lgn"].weight)
    assert not torch.equal(network.weighted["cortex"].weight, other.weighted["cortex"].weight)
