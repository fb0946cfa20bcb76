"""Learning rules in a module: every switch of a Trainer, checkpoints, memory, what is refused."""

import gc
from functools import partial

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn import (
    LIF,
    OTTT,
    AdaptiveLIF,
    CrossEntropy,
    DelayedDense,
    Dense,
    EProp,
    FeedbackAlignment,
    Frames,
    LeakyReadout,
    Linear,
    Maps,
    RateBounds,
    Relay,
    SpikingClassifier,
    SpikingLayer,
    TDBatchNorm,
)
from lightning_snn.training.online import shown as reading

trained = partial(Dense, trainable=True, gain=8.0)


def classifier(learning, *, neuron=None, projection=trained, readout=LeakyReadout, **options):
    layers = {
        "input": SpikingLayer(Maps(1, 1, 6), Relay()),
        "rec": SpikingLayer(
            Maps(1, 1, 20), neuron or AdaptiveLIF(10.0, 50.0, 2.0, threshold=0.3), projection=projection,
            lateral=partial(Dense, trainable=True),
        ),
    }  # fmt: skip
    optimizer = partial(torch.optim.Adam, lr=0.02)
    return SpikingClassifier(
        layers,
        Frames(),
        readout,
        num_classes=2,
        image_size=(2, 3),
        learning=learning,
        optimizer=optimizer,
        seed=0,
        **options,
    )


@pytest.fixture
def loader():
    """Sequences of six inputs, three of which spike often in each class."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(40) % 2
    rate = torch.where((torch.arange(6) < 3) == (label[:, None] == 0), 0.5, 0.2)
    trains = (torch.rand(40, 20, 6, generator=generator) < rate[:, None]).float()
    return DataLoader(TensorDataset(trains, label), batch_size=10)


RULES = [EProp(), EProp("random"), EProp("adaptive"), OTTT(), FeedbackAlignment()]


@pytest.mark.parametrize(
    "rule", RULES, ids=lambda rule: f"{type(rule).__name__}{getattr(rule, 'feedback', '')}"
)
def test_learns_with_the_switches_of_a_trainer_and_comes_back(rule, loader, trainer, tmp_path):
    costs = {"rates": RateBounds(lower=1.0, upper=100.0)}
    model = classifier(rule, loss=CrossEntropy(last=10.0), regularisers=costs)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    fit = trainer(max_epochs=6, gradient_clip_val=1.0, accumulate_grad_batches=2, precision="bf16-mixed")
    fit.fit(model, loader, loader)
    assert all((p - before[name]).abs().max() > 1e-4 for name, p in model.named_parameters())
    (scores,) = fit.test(model, loader, verbose=False)
    assert scores["test/accuracy"] > 0.85  # chance: 0.5
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert type(again.learner) is type(model.learner)
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_adaptive_feedback_has_the_gradient_of_the_readout(loader):
    model = classifier(EProp("adaptive"))
    input, label = next(iter(loader))
    _, output = model.learner(input, model._reading)
    model.loss(output, label).backward()
    (matrix,) = model.learner.parameters()
    assert torch.equal(matrix.grad, model.readout.output.weight.grad)
    assert matrix.grad.abs().max() > 0


@pytest.mark.parametrize("rule", [None, EProp(), OTTT()])
def test_only_inputs_and_outputs_are_held_for_longer_runs(rule, monkeypatch):
    """Numbers that wait for the backward pass, and those that are there in the middle of a run."""
    model = classifier(rule, neuron=LIF(10.0, threshold=0.3))
    monkeypatch.setattr("lightning_snn.training.online.walk.MOST_STEPS", 10)
    held = {}
    for steps in (40, 80):
        count = 0

        def pack(tensor):
            nonlocal count
            count += tensor.numel()
            return tensor

        input = torch.ones(4, steps, 6)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            if rule is None:
                output = model.readout(model.present(input).features["network"])
            else:
                _, output = model.learner(input, model._reading)
            loss = model.loss(output, torch.tensor([0, 1, 0, 1]))
        loss.backward()
        held[steps] = count
    more = held[80] - held[40]
    spikes, outputs = 40 * 4 * 20, 40 * 4 * 2
    assert more > spikes if rule is None else more <= 3 * outputs


def test_a_run_holds_a_block_of_steps(monkeypatch):
    monkeypatch.setattr("lightning_snn.training.online.walk.MOST_STEPS", 10)
    model, live = classifier(EProp()), {}
    walk = reading.walk

    def watched(*args, **kwargs):
        for block in walk(*args, **kwargs):
            if block.steps.start == 30:
                live[len(args[1]["input"])] = sum(
                    x.numel()
                    for x in gc.get_objects()
                    if issubclass(type(x), torch.Tensor) and x.shape[-1:] == (20,)
                )
            yield block

    monkeypatch.setattr(reading, "walk", watched)
    for steps in (40, 400):
        model.learner(torch.ones(4, steps, 6), model._reading)
    assert live[40] == live[400] > 0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EProp("symetric"), "feedback must be one of"),
        (lambda: EProp("random", scale=0.0), "scale must be"),
        (
            lambda: classifier(EProp(), neuron=Relay()),
            r"layers\.rec\.projection, which is trainable, leads to rec, whose Relay has none",
        ),
        (lambda: classifier(EProp("random"), readout=Linear), "such as LeakyReadout, got Linear"),
        (lambda: classifier(OTTT(), projection=partial(trained, norm=TDBatchNorm())), "has a norm"),
        (
            lambda: classifier(EProp(), projection=partial(DelayedDense, max_delay=5.0, trainable=True)),
            r"layers\.rec\.projection",
        ),
        (
            lambda: classifier(OTTT(), controls=["pixels"], control_readouts={"pixels": Linear}),
            "leave out controls, got pixels",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
