import functools

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.core.config import to_config
from lightning_snn.geometry import Disk, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import reference
from lightning_snn.plasticity import STDP, CompetitiveHebbian, SynapticScaling, TargetRate
from lightning_snn.synapses import Columns, Dense, ListedFields, RoundFields, gathered

LISTED = [[0, 3, 5], [9, 1], [2, 3, 4, 7], [8]]
RULES = {"none": None, "competitive": CompetitiveHebbian(), "stdp": STDP()}
every_rule = pytest.mark.parametrize("kind", RULES)


def make(kind="none", *, num_post=8, **options):
    return Columns(10, num_post, fields=ListedFields(LISTED), rule=RULES[kind], **options)


def matrix_by_loop(values):
    """``[P, K, F]`` as the equivalent dense matrix, synapse by synapse."""
    dense = torch.zeros(values.shape[0] * values.shape[1], 10)
    for place, nodes in enumerate(LISTED):
        for unit in range(values.shape[1]):
            for entry, node in enumerate(sorted(nodes)):
                dense[place * values.shape[1] + unit, node] = values[place, unit, entry]
    return dense


def as_dense(projection, **options):
    """An all-to-all projection whose weights are 0 outside the fields."""
    dense = Dense(10, projection.num_post, rule=projection.rule, gain=projection.gain, **options)
    dense.rewire({"weight": matrix_by_loop(projection.weight.detach())})
    return dense


@every_rule
@pytest.mark.parametrize("shape", [(10,), (4, 10), (5, 2, 10)])
def test_the_current_is_that_of_a_masked_matrix(kind, shape):
    projection = make(kind, gain=3.0)
    spikes = spikes_of(*shape)
    expected = as_dense(projection)(spikes)
    assert expected.any()
    for name in ("reference", "numba"):
        with backend.use(name):
            torch.testing.assert_close(projection(spikes), expected)


@every_rule
def test_gradients_are_those_of_a_masked_matrix(kind):
    projection = make(kind, gain=3.0, trainable=True)
    dense = as_dense(projection, trainable=True)
    gradients = []
    for one in (projection, dense):
        spikes = spikes_of(5, 2, 10).requires_grad_()
        one(spikes).square().sum().backward()
        gradients.append((spikes.grad, one.weight.grad))
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    torch.testing.assert_close(projection.matrix(gradients[0][1]), gradients[1][1] * (dense.weight != 0))
    assert projection.weight.grad.abs().sum() > 0
    assert (projection.weight.grad * ~projection.exists[:, None]).abs().sum() == 0


@every_rule
@pytest.mark.parametrize("trainable", [False, True])
def test_inhibition_takes_a_share_of_the_mean_drive_of_the_field(kind, trainable):
    plain, inhibited = (
        make(kind, num_post=12, gain=3.0, seed=0, inhibition=x, trainable=trainable) for x in (0, 0.7)
    )
    spikes = spikes_of(5, 2, 10)
    drive = plain.units(plain(spikes))
    expected = drive - 0.7 * drive.mean(-1, keepdim=True)
    assert torch.equal(inhibited.weight, plain.weight)
    assert plain.state_dict().keys() == inhibited.state_dict().keys()
    for name in ("reference", "numba"):
        with backend.use(name):
            torch.testing.assert_close(inhibited.units(inhibited(spikes)), expected)
            stepwise = torch.stack([inhibited.prepared()(step) for step in spikes])
            torch.testing.assert_close(inhibited.units(stepwise), expected)
    if trainable:
        for projection, current in ((inhibited, inhibited(spikes)), (plain, expected.flatten(-2))):
            current.square().sum().backward()
            assert projection.weight.grad.abs().sum() > 0
        torch.testing.assert_close(inhibited.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-4)


def test_under_full_inhibition_units_that_are_alike_are_silent_and_rules_see_their_weights():
    projection = make("stdp", inhibition=1.0)
    projection.rewire({"weight": torch.ones_like(projection.weight)})
    assert not projection(torch.ones(10)).any()
    assert torch.equal(
        projection.wiring["weight"], projection.exists[:, None].expand_as(projection.weight).float()
    )
    assert torch.equal(projection.incoming(5), torch.ones(4))


def test_bits_do_not_depend_on_the_split_of_the_batch(monkeypatch):
    projection, spikes = make("stdp"), spikes_of(12, 10)
    whole = projection(spikes)
    assert torch.equal(torch.cat([projection(part) for part in spikes.split(5)]), whole)
    monkeypatch.setattr(reference, "BLOCK_BYTES", 200)
    with backend.use("reference"):
        assert torch.equal(projection(spikes), whole)


@every_rule
def test_what_is_no_node_sees_no_spike_and_keeps_weight_zero(kind):
    projection = make(kind)
    missing = ~projection.exists
    assert missing.sum() == 6
    assert (projection.fields(torch.ones(10)) == projection.exists).all()
    assert not (projection.weight * missing[:, None]).any()
    assert (projection.weight != 0)[projection.exists[:, None].expand_as(projection.weight)].all()
    projection.rewire({"weight": torch.ones_like(projection.weight)})
    assert torch.equal(projection.weight.sum((1, 2)), torch.tensor([6.0, 4, 8, 2]))


def test_fields_and_units():
    projection, spikes = make(), spikes_of(3, 2, 10)
    fields = projection.fields(spikes)
    for place, nodes in enumerate(LISTED):
        assert torch.equal(fields[..., place, : len(nodes)], spikes[..., sorted(nodes)])
    units = torch.arange(8)
    assert projection.units(units).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert projection.spread(10 * projection.units(units)).tolist() == (10 * units).tolist()
    assert torch.equal(projection.incoming(5), projection.weight[2, 1])


def test_every_place_has_weights_and_variables_of_its_own():
    projection = make("stdp", homeostasis=[TargetRate(5.0), SynapticScaling(5.0)])
    assert projection.groups == projection.places == 4
    assert projection.units_per_field == 2
    shapes = {name: list(value.shape) for name, value in projection.wiring.items()}
    assert shapes == {
        "weight": [4, 2, 4], "threshold": [4, 2], "threshold_rise": [4, 2], "regulated": [4],
        "average_rate": [4, 2],
    }  # fmt: skip
    assert not torch.equal(projection.weight[0, :, :1], projection.weight[1, :, :1])


@every_rule
def test_what_is_connected(kind):
    projection = make(kind)
    expected = as_dense(projection).connected
    assert torch.equal(projection.connected, expected)
    assert expected.any()
    assert not projection.has_fields


def test_a_matrix_that_is_too_large_is_not_written_out():
    nodes = [torch.tensor([0])] * 5000
    projection = gathered.Gathered(5000, 5000, nodes)
    with pytest.raises(ValueError, match="5000 x 5000 pairs are too many to write out: at most 16777216"):
        _ = projection.connected


@every_rule
def test_saved_and_started_from(kind):
    projection = make(kind, seed=3)
    assert torch.equal(projection.initial_weight(), projection.weight)
    other = make(kind, seed=4)
    assert not torch.equal(other.weight, projection.weight)
    other.load_state_dict(projection.state_dict())
    assert torch.equal(other.weight, projection.weight)
    assert "nodes" in projection.state_dict()


def test_weights_without_a_rule_have_variance_one_over_the_inputs_of_their_field():
    fields = ListedFields([list(range(400)), list(range(100))])
    weight = Columns(400, 200, fields=fields).weight
    assert weight[0].var().item() == pytest.approx(1 / 400, rel=0.05)
    assert weight[1, :, :100].var().item() == pytest.approx(1 / 100, rel=0.05)


def wiring_in_a_network(sheet, num_post=12):
    fields = RoundFields(3.0, 4)
    wiring = functools.partial(Columns, fields=fields, rule=STDP(), gain=20.0)
    layers = {
        "below": SpikingLayer(sheet, LIF(10.0)),
        "above": SpikingLayer(Square(num_post, 10.0), LIF(10.0), projection=wiring),
    }
    return SpikingNetwork(layers), wiring


def test_a_network_hands_over_the_sheet_below():
    network, wiring = wiring_in_a_network(Disk(150, 5.0))
    projection = network.projections["above"]
    expected = RoundFields(3.0, 4).nodes(150, network.layer("below").geometry)
    assert [row[row < 150].tolist() for row in projection.nodes] == [field.tolist() for field in expected]
    spikes, _ = network(torch.full((20, 2, 150), 3.0))
    assert spikes["above"].sum() > 0
    field = network.layer("above").node(0).field(network.connection("above"))
    assert field is None
    config = to_config(wiring)
    assert config["class_path"] == "lightning_snn.Columns"
    assert config["init_args"]["fields"]["init_args"] == {"radius": 3.0, "num_fields": 4}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make(num_post=9), "num_post must be a multiple of the number of fields, 4, got 9"),
        (lambda: make(gain=0.0), "gain must be a finite number above 0, got 0.0"),
        (lambda: make(inhibition=-1.0), "inhibition must be a finite number, 0 or above, got -1.0"),
        (lambda: make()(torch.zeros(3, 9)), r"spikes must be \[..., 10\] \(num_pre\), got \[3, 9\]"),
        (lambda: Columns(10, 8, fields=RoundFields(3.0, 4)), "fields.RoundFields needs the sheet below"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
