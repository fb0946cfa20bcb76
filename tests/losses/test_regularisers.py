"""Costs of activity and weights: their values, what they do to a network, what they refuse."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn import (
    LIF,
    Connection,
    Conv2d,
    Dense,
    Frames,
    LeakyReadout,
    Linear,
    Local,
    Maps,
    Pool2d,
    RateBounds,
    Relay,
    SpikingClassifier,
    SpikingLayer,
    SpikingNetwork,
    Square,
    SynapticOperations,
    WeightPenalty,
)
from lightning_snn.losses.synaptic_operations import fan_out
from lightning_snn.presentation.present import Presentation

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")

TRAINED = partial(Dense, gain=8.0, trainable=True)


def layers(trained=TRAINED):
    sizes = {"eye": (Relay(), None), "hidden": (LIF(5.0), trained), "top": (LIF(5.0), trained)}
    return {name: SpikingLayer(Square(6, 3.0), neuron, projection=p) for name, (neuron, p) in sizes.items()}


def model_of(*, dt=1.0, trained=TRAINED, **options):
    return SpikingClassifier(
        layers(trained), Frames(), LeakyReadout, num_classes=2, dt=dt, seed=0,
        optimizer=partial(torch.optim.Adam, lr=0.02), **options,
    )  # fmt: skip


def evoked(**rates):
    return Presentation({}, torch.empty(0), torch.empty(0), rates=rates, steps=20)


@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_rate_bounds(dt):
    network = SpikingNetwork(layers(), dt=dt)
    low, high = torch.tensor([[0.0, 5.0], [10.0, 20.0]]), torch.tensor([[50.0, 150.0], [100.0, 100.0]])
    shown = evoked(eye=low, hidden=low, top=high)
    each = RateBounds(10.0, 100.0, strength=3.0)
    below, above = (1 + 0.25) / 4, 0.25 / 4
    assert each(shown, network).item() == pytest.approx(3 * (below + above) / 2)
    together = RateBounds(10.0, 80.0, of="population", layers=["top", "hidden"])
    below, above = 0.75**2 / 2, 0.25**2
    assert together(shown, network).item() == pytest.approx((below + above) / 2)


def test_weights():
    network = model_of().network
    first, second = (network.weighted[name].weight for name in ("hidden", "top"))
    both = WeightPenalty(0.1, 0.2)(evoked(), network)
    by_hand = sum(0.1 * w.abs().sum() + 0.2 * w.square().sum() for w in (first, second))
    torch.testing.assert_close(both, by_hand)
    one = WeightPenalty(l1=1.0, connections=["top"])(evoked(), network)
    torch.testing.assert_close(one, second.abs().sum())


def test_fan_out_is_the_number_of_synapses():
    conv = Conv2d(2 * 5 * 5, 3 * 3 * 3, in_shape=(2, 5, 5), kernel_size=3, stride=2, padding=1)
    ones = F.conv_transpose2d(torch.ones(1, 3, 3, 3), torch.ones(3, 2, 3, 3), stride=2, padding=1)
    assert fan_out(conv).tolist() == ones.flatten().tolist()
    assert fan_out(Dense(4, 7)).tolist() == [7.0] * 4
    sheet = Square(30, 5.0)
    local = Local(30, 30, below=sheet, here=sheet, radius=1.5)
    assert fan_out(local).tolist() == [(local.nodes == node).sum() for node in range(30)]
    assert fan_out(local).unique().numel() > 1


@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_operations_are_spikes_times_their_fan_out(dt):
    model = model_of(dt=dt, regularisers={"energy": SynapticOperations(0.5)})
    shown = model.present((torch.rand(3, 20, 6) < 0.5).float())
    counts = sum(6 * shown.spikes[name].sum((0, 2)) for name in ("eye", "hidden"))
    assert counts.all()
    operations = SynapticOperations().operations(shown, model.network)
    torch.testing.assert_close(operations, counts)
    model.regularisers["energy"](shown, model.network).backward()
    assert model.network.weighted["hidden"].weight.grad.any()


def test_operations_are_counted_exactly_in_mixed_precision():
    model, frames = model_of(), (torch.rand(3, 20, 6) < 0.5).float()
    with torch.autocast("cpu", torch.bfloat16):
        shown = model.present(frames)
        operations = SynapticOperations().operations(shown, model.network)
    counts = sum(6 * shown.spikes[name].sum((0, 2)) for name in ("eye", "hidden"))
    torch.testing.assert_close(operations, counts.float())


def test_costs_in_double_precision():
    costs = [RateBounds(10.0, 100.0), WeightPenalty(0.1, 0.1), SynapticOperations(1e-3)]
    found = []
    for format in (torch.float32, torch.float64):
        model = model_of().to(format)
        shown = model.present(
            (torch.rand(3, 20, 6, generator=torch.Generator().manual_seed(0)) < 0.3).to(format)
        )
        found.append(torch.stack([cost(shown, model.network).float() for cost in costs]))
        found[-1].sum().backward()
    assert model.network.weighted["top"].weight.grad.isfinite().all()
    torch.testing.assert_close(*found, rtol=1e-5, atol=0.0)


def test_operations_of_maps_and_pools():
    maps = {
        "eye": SpikingLayer(Maps(1, 4, 4), Relay()),
        "pool": SpikingLayer(Maps(1, 2, 2), Relay(), projection=partial(Pool2d, kernel_size=2)),
        "top": SpikingLayer(Maps(3, 2, 2), LIF(), projection=partial(Conv2d, kernel_size=1, trainable=True)),
    }
    model = SpikingClassifier(maps, Frames(), Linear, num_classes=2)
    shown = model.present((torch.rand(2, 7, 1, 4, 4) < 0.5).float())
    expected = 3 * shown.spikes["pool"].sum((0, 2))
    torch.testing.assert_close(SynapticOperations().operations(shown, model.network), expected)


def data(samples=40):
    frames = (torch.rand(samples, 20, 6) < 0.4).float()
    return DataLoader(TensorDataset(frames, torch.arange(samples) % 2), batch_size=20)


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("upper", RateBounds(upper=20.0, layers=["hidden"], strength=5.0)),
        ("weights", WeightPenalty(l2=0.5)),
        ("energy", SynapticOperations(0.01, connections=["top"])),
    ],
)
def test_a_cost_is_lowered_and_logged(trainer, name, cost):
    torch.manual_seed(0)
    model, found = model_of(regularisers={name: cost}), []
    for epochs in (1, 12):
        fit = trainer(max_epochs=epochs)
        fit.fit(model, data())
        found.append(fit.callback_metrics[f"train/cost_{name}"].item())
    assert 0 <= found[1] < 0.8 * found[0]
    assert ("train/synaptic_operations" in fit.callback_metrics) == (name == "energy")


def test_a_lower_bound_wakes_a_silent_layer(trainer):
    torch.manual_seed(0)
    trained = partial(Dense, gain=1.5, trainable=True)
    model = model_of(trained=trained, regularisers={"low": RateBounds(30.0)})
    images, found = data(), []
    for epochs in (0, 15):
        trainer(max_epochs=epochs).fit(model, images)
        with torch.no_grad():
            found.append(model.present(next(iter(images))[0]).rate[:, 1:].mean(0))
    assert not found[0].any()
    assert (found[1] > 15).all()


@pytest.mark.parametrize(
    ("regularisers", "message"),
    [
        ({"a": RateBounds(upper=2500.0)}, r"regularisers.a.upper must be at most 2000 Hz, .* got 2500 Hz"),
        (
            {"a": RateBounds(5.0, layers=["lgn"])},
            "regularisers.a.layers must be one of hidden, top, got 'lgn'",
        ),
        ({"a": WeightPenalty(1.0, connections=["x"])}, "a.connections must be one of hidden, top, got 'x'"),
        ({"a": SynapticOperations(connections=["x"])}, "a.connections must be one of hidden, top, got 'x'"),
    ],
)
def test_what_does_not_fit_the_network(regularisers, message):
    with pytest.raises(ValueError, match=message):
        model_of(dt=0.5, regularisers=regularisers)


def test_what_cannot_change_anything():
    with pytest.raises(ValueError, match=r"regularisers.a has nothing to change: no projection"):
        model_of(trained=Dense, regularisers={"a": RateBounds(5.0)})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RateBounds(), "needs lower or upper"),
        (lambda: RateBounds(0.0), "lower must be a finite number above 0"),
        (lambda: RateBounds(5.0, 2.0), "lower must not lie above upper = 2.0 Hz, got 5.0 Hz"),
        (lambda: RateBounds(5.0, of="layer"), "of must be one of neuron, population, got 'layer'"),
        (lambda: WeightPenalty(), "needs l1 or l2 above 0"),
        (lambda: SynapticOperations(-1.0), "strength must be a finite number above 0"),
    ],
)
def test_arguments_out_of_range(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_connection_back_counts_too():
    recurrent = layers()
    back = {"back": Connection("top", "hidden", Dense)}
    model = SpikingClassifier(recurrent, Frames(), Linear, num_classes=2, connections=back)
    shown = model.present((torch.rand(2, 9, 6) < 0.5).float())
    expected = sum(6 * shown.spikes[name].sum((0, 2)) for name in ("eye", "hidden", "top"))
    torch.testing.assert_close(SynapticOperations().operations(shown, model.network), expected)
