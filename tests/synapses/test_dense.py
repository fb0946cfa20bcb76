import pytest
import torch
from helpers.tensors import randn, spikes_of

from lightning_snn.plasticity import STDP, CompetitiveHebbian
from lightning_snn.synapses import Dense

RULES = {"competitive": CompetitiveHebbian(), "stdp": STDP()}
VARIABLES = {"competitive": {"threshold", "wins", "largest", "steps"}, "stdp": {"threshold"}}
every_rule = pytest.mark.parametrize("kind", RULES)


def test_without_a_rule_the_current_is_gain_times_weights():
    projection = Dense(20, 5, gain=3.0)
    spikes = spikes_of(7, 2, 20)
    assert torch.equal(projection.efficacy(), 3 * projection.weight)
    torch.testing.assert_close(projection(spikes), 3 * spikes @ projection.weight.t())
    assert projection.wired


@every_rule
def test_with_a_rule_the_current_is_the_weighted_share_of_the_field(kind):
    projection = Dense(40, 6, rule=RULES[kind], gain=12.0)
    with torch.no_grad():
        projection.weight[:, 10:] = 0.05
        projection.weight[5] = 0.05
    field = projection.weight > RULES[kind].connected_above
    expected = [
        [12 * w.item() / row[near].sum().item() if c else 0.0 for w, c in zip(row, near, strict=True)]
        for row, near in zip(projection.weight, field, strict=True)
    ]
    torch.testing.assert_close(projection.efficacy(), torch.tensor(expected))
    assert torch.equal(projection.connected, field)
    torch.testing.assert_close(projection(torch.ones(40)[None]), torch.tensor([[12.0] * 5 + [0.0]]))


def test_rules_with_other_scales_drive_alike():
    spikes = spikes_of(50, 900)
    currents = [Dense(900, 30, rule=rule, gain=10.0)(spikes).mean().item() for rule in RULES.values()]
    assert currents[0] == pytest.approx(currents[1], rel=0.05)
    assert currents[0] == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("rule", [None, *RULES.values()])
def test_reading_only_the_nodes_that_fired_equals_the_matrix_product(rule):
    options = {"rule": rule, "gain": 2.0, "seed": 0}
    events, product = (Dense(30, 8, trainable=trainable, **options) for trainable in (False, True))
    for shape in [(30,), (4, 30), (5, 2, 30)]:
        spikes = spikes_of(*shape)
        assert events(spikes).shape == (*shape[:-1], 8)
        torch.testing.assert_close(events(spikes), product(spikes))


@pytest.mark.parametrize("rule", [None, *RULES.values()])
def test_gradients_reach_trainable_weights_and_spikes(rule):
    projection = Dense(30, 8, rule=rule, trainable=True)
    spikes = spikes_of(4, 30).requires_grad_()
    projection(spikes).square().sum().backward()
    assert projection.weight.grad.abs().sum() > 0
    assert projection.weight.grad.isfinite().all()
    assert torch.allclose(spikes.grad, 2 * projection(spikes) @ projection.efficacy())


def test_gradients_pass_frozen_weights_on_their_way_to_the_layers_below():
    projection = Dense(30, 8)
    spikes = spikes_of(4, 30).requires_grad_()
    current = projection(spikes)
    assert current.requires_grad
    current.sum().backward()
    torch.testing.assert_close(spikes.grad, projection.weight.sum(0).expand(4, 30))


def test_weights_are_frozen_by_default():
    projection = Dense(30, 8)
    assert not projection.weight.requires_grad
    assert not projection(spikes_of(4, 30)).requires_grad


@every_rule
def test_wired_and_the_variables_of_the_rule_are_saved(kind):
    projection = Dense(12, 4, rule=RULES[kind])
    saved = projection.state_dict()
    assert set(saved) == {"weight", "wired"} | {f"variables.{name}" for name in VARIABLES[kind]}
    assert not projection.wired
    assert set(projection.wiring) == {"weight"} | VARIABLES[kind]

    changed = {name: value + 1 for name, value in projection.wiring.items()}
    projection.rewire(changed)
    projection.wired.fill_(True)
    other = Dense(12, 4, rule=RULES[kind], seed=9)
    other.load_state_dict(projection.state_dict())
    assert other.wired
    for name, value in other.wiring.items():
        assert torch.equal(value, changed[name]), name


def test_rewiring_keeps_the_parameter_object():
    projection = Dense(12, 4, rule=STDP())
    weight = projection.weight
    projection.rewire({"weight": torch.full((4, 12), 0.5)})
    assert projection.weight is weight
    assert weight.unique().item() == 0.5


@pytest.mark.parametrize("rule", [None, *RULES.values()])
def test_initial_weight_is_what_it_started_from(rule):
    projection = Dense(12, 4, rule=rule, seed=3)
    start = projection.weight.detach().clone()
    with torch.no_grad():
        projection.weight.zero_()
    assert torch.equal(projection.initial_weight(), start)
    assert not torch.equal(Dense(12, 4, rule=rule, seed=4).weight, start)


def test_weights_without_a_rule_have_variance_one_over_the_inputs():
    weight = Dense(400, 100).weight
    assert weight.abs().max() <= (3 / 400) ** 0.5
    assert weight.var().item() == pytest.approx(1 / 400, rel=0.02)


def test_spikes_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"spikes must be \[..., 30\] \(num_pre\), got \[4, 29\]"):
        Dense(30, 8)(torch.zeros(4, 29))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_pre": 0, "num_post": 3}, "num_pre must be a whole number above 0, got 0"),
        ({"num_pre": 3, "num_post": -1}, "num_post must be a whole number above 0, got -1"),
        ({"num_pre": 3, "num_post": 3, "gain": 0.0}, "gain must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Dense(**options)


@pytest.mark.parametrize("share", [0.02, 0.9], ids=["few", "many"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_trained_product_and_its_gradients_are_those_of_a_matrix(share, dtype):
    dense = Dense(30, 8, trainable=True, gain=2.0, seed=0).to(dtype)
    spikes = spikes_of(40, 3, 30, share=share).to(dtype).requires_grad_()
    expected = 2 * spikes @ dense.weight.t()
    found, weight = dense(spikes), randn(40, 3, 8).to(dtype)
    torch.testing.assert_close(found, expected)
    leaves = [spikes, dense.weight]
    for own, other in zip(
        torch.autograd.grad(found, leaves, weight), torch.autograd.grad(expected, leaves, weight), strict=True
    ):
        assert other.any()
        torch.testing.assert_close(own, other)


def test_a_trained_product_compiles_whole():
    dense, spikes = Dense(30, 8, trainable=True, seed=0), spikes_of(4, 30, share=0.05)
    found = torch.compile(dense, backend="eager", fullgraph=True)(spikes)
    torch.testing.assert_close(found, dense(spikes))
