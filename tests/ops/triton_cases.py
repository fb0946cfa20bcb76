"""The Triton kernels in Triton's interpreter, on a CPU; `test_triton.py` runs this in its own process."""

from functools import partial
from typing import get_args

import numpy as np
import pytest
import torch

pytest.importorskip("triton")

from helpers.kernels import LIF_KINDS, RULES, assert_gradients, differentiate, on_both
from helpers.models import EVERY
from helpers.tensors import rand

from lightning_snn import (
    LIF,
    ConductanceLIF,
    IntegrateFire,
    Izhikevich,
    LateralKernel,
    Square,
)
from lightning_snn.dynamics.surrogate import SurrogateName, spike
from lightning_snn.ops import backend
from lightning_snn.ops.exponential_filter import exponential_filter
from lightning_snn.ops.race_scan import race_scan
from lightning_snn.plasticity import Activity
from lightning_snn.plasticity.groups import stack

on_triton = partial(on_both, kernels="triton")


def assert_close(one, other):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", get_args(SurrogateName))
def test_every_surrogate_has_its_derivative(name):
    model, distance = IntegrateFire(threshold=1.0, surrogate=name), torch.linspace(-3, 3, 61)
    found = distance.clone().requires_grad_()
    with backend.use("triton"):
        model((1 + found)[None, None])[0].sum().backward()
    expected = torch.autograd.functional.vjp(lambda x: spike(x, name), distance, torch.ones_like(distance))
    torch.testing.assert_close(found.grad, expected[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "per_neuron"), [((1, 3, 100), False), ((9, 2, 300), True), ((5, 1, 1), False)]
)
@pytest.mark.parametrize("kind", LIF_KINDS)
def test_lif(kind, shape, per_neuron):
    steps, batch, nodes = shape
    tau = 5 + 20 * rand(nodes, seed=2) if per_neuron else 10.0
    model, current = LIF(tau, **LIF_KINDS[kind]), 3 * rand(steps, batch, nodes)
    rest = model.rest(batch, nodes, current)
    start = LIF.State(rest.v + rand(batch, nodes, seed=1), rest.refractory, rest.adaptation + 0.01)
    (values, gradients), (fused, fused_gradients) = on_triton(
        lambda: differentiate(model.scan, current, start)
    )
    assert_close(values, fused)
    assert_gradients([gradients[i] for i in (0, 1, -1)], [fused_gradients[i] for i in (0, 1, -1)])


@pytest.mark.parametrize("each", [False, True])
def test_constants_that_are_learned(each):
    tau = [8.0, 9.0, 10.0, 11.0, 12.0] if each else 10.0
    model = LIF(tau, learn=("tau_mem", "threshold"), reset="soft", refractory=2.0)
    current = 3 * rand(9, 2, 5)

    def run():
        spikes, end = model(current)
        return torch.autograd.grad(spikes.sum() + end.v.sum(), [*model.parameters()])

    reference, fused = on_triton(run)
    assert all(x.ne(0).all() for x in reference)
    assert_close(reference, fused)


@pytest.mark.parametrize("clip_peak", [False, True])
@pytest.mark.parametrize("preset", ["regular_spiking", "heterogeneous"])
@pytest.mark.parametrize("shape", [(1, 3, 100), (9, 2, 300), (5, 1, 1)])
def test_izhikevich(shape, preset, clip_peak):
    model = Izhikevich(preset, num_neurons=shape[2], clip_peak=clip_peak)
    current = 20 * rand(*shape)
    start = model.rest(*shape[1:], current)
    (values, gradients), (fused, fused_gradients) = on_triton(
        lambda: differentiate(model.scan, current, start)
    )
    assert_close(values, fused)
    assert_gradients(gradients, fused_gradients)


def test_izhikevich_under_inhibition():
    model, current = Izhikevich(), 20 - 300 * rand(9, 2, 50)
    start = model.rest(2, 50, current)
    (values, gradients), (fused, fused_gradients) = on_triton(
        lambda: differentiate(model.scan, current, start)
    )
    assert values[1].min() == -137.5
    assert_close(values, fused)
    assert_gradients(gradients, fused_gradients)


@pytest.mark.parametrize(
    "neuron",
    [
        Izhikevich("heterogeneous", seed=0),
        LIF(threshold=15.0, adaptation=10.0, refractory=3.0, resistance=20.0),
    ],
    ids=["izhikevich", "lif"],
)
def test_sheets(neuron):
    neuron = neuron.sized(100)
    coupling = LateralKernel(inhibition_range=3.0).matrix(Square(100, 7.0))
    noise = 4 * torch.randn(25, 2, 100, generator=torch.Generator().manual_seed(0)) + 2
    plain, fused = on_triton(
        lambda: neuron.scan_sheet(noise, neuron.rest(2, 100, noise), torch.zeros(2, 100), coupling)
    )
    assert plain[0].sum() > 50
    assert_close((plain[0], *plain[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (13, 2, 100, 37)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules(rule, shape):
    steps, streams, num_pre, num_post = shape
    wiring = rule.initial(num_pre, num_post, torch.Generator().manual_seed(0))
    spikes = (rand(steps, streams, num_pre) < 0.3).float()

    def run():
        proposal, stream = rule.learn(Activity(spikes), wiring, rule.open(wiring, streams))
        return [*proposal.values(), *stream.values()]

    plain, fused = on_triton(run)
    assert steps == 1 or plain[2].sum() > 10
    assert_close(plain, fused)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules_in_groups(rule):
    nodes = torch.tensor([[*range(0, 80, 2)], [*range(60, 90), *[100] * 10]])
    wiring = stack([rule.initial(40, 17, torch.Generator().manual_seed(g)) for g in range(2)])
    wiring["weight"].mul_((nodes < 100)[:, None])
    activity = Activity((rand(12, 2, 100) < 0.5).float(), nodes=nodes)

    def run():
        proposal, stream = rule.learn(activity, wiring, rule.open(wiring, 2, 100))
        return [*proposal.values(), *stream.values()]

    plain, fused = on_triton(run)
    assert plain[2].sum() > 10
    assert_close(plain, fused)


@pytest.mark.parametrize("units", [1, 17])
def test_races(units):
    nodes = torch.tensor([[*range(0, 80, 2)], [*range(60, 90), *[100] * 10]])
    spikes = (rand(12, 3, 100) < 0.3) * rand(12, 3, 100, seed=1)
    weight = rand(2, units, 40, seed=2) * (nodes < 100)[:, None]
    threshold = torch.tensor([[5.0], [100.0]]) + 40 * rand(2, units, seed=3)

    def run():
        groups = race_scan(spikes, weight, threshold, nodes=nodes)
        return *groups, *race_scan(spikes[..., :40], weight[0], threshold[0])

    plain, fused = on_triton(run)
    assert (plain[0][:, 0] >= 0).all()
    assert (plain[0][:, 1] < 0).all()
    assert_close(plain, fused)


@pytest.mark.parametrize("neuron", [Izhikevich(), LIF(threshold=15.0, resistance=20.0)], ids=["izh", "lif"])
def test_sheets_take_graded_first_spikes(neuron):
    coupling = LateralKernel(inhibition_range=3.0).matrix(Square(100, 7.0))
    noise, first = 4 * rand(5, 2, 100), (2 * rand(2, 100, seed=1) - 1).round(decimals=1)
    plain, fused = on_triton(lambda: neuron.scan_sheet(noise, neuron.rest(2, 100, noise), first, coupling))
    assert_close((plain[0], *plain[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules_take_graded_spikes(rule):
    wiring = rule.initial(60, 17, torch.Generator().manual_seed(0))
    spikes = (rand(12, 2, 60) * (rand(12, 2, 60, seed=1) < 0.7)).round(decimals=1)

    def run():
        proposal, stream = rule.learn(Activity(spikes), wiring, rule.open(wiring, 2))
        return [*proposal.values(), *stream.values()]

    plain, fused = on_triton(run)
    assert plain[2].sum() > 10
    assert_close(plain, fused)


@pytest.mark.parametrize("shape", [(1, 3, 100), (9, 2, 300), (5, 1, 1)])
@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
def test_integrate_fire(reset, shape):
    steps, batch, nodes = shape
    neuron, current = IntegrateFire(1.5, reset=reset), 2 * rand(steps, batch, nodes) - 0.2
    state = neuron.rest(batch, nodes, current)._replace(adaptation=rand(batch, nodes, seed=1))
    plain, fused = on_triton(lambda: neuron.scan(current, state))
    assert steps == 1 or 0 < plain[0].mean() < 1
    assert_close((plain[0], *plain[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("inhibited", [False, True])
@pytest.mark.parametrize("strength", [None, 0.05])
@pytest.mark.parametrize("shape", [(1, 3, 100), (60, 2, 300), (60, 1, 1)])
def test_conductance_lif(shape, strength, inhibited):
    steps, batch, nodes = shape
    neuron, drive = ConductanceLIF(adaptation=0.5), 1.3 * rand(steps, batch, nodes)
    state = neuron.rest(batch, nodes, drive)
    start, first = state._replace(adaptation=rand(batch, nodes, seed=1)), (rand(batch, nodes) < 0.1).float()
    others = {"inhibition": 0.02 * rand(steps, batch, nodes, seed=2)} if inhibited else {}

    def run():
        if strength is None:
            return neuron.scan(drive, start, **others)
        return neuron.scan_uniform(drive, start, first, strength, input="inhibition", **others)

    plain, fused = on_triton(run)
    assert steps == 1 or 0 < plain[0].mean() < 1
    assert_close((plain[0], *plain[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("case", EVERY.values(), ids=EVERY)
def test_every_model(case):
    model, current = case.model(), case.current(12, 2, 5)
    start = model.rest(2, 5, current)
    with np.errstate(all="ignore"):  # by lanes without a neuron
        (values, gradients), (fused, fused_gradients) = on_triton(
            lambda: differentiate(model.scan, current, start)
        )
    assert_close(values, fused)
    assert_gradients(gradients, fused_gradients[: len(gradients)])


@pytest.mark.parametrize("shape", [(1, 3, 100), (9, 2, 300), (5, 1, 1)])
def test_exponential_filter(shape):
    current, start = rand(*shape), rand(*shape[1:], seed=1)

    def run():
        inputs = current.clone().requires_grad_(), start.clone().requires_grad_()
        filtered = exponential_filter(*inputs, 0.8)
        (filtered * rand(*shape, seed=2)).sum().backward()
        return filtered.detach(), *(x.grad for x in inputs)

    assert_close(*on_triton(run))
