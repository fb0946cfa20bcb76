"""The operators on a CUDA device, held to the plain loops on a CPU over short windows from the same state."""

import pytest
import torch
from helpers.kernels import RULES

from lightning_snn import (
    LIF,
    ConductanceLIF,
    IntegrateFire,
    Izhikevich,
    LateralKernel,
    Square,
)
from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.exponential_filter import exponential_filter
from lightning_snn.ops.race_scan import race_scan
from lightning_snn.ops.stdp_window import stdp_window
from lightning_snn.plasticity import Activity

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

MODELS = {
    "lif": LIF(10.0),
    "lif soft": LIF(10.0, reset="soft", adaptation=0.3, refractory=2.0),
    "izhikevich": Izhikevich(clip_peak=True),
}


def on(device, values):
    """Nested containers with their tensors on a device."""
    if isinstance(values, torch.Tensor):
        return values.to(device)
    if isinstance(values, dict):
        return {name: on(device, value) for name, value in values.items()}
    moved = [on(device, value) for value in values]
    return type(values)(*moved) if hasattr(values, "_fields") else type(values)(moved)


def assert_close(found, expected, **tolerance):
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.cpu(), b, **(tolerance or {"rtol": 1e-4, "atol": 1e-4}))


@pytest.fixture
def strict():
    """Raise where the host waits for the device."""

    class Strict:
        def __enter__(self):
            torch.cuda.set_sync_debug_mode("error")

        def __exit__(self, *_):
            torch.cuda.set_sync_debug_mode("default")

    return Strict()


@pytest.mark.parametrize("shape", [(1, 3, 1000), (20, 3, 1000), (20, 1, 1)])
@pytest.mark.parametrize("name", MODELS)
def test_neurons(name, shape):
    model = MODELS[name]
    current = 3 * torch.rand(shape, generator=torch.Generator().manual_seed(0))
    current = 5 * current if name == "izhikevich" else current
    results = []
    for device in ("cpu", "cuda"):
        leaf = current.to(device).requires_grad_()
        spikes, state = model.to(device)(leaf)
        (spikes.sum() + state[0].sum()).backward()
        results.append((spikes.detach(), *(x.detach() for x in state), leaf.grad))
    model.to("cpu")
    assert_close(results[1], results[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 3, 1000), (20, 3, 1000), (20, 1, 1)])
@pytest.mark.parametrize(
    "model", [IntegrateFire(2.0), IntegrateFire(2.0, reset="none"), ConductanceLIF(adaptation=0.5)]
)
def test_neurons_without_gradients(model, shape, strict):
    current = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    spikes, state = model(current)
    on_card = current.cuda(), on("cuda", model.rest(*shape[1:], current))
    model(*on_card)
    torch.cuda.synchronize()
    with strict:
        found, end = model(*on_card)
    assert (found.cpu() != spikes).float().mean() < 1e-3
    same = (found.cpu() == spikes).all(0)
    assert_close([x.cpu()[same] for x in end], [x[same] for x in state])


def test_inhibition_of_all_others(strict):
    model, drive = ConductanceLIF(), 10 * torch.rand(40, 3, 400, generator=torch.Generator().manual_seed(0))
    start = drive, model.rest(3, 400, drive), (drive[0] > 9.9).float(), 0.2
    added = {"input": "inhibition", "inhibition": 0.01 * drive}
    spikes, state = model.scan_uniform(*start, **added)
    on_card = [*on("cuda", start[:3]), 0.2]
    added["inhibition"] = added["inhibition"].cuda()
    model.scan_uniform(*on_card, **added)
    torch.cuda.synchronize()
    with strict:
        found, end = model.scan_uniform(*on_card, **added)
    assert spikes.sum() > 100
    assert (found.cpu() != spikes).float().mean() < 1e-3
    same = (found.cpu() == spikes).all(0)
    assert_close([x.cpu()[same] for x in end], [x[same] for x in state])


def test_exponential_filter():
    current = torch.rand(20, 3, 1000, generator=torch.Generator().manual_seed(0))
    results = []
    for device in ("cpu", "cuda"):
        leaf = current.to(device).requires_grad_()
        filtered = exponential_filter(leaf, leaf[0].detach(), 0.8)
        filtered.square().sum().backward()
        results.append((filtered.detach(), leaf.grad))
    assert_close(results[1], results[0])


@pytest.mark.parametrize(
    "neuron", [Izhikevich("heterogeneous", seed=0), LIF(threshold=15.0, resistance=20.0)]
)
def test_sheets_of_256_streams_without_waiting(neuron, strict):
    neuron = neuron.sized(1500)
    coupling = LateralKernel().matrix(Square(1500, 28.0))
    noise = 3 * torch.randn(10, 256, 1500, generator=torch.Generator().manual_seed(0)) + 2
    start = (neuron.rest(256, 1500, noise), torch.zeros(256, 1500), coupling)
    spikes, state = neuron.scan_sheet(noise, *start)
    neuron = neuron.to("cuda")
    inputs = (noise.cuda(), *on("cuda", start))
    neuron.scan_sheet(*inputs)
    torch.cuda.synchronize()
    with strict:
        found, end = neuron.scan_sheet(*inputs)
    neuron.to("cpu")
    assert spikes.sum() > 100
    assert (found.cpu() != spikes).float().mean() < 1e-4
    same = (found.cpu() == spikes).all(0)
    assert_close([x.cpu()[same] for x in end], [x[same] for x in state])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules(rule, strict):
    wiring = rule.initial(300, 50, torch.Generator().manual_seed(0))
    spikes = (torch.rand(10, 4, 300, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    proposal, stream = rule.learn(Activity(spikes), wiring, rule.open(wiring, 4))
    on_card = (Activity(spikes.cuda()), on("cuda", wiring), on("cuda", rule.open(wiring, 4)))
    rule.learn(*on_card)
    torch.cuda.synchronize()
    with strict:
        found, end = rule.learn(*on_card)
    assert proposal["spikes"].sum() > 0
    assert_close([*found.values(), *end.values()], [*proposal.values(), *stream.values()])


@pytest.mark.parametrize("seen", [None, 200])
def test_races(seen):
    generator = torch.Generator().manual_seed(0)
    spikes = (torch.rand(30, 4, 1500, generator=generator) < 0.05).float()
    nodes = None if seen is None else torch.stack([torch.randperm(1500)[:seen] for _ in range(50)])
    sizes = (16, 1500) if nodes is None else (50, 16, seen)
    arguments = spikes, torch.rand(sizes, generator=generator), 50 + 100 * torch.rand(sizes[:-1])
    race = race_scan(*arguments, nodes=nodes)
    on_card = on("cuda", arguments), None if nodes is None else nodes.cuda()
    found = race_scan(*on_card[0], nodes=on_card[1])
    same = (found.winner.cpu() == race.winner) & (found.step.cpu() == race.step)
    assert same.float().mean() > 0.99  # sums round otherwise there
    assert (race.winner >= 0).any()
    assert_close([found.sent.cpu()[same]], [race.sent[same]])


def test_sums_and_windows():
    generator = torch.Generator().manual_seed(0)
    pre, post = ((torch.rand(20, 3, n, generator=generator) < 0.2).float() for n in (50, 30))
    rows = torch.rand(50, 7, generator=generator)
    torch.testing.assert_close(event_sum(pre[0].cuda(), rows.cuda()).cpu(), event_sum(pre[0], rows))
    arguments = (pre, post, torch.zeros(3, 50), torch.zeros(3, 30))
    decays = {"pre_decay": 0.9, "post_decay": 0.8}
    for options in ({}, {"groups": 3, "pairing": "nearest"}):
        found = stdp_window(*on("cuda", arguments), **decays, **options)
        assert_close(found, stdp_window(*arguments, **decays, **options))


def test_a_large_sheet():
    coupling = LateralKernel(storage="mesh").couple(Square(1500, 28.0))
    spikes = (torch.rand(3, 1500, generator=torch.Generator().manual_seed(0)) < 0.03).float()
    expected = coupling(spikes)
    torch.testing.assert_close(coupling.cuda()(spikes.cuda()).cpu(), expected, rtol=1e-4, atol=1e-4)


def test_the_triton_kernels_are_what_runs():
    assert backend.chosen("lightning_snn.ops.compiler.LIF", torch.device("cuda")) == "triton"
