import pytest
import torch
from helpers.tensors import rand

from lightning_snn.readout import (
    MLP,
    ClassAssignment,
    ExtremeLearningMachine,
    Linear,
    LocalReadout,
    Readout,
    SpikingDelta,
    check_gradients,
)

READOUTS = {
    "linear": lambda: Linear(12, 3),
    "elm": lambda: ExtremeLearningMachine(12, 3, num_hidden=40),
    "mlp": lambda: MLP(12, 3, num_hidden=20, dropout=0.0),
}
every_readout = pytest.mark.parametrize("kind", READOUTS)


@pytest.mark.parametrize("scale", [1.0, 1e-2])
def test_standardise_gives_mean_0_and_variance_1_within_a_sample(scale):
    found = Linear(12, 3).standardise(scale * rand(5, 12))
    torch.testing.assert_close(found.mean(1), torch.zeros(5), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.var(1, correction=0), torch.ones(5), rtol=2e-3, atol=0)


def test_standardise_takes_out_how_much_ink_there_is_and_leaves_silence_alone():
    readout = Linear(12, 3)
    features = rand(5, 12)
    torch.testing.assert_close(readout.standardise(3 * features + 2), readout.standardise(features))
    assert not readout.standardise(torch.zeros(2, 12)).any()


@every_readout
def test_scores(kind):
    readout = READOUTS[kind]()
    features = rand(5, 12)
    scores = readout(features)
    assert scores.shape == (5, 3)
    torch.testing.assert_close(readout(3 * features + 1), scores)
    torch.testing.assert_close(readout(features[2:3]), scores[2:3])


@every_readout
def test_training_lowers_the_loss(kind):
    torch.manual_seed(0)
    readout = READOUTS[kind]()
    features, label = rand(60, 12), torch.arange(60) % 3
    features[torch.arange(60), label] += 1
    optimizer = torch.optim.Adam(readout.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(readout(features), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_the_hidden_layer_of_an_extreme_learning_machine_is_fixed():
    readout = ExtremeLearningMachine(12, 3, num_hidden=40, seed=5)
    assert {name for name, _ in readout.named_parameters()} == {"output.weight", "output.bias"}
    assert set(readout.state_dict()) == {"hidden_weight", "hidden_bias", "output.weight", "output.bias"}
    assert not readout.hidden_weight.requires_grad
    same, other = (ExtremeLearningMachine(12, 3, num_hidden=40, seed=seed) for seed in (5, 6))
    assert torch.equal(same.hidden_weight, readout.hidden_weight)
    assert not torch.equal(other.hidden_weight, readout.hidden_weight)
    other.load_state_dict(readout.state_dict())
    assert torch.equal(other(rand(4, 12)), readout(rand(4, 12)))


def test_an_extreme_learning_machine_equals_its_formula():
    readout = ExtremeLearningMachine(12, 3, num_hidden=40)
    x = readout.standardise(rand(5, 12))
    hidden = (x @ readout.hidden_weight.t() + readout.hidden_bias).clamp_min(0)
    expected = hidden @ readout.output.weight.t() + readout.output.bias
    torch.testing.assert_close(readout(rand(5, 12)), expected)
    assert readout.hidden_weight.std().item() == pytest.approx(12**-0.5, rel=0.1)


def test_dropout_acts_in_training_only():
    readout = MLP(12, 3, num_hidden=50, dropout=0.5)
    features = rand(5, 12)
    torch.manual_seed(0)
    assert not torch.equal(readout(features), readout(features))
    readout.eval()
    assert torch.equal(readout(features), readout(features))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Linear(0, 3), "in_features must be a whole number above 0, got 0"),
        (lambda: Linear(12, -3), "num_classes must be a whole number above 0, got -3"),
        (lambda: ExtremeLearningMachine(12, 3, num_hidden=0), "num_hidden must be a whole number above 0"),
        (lambda: MLP(12, 3, num_hidden=0), "num_hidden must be a whole number above 0, got 0"),
        (lambda: MLP(12, 3, dropout=1.5), "dropout must lie between 0 and 1, got 1.5"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_class_assignment_votes_in_proportion_to_the_mean_responses():
    readout = ClassAssignment(3, 2)
    features = torch.tensor([[4.0, 0.0, 1.0], [2.0, 0.0, 1.0], [1.0, 0.0, 5.0]])
    assert not readout(features).any()
    readout.learn(features, torch.tensor([0, 0, 1]), combine=lambda values: values)
    # means: class 0 (3, 0, 1), class 1 (1, 0, 5)
    expected = torch.tensor([[4 * 3 / 4 + 1 / 6, 4 * 1 / 4 + 5 / 6]])
    torch.testing.assert_close(readout(features[:1]), expected)


def test_class_assignment_in_batches_or_processes_is_the_same():
    generator = torch.Generator().manual_seed(0)
    features, label = torch.rand(30, 6, generator=generator), torch.arange(30) % 3
    whole, parts = ClassAssignment(6, 3), ClassAssignment(6, 3)
    whole.learn(features, label, combine=lambda values: values)
    for part in (slice(0, 10), slice(10, 30)):
        parts.learn(features[part], label[part], combine=lambda values: values)
    torch.testing.assert_close(whole(features), parts(features))
    first, second = ClassAssignment(6, 3), ClassAssignment(6, 3)
    sums = []
    first.learn(features[:10], label[:10], combine=lambda values: sums.append(values) or values)
    second.learn(features[10:], label[10:], combine=lambda values: values + sums.pop(0))
    assert not sums
    torch.testing.assert_close(second(features), whole(features))
    assert not torch.allclose(first(features), whole(features))


@pytest.mark.parametrize("kind", READOUTS)
def test_readouts_with_gradients_do_not_learn_by_themselves(kind):
    readout = READOUTS[kind]()
    assert not hasattr(readout, "learn")
    check_gradients(readout, torch.nn.Linear(2, 2))


@pytest.mark.parametrize("kind", [ClassAssignment, SpikingDelta])
def test_local_readouts_use_no_gradients_and_nothing_below_them_may(kind):
    fixed, below = torch.nn.Linear(2, 2).requires_grad_(False), torch.nn.Linear(2, 2)
    check_gradients(kind(3, 2), fixed)
    message = f"readout: {kind.__name__} learns without gradients, so no projection below can be trained"
    with pytest.raises(ValueError, match=message):
        check_gradients(kind(3, 2), below)


def test_a_readout_says_what_its_scores_are_and_a_local_one_how_it_learns():
    class Mute(Readout):
        pass

    class Idle(LocalReadout):
        def forward(self, features):
            return features

    with pytest.raises(TypeError, match=r"abstract method '?forward"):
        Mute(3, 2)
    with pytest.raises(TypeError, match=r"abstract method '?learn"):
        Idle(3, 2)


def test_features_are_standardised_over_the_training_samples_if_so_asked():
    torch.manual_seed(0)
    readout = Linear(3, 2, standardise="feature")
    features = torch.tensor([1.0, 50.0, 0.0]) + torch.tensor([2.0, 10.0, 0.0]) * torch.randn(2000, 3)
    normal = readout.standardise(features)
    assert normal.mean(0).tolist() == pytest.approx([0, 0, 0], abs=1e-4)
    assert normal.std(0).tolist() == pytest.approx([1, 1, 0], abs=1e-3)
    for _ in range(60):
        readout.standardise(features)
    readout.eval()
    torch.testing.assert_close(readout.standardise(features[:5]), normal[:5], rtol=0.02, atol=0.02)
    alone = readout.train().standardise(features[:1])  # the last batch of an epoch may be one sample
    torch.testing.assert_close(alone, normal[:1], rtol=0.02, atol=0.02)
    with pytest.raises(ValueError, match="standardise must be one of"):
        MLP(3, 2, standardise="batch")


def test_a_delta_step_takes_the_statistics_of_the_features_once():
    readout, (features, label) = SpikingDelta(6, 3, standardise="feature"), blobs(30)
    readout.learn(features, label, combine=lambda values: values)
    assert readout.norm.num_batches_tracked == 1


def blobs(count=200, seed=0):
    """Three classes, each with two of six features on."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(count) % 3
    features = 0.3 * torch.rand(count, 6, generator=generator)
    features[torch.arange(count), 2 * label] += 1
    features[torch.arange(count), 2 * label + 1] += 1
    return features, label


def test_spiking_neurons_learn_their_classes_by_the_delta_rule():
    readout = SpikingDelta(6, 3, learning_rate=0.05)
    features, label = blobs()
    first = readout(features)
    assert torch.equal(first.argmax(1), torch.zeros(200, dtype=torch.int64))
    for _ in range(100):
        readout.learn(features, label, combine=lambda values: values)
    rates = readout(blobs(seed=1)[0])
    assert torch.equal(rates.argmax(1), label)
    assert rates[torch.arange(200), label].mean().item() == pytest.approx(0.8, abs=0.1)
    assert readout.weight.grad is None


def test_a_step_is_that_of_the_delta_rule_for_the_rates():
    readout = SpikingDelta(6, 3, learning_rate=0.1, target_rate=0.5)
    features, label = blobs(30)
    with torch.no_grad():
        readout.weight += 0.1 * torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    before, rates, inputs = readout.weight.clone(), readout(features), readout.standardise(features)
    expected = before.clone()
    for x, y, right in zip(inputs, rates, label.tolist(), strict=True):
        for unit in range(3):
            expected[unit] += 0.1 / 30 * ((0.5 if unit == right else 0.0) - y[unit]) * x
    readout.learn(features, label, combine=lambda values: values)
    torch.testing.assert_close(readout.weight, expected)
    assert not torch.equal(readout.weight, before)


def test_two_processes_make_the_step_of_the_whole_batch():
    features, label = blobs(30)
    whole = SpikingDelta(6, 3)
    whole.learn(features, label, combine=lambda values: values)
    halves = [SpikingDelta(6, 3) for _ in range(2)]
    sizes = (10, 20)
    parts = zip(features.split(sizes), label.split(sizes), strict=True)
    exchanged = [[], []]
    for readout, part, seen in zip(halves, parts, exchanged, strict=True):
        numbers = iter([torch.tensor(30.0)])

        def combine(values, numbers=numbers, seen=seen):
            seen.append(values.clone())
            return next(numbers, values)

        readout.learn(*part, combine=combine)
    together = exchanged[0][1] + exchanged[1][1]
    torch.testing.assert_close(together, whole.weight.detach())


def test_rates_are_those_of_the_neurons():
    readout = SpikingDelta(6, 3, num_steps=10, target_rate=0.5)
    assert readout(torch.zeros(1, 6)).tolist()[0] == pytest.approx([0.25, 0.25, 0.25], abs=0.06)
    with pytest.raises(ValueError, match="target_rate must lie between 0 and 1, got 2"):
        SpikingDelta(6, 3, target_rate=2.0)
