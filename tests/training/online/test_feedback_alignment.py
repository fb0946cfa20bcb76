"""Feedback alignment: backpropagation where feedback is the weights, and weights that align where it is not."""

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
        "two": SpikingLayer(Maps(1, 1, 10), neuron, projection=trained, lateral=partial(Dense, trainable=True)),
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
    """The gradient of the first layer comes nearer to the true one; that of the last is the true one."""
    model, (input, label) = classifier(learning=FeedbackAlignment()), data()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    cosines = []
    for _ in range(60):
        _, true = gradients(model, input, label, aligned=False)
        loss, found = gradients(model, input, label, aligned=True)
        cosines.append({name: float(F.cosine_similarity(x.flatten(), true[name].flatten(), 0)) for name, x in found.items()})
        for name, parameter in model.named_parameters():
            parameter.grad = found.get(name)
        optimizer.step()
    hidden, last = "network.connections.one.projection.weight", "readouts.network.output.weight"
    early, late = (sum(one[hidden] for one in part) / 10 for part in (cosines[:10], cosines[-10:]))
    assert late > early + 0.1
    assert late > 0.2
    assert all(one[last] > 0.9999 for one in cosines)


def test_feedback_stays_and_is_in_the_checkpoint():
    model = classifier(learning=FeedbackAlignment())
    drawn = {name: model.learner.feedback(name) for name in model.learner.names}
    assert {"network/one", "network/two", "network/two_lateral", "readout/output"} == set(drawn)
    assert not any(p.requires_grad for p in model.learner.parameters())
    again = classifier(learning=FeedbackAlignment())
    for name, value in drawn.items():
        assert torch.equal(again.learner.feedback(name), value)  # by the seed
    assert sum(key.startswith("learner.") for key in model.state_dict()) == len(drawn)
