"""Feedback alignment: backpropagation where feedback is the weights, else weights that align with it."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from lightning_snn import (
    LIF,
    MLP,
    Dense,
    ExponentialCurrent,
    FeedbackAlignment,
    Frames,
    LeakyReadout,
    Linear,
    Maps,
    Relay,
    SpikingClassifier,
    SpikingLayer,
)
from lightning_snn.presentation.present import NETWORK


def classifier(readout=LeakyReadout, learning=None, **options):
    trained = partial(Dense, trainable=True, gain=8.0, **options)
    neuron = LIF(10.0, threshold=0.3)
    layers = {
        "input": SpikingLayer(Maps(1, 1, 6), Relay()),
        "one": SpikingLayer(Maps(1, 1, 20), neuron, projection=trained),
        "two": SpikingLayer(
            Maps(1, 1, 10), neuron, projection=trained, lateral=partial(Dense, trainable=True)
        ),
    }
    return SpikingClassifier(layers, Frames(), readout, num_classes=3, learning=learning, seed=0)


def data(samples=12):
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(samples, 20, 6, generator=generator) < 0.4).float(), torch.arange(samples) % 3


def gradients(model, input, label, *, aligned):
    """Of the parameters that feedback alignment trains, by name."""
    if aligned:
        _, output = model.learner(input, model._reading)
    else:
        output = model.readout(model.present(input).features[NETWORK])
    loss = F.cross_entropy(model.scores(output), label)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return loss, dict(zip(trained, torch.autograd.grad(loss, list(trained.values())), strict=True))


def angle(one, other):
    """In degrees."""
    return float(F.cosine_similarity(one.flatten(), other.flatten(), 0).clamp_max(1).acos().rad2deg())


@pytest.mark.parametrize("readout", [LeakyReadout, Linear, partial(MLP, dropout=0.0)])
@pytest.mark.parametrize("options", [{}, {"kinetics": ExponentialCurrent(3.0), "delay": 2.0}])
def test_with_the_weights_as_feedback_it_is_backpropagation(readout, options):
    model = classifier(readout, FeedbackAlignment(), **options)
    for name in model.learner.names:
        kind, _, part = name.partition("/")
        place = model.network.weighted[part] if kind == "network" else model.readout.get_submodule(part)
        model.learner.feedback(name).copy_(place.weight.detach())
    loss, expected = gradients(model, *data(), aligned=False)
    again, found = gradients(model, *data(), aligned=True)
    assert torch.equal(loss, again)
    for name, value in expected.items():
        assert value.abs().max() > 0
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


def test_weights_align_with_the_feedback():
    """The gradient of the hidden layer comes nearer to the true one; that of the readout is the true one."""
    projection = partial(Dense, trainable=True, gain=8.0)
    layers = {
        "input": SpikingLayer(Maps(1, 1, 12), Relay()),
        "one": SpikingLayer(Maps(1, 1, 30), LIF(10.0, threshold=0.3), projection=projection),
    }
    model = SpikingClassifier(
        layers, Frames(), LeakyReadout, num_classes=3, learning=FeedbackAlignment(), seed=1
    )
    generator, label = torch.Generator().manual_seed(0), torch.arange(30) % 3
    rate = 0.6 * torch.rand(3, 12, generator=generator)
    input = (torch.rand(30, 20, 12, generator=generator) < rate[label][:, None]).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    angles = []
    for _ in range(60):
        _, true = gradients(model, input, label, aligned=False)
        loss, found = gradients(model, input, label, aligned=True)
        angles.append({name: angle(x, true[name]) for name, x in found.items()})
        for name, parameter in model.named_parameters():
            parameter.grad = found.get(name)
        optimizer.step()
    hidden, last = "network.connections.one.projection.weight", "readouts.network.output.weight"
    early, late = (sum(one[hidden] for one in part) / 10 for part in (angles[:10], angles[-10:]))
    assert late < early - 10
    assert late < 80
    assert all(one[last] < 1 for one in angles)
    assert loss < 0.1


def test_feedback_stays_and_is_in_the_checkpoint():
    model = classifier(learning=FeedbackAlignment())
    drawn = {name: model.learner.feedback(name) for name in model.learner.names}
    assert {"network/one", "network/two", "network/two_lateral", "readout/output"} == set(drawn)
    assert not any(p.requires_grad for p in model.learner.parameters())
    again = classifier(learning=FeedbackAlignment())
    for name, value in drawn.items():
        assert torch.equal(again.learner.feedback(name), value)  # by the seed
    assert sum(key.startswith("learner.") for key in model.state_dict()) == len(drawn)
