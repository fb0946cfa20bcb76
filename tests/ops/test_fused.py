"""The numba kernels of the scans, held to their references."""

from contextlib import nullcontext
from typing import get_args

import pytest
import torch
from helpers.kernels import (
    LIF_KINDS,
    RULES,
    TOLERANCE,
    assert_gradients,
    differentiate,
    interpreted,
    on_both,
    program,
    with_threads,
)
from helpers.tensors import assert_equal, rand

from lightning_snn import (
    LIF,
    STDP,
    CompetitiveHebbian,
    ConductanceLIF,
    IntegrateFire,
    Izhikevich,
    LateralKernel,
    Square,
)
from lightning_snn.dynamics.surrogate import SurrogateName, spike
from lightning_snn.ops import backend
from lightning_snn.ops.stdp_window import Coincidence, cpu, cuda, reference, stdp_window
from lightning_snn.plasticity import Activity

SHAPES = [(1, 3, 1000), (63, 1, 1), (63, 3, 1000)]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float32) for name in get_args(SurrogateName)), ("multi_gaussian", torch.float64)],
)
def test_every_surrogate_has_its_derivative(name, dtype):
    model, distance = IntegrateFire(threshold=1.0, surrogate=name), torch.linspace(-3, 3, 61, dtype=dtype)
    found = distance.clone().requires_grad_()
    with interpreted() if name not in ("atan", "multi_gaussian") else nullcontext():
        model((1 + found)[None, None])[0].sum().backward()
    expected = torch.autograd.functional.vjp(lambda x: spike(x, name), distance, torch.ones_like(distance))
    torch.testing.assert_close(found.grad, expected[1], rtol=1e-5, atol=1e-5)


forms = pytest.mark.parametrize(
    ("per_neuron", "dtype"), [(False, torch.float32), (True, torch.float64)], ids=["shared", "own"]
)


@forms
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["plain", "both"])
def test_lif_equals_the_reference(kind, shape, per_neuron, dtype):
    share = assert_lif_alike(kind, shape, per_neuron, dtype)
    if shape[0] > 1 and shape[2] > 1:
        assert 0.01 < share < 0.9


@forms
@pytest.mark.parametrize("shape", [(1, 3, 5), (24, 1, 1), (24, 2, 5)])
@pytest.mark.parametrize("kind", LIF_KINDS)
def test_every_kind_of_lif_equals_the_reference(kind, shape, per_neuron, dtype):
    with interpreted():
        share = assert_lif_alike(kind, shape, per_neuron, dtype)
    if shape[2] > 1 and shape[0] > 1:
        assert 0.01 < share < 0.9


def assert_lif_alike(kind, shape, per_neuron, dtype):
    """Kernels give the plain loop's bits, and its gradients; returns the share of spikes."""
    steps, batch, nodes = shape
    own = {"tau_mem": 5 + 20 * rand(nodes, seed=2), "threshold": 0.5 + rand(nodes, seed=3)}
    model = LIF(**LIF_KINDS[kind] | (own if per_neuron else {"tau_mem": 10.0}))
    current = 3 * rand(steps, batch, nodes, dtype=dtype)
    rest = model.rest(batch, nodes, current)
    clock = (rand(batch, nodes, seed=4, dtype=dtype) < 0.2).to(dtype) if model.refractory else rest.refractory
    start = LIF.State(rest.v + rand(batch, nodes, seed=1, dtype=dtype), clock, rest.adaptation + 0.01)
    (values, gradients), (fused_values, fused_gradients) = on_both(
        lambda: differentiate(model.scan, current, start)
    )
    assert_equal(values, fused_values)
    assert_gradients([gradients[0], gradients[1], gradients[-1]], [fused_gradients[i] for i in (0, 1, -1)])
    return values[0].mean()


@pytest.mark.parametrize(
    ("preset", "clip_peak", "dtype"),
    [("regular_spiking", True, torch.float64), ("heterogeneous", False, torch.float32)],
)
@pytest.mark.parametrize("shape", [(1, 3, 1000), (20, 1, 1), (20, 3, 1000)])
def test_izhikevich_equals_the_reference(shape, preset, clip_peak, dtype):
    share = assert_izhikevich_alike(shape, preset, clip_peak, dtype)
    if shape[0] > 1 and shape[2] > 1:
        assert share > 0.01


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("clip_peak", [False, True])
@pytest.mark.parametrize("preset", ["regular_spiking", "heterogeneous"])
def test_every_kind_of_izhikevich_equals_the_reference(preset, clip_peak, dtype):
    with interpreted():
        assert assert_izhikevich_alike((20, 2, 5), preset, clip_peak, dtype) > 0.01


def assert_izhikevich_alike(shape, preset, clip_peak, dtype):
    """Kernels give the plain loop's bits, and its gradients; returns the share of spikes."""
    steps, batch, nodes = shape
    model = Izhikevich(preset, num_neurons=nodes, clip_peak=clip_peak)
    current = 20 * rand(steps, batch, nodes, dtype=dtype)
    start = model.rest(batch, nodes, current)
    (values, gradients), (fused_values, fused_gradients) = on_both(
        lambda: differentiate(model.scan, current, start)
    )
    assert_equal(values, fused_values)
    assert_gradients(gradients, fused_gradients)
    return values[0].mean()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "neuron",
    [
        Izhikevich("heterogeneous", seed=0),
        LIF(threshold=15.0, adaptation=10.0, refractory=3.0, resistance=20.0),
    ],
    ids=["izhikevich", "lif"],
)
def test_sheets_equal_the_reference(neuron, threads):
    neuron = neuron.sized(400)
    coupling = LateralKernel(inhibition_range=4.0).matrix(Square(400, 14.0))
    noise = 4 * torch.randn(300, 3, 400, generator=torch.Generator().manual_seed(0)) + 0.5

    def run():
        spikes = torch.zeros(3, 400)
        first, state = neuron.scan_sheet(noise[:200], neuron.rest(3, 400, noise), spikes, coupling)
        second, state = neuron.scan_sheet(noise[200:], state, first[-1], coupling)
        return first, second, *state

    reference, fused = with_threads(threads, lambda: on_both(run))
    assert reference[1].sum(2).mean() > 0.5
    assert_equal(reference, fused)


@pytest.mark.parametrize("model", [LIF(10.0), Izhikevich()], ids=["lif", "izhikevich"])
@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:1].expand(40, -1, -1),
        lambda x: x.transpose(0, 1),
        lambda x: x[:, :, ::2],
        lambda x: x[::2, 1:, 3:],
    ],
    ids=["constant", "transposed", "every other", "part"],
)
def test_input_of_any_strides(view, model):
    current = view(20 * rand(40, 8, 50))
    plain, state = model(current.contiguous())
    found, end = model(current)
    assert found.sum() > 0
    assert_equal((plain, *state), (found, *end))


@pytest.mark.parametrize("model", [LIF(10.0, refractory=2.0), Izhikevich()], ids=["lif", "izhikevich"])
def test_threads_do_not_change_bits(model):
    current = 20 * rand(30, 5, 700)
    one, two = (with_threads(count, lambda: model(current)) for count in (1, 2))
    assert_equal((one[0], *one[1]), (two[0], *two[1]))


@pytest.mark.parametrize("model", [LIF(10.0), Izhikevich()], ids=["lif", "izhikevich"])
def test_half_precision_input_is_computed_in_float32(model):
    current = (20 * rand(30, 2, 9)).bfloat16()
    spikes, state = model(current)
    exact, _ = model(current.float())
    assert state.v.dtype == spikes.dtype == torch.float32
    assert torch.equal(spikes, exact)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast, _ = model(current.float())
    assert torch.equal(under_autocast, exact)


@pytest.mark.parametrize("model", [LIF(10.0), Izhikevich()], ids=["lif", "izhikevich"])
def test_compiled_equals_eager(model):
    current = 20 * rand(10, 2, 9)
    found = []
    for run in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        leaf = current.clone().requires_grad_()
        spikes, _ = run(leaf)
        spikes.sum().backward()
        found.append((spikes.detach(), leaf.grad))
    assert found[0][1].abs().sum() > 0
    assert_equal(*found)


@pytest.mark.parametrize("make", [lambda: LIF(10.0), Izhikevich], ids=["lif", "izhikevich"])
def test_a_model_that_validated_first_can_train(make):
    model, current = make(), 20 * rand(10, 2, 9)
    with torch.inference_mode():
        model(current)
    leaf = current.clone().requires_grad_()
    model(leaf)[0].sum().backward()
    assert leaf.grad.abs().sum() > 0


@pytest.mark.parametrize("backend_name", ["reference", "numba"])
@pytest.mark.parametrize("model", [LIF(10.0, threshold=1e9), Izhikevich()], ids=["lif", "izhikevich"])
def test_gradients_below_threshold_are_those_of_finite_differences(model, backend_name):
    current = rand(5, 2, 3, dtype=torch.float64).requires_grad_()
    start = tuple(x + 0.1 * rand(2, 3, seed=3, dtype=x.dtype) for x in model.rest(2, 3, current))
    clock = start[1:2] if isinstance(model, LIF) else ()
    leaves = [x.requires_grad_() for x in start if not any(x is c for c in clock)]

    def end(current, *leaves):
        state = (leaves[0], torch.zeros_like(leaves[0]), *leaves[1:]) if clock else leaves
        spikes, found = model.scan(current, type(model.rest(2, 3, current))(*state))
        assert spikes.sum() == 0
        return tuple(x for x in found if x.requires_grad)

    with backend.use(backend_name):
        assert torch.autograd.gradcheck(end, (current, *leaves))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (63, 3, 100, 37), (200, 2, 300, 50)])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules_equal_the_reference(rule, dtype, shape, threads):
    steps, streams, num_pre, num_post = shape
    wiring = rule.initial(num_pre, num_post, torch.Generator().manual_seed(0))
    wiring = {k: v.to(dtype) if v.is_floating_point() else v for k, v in wiring.items()}
    spikes = (rand(2, steps, streams, num_pre) < 0.3).to(dtype)

    def run():
        stream = rule.open(wiring, streams)
        first, stream = rule.learn(Activity(spikes[0]), wiring, stream)
        second, stream = rule.learn(Activity(spikes[1]), wiring, stream)
        return [*first.values(), *second.values(), *stream.values()]

    reference, fused = with_threads(threads, lambda: on_both(run))
    assert steps == 1 or reference[2].sum() > 10
    assert_equal(reference, fused)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (63, 3, 100, 37), (7, 1, 5, 9)])
def test_stdp_window_equals_the_reference(shape, dtype, monkeypatch):
    monkeypatch.setattr(cpu, "BLOCK_BYTES", 50_000)  # several blocks
    steps, batch, num_pre, num_post = shape
    pre = (rand(batch, steps, num_pre) < 0.3).to(dtype).transpose(0, 1)
    post = (rand(steps, batch, num_post, seed=1) < 0.3).to(dtype)
    traces = (rand(batch, num_pre, seed=2, dtype=dtype), rand(batch, num_post, seed=3, dtype=dtype))
    reference, fused = on_both(lambda: stdp_window(pre, post, *traces, pre_decay=0.9, post_decay=0.8))
    for a, b in zip(reference, fused, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("coincidence", get_args(Coincidence))
@pytest.mark.parametrize("groups", [1, 3, 6])
def test_stdp_window_with_factors_and_sums_of_groups(groups, coincidence, pairing, monkeypatch):
    monkeypatch.setattr(cpu, "BLOCK_BYTES", 10_000)  # several blocks
    pre, post = (rand(33, 6, 20) < 0.3).float(), (rand(33, 6, 9, seed=1) < 0.3).float()
    traces = (rand(6, 20, seed=2), rand(6, 9, seed=3))
    factors = {"pre_factor": rand(33, 1, 1, seed=4), "post_factor": rand(33, 6, 9, seed=5)}
    options = {"pre_decay": 0.9, "post_decay": 0.8, "pairing": pairing, "coincidence": coincidence, **factors}
    reference, fused = on_both(lambda: stdp_window(pre, post, *traces, groups=groups, **options))
    assert fused.potentiation.shape == (groups, 9, 20)
    for a, b in zip(reference, fused, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5)
    whole = stdp_window(pre, post, *traces, **options)
    torch.testing.assert_close(fused.potentiation.sum(0), whole.potentiation)
    torch.testing.assert_close(fused.depression.sum(0), whole.depression)


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize("own", [(1.0, 0.0), (0.5, 0.5), (0.0, 0.0)])
def test_the_products_of_a_card_equal_the_reference_here_too(own, nearest):
    pre, post = (rand(33, 6, 20) < 0.3).float(), (rand(33, 6, 9, seed=1) < 0.3).float()
    arguments = (pre, post, rand(6, 20, seed=2), rand(6, 9, seed=3), 0.9, 0.8, *own)
    more = (rand(33, 1, 1, seed=4), rand(33, 6, 9, seed=5), nearest, 3)
    for a, b in zip(
        cuda.stdp_window(*arguments, *more), reference.stdp_window(*arguments, *more), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_the_sum_of_a_group_does_not_depend_on_the_others(name):
    pre, post = (rand(33, 6, 20) < 0.3).float(), (rand(33, 6, 9, seed=1) < 0.3).float()
    decays = {"pre_decay": 0.9, "post_decay": 0.8}
    with backend.use(name):
        whole = stdp_window(pre, post, torch.zeros(6, 20), torch.zeros(6, 9), groups=3, **decays)
        part = stdp_window(pre[:, 2:4], post[:, 2:4], torch.zeros(2, 20), torch.zeros(2, 9), **decays)
    assert_equal((whole.potentiation[1], whole.depression[1]), part[:2])


@pytest.mark.parametrize(
    ("pairing", "gain", "loss"),
    [("all", 0.9**2 + 2 * 0.9**4 + 0.9**6, 0.8**4 + 0.8**6), ("nearest", 0.9**2 + 0.9**4, 0.8**4)],
)
def test_nearest_pairing_counts_the_last_spike_only(pairing, gain, loss):
    pre, post = torch.zeros(20, 1, 1), torch.zeros(20, 1, 1)
    pre[[2, 4, 12]], post[[6, 8]] = 1, 1
    zero = torch.zeros(1, 1)
    found = stdp_window(pre, post, zero, zero, pre_decay=0.9, post_decay=0.8, pairing=pairing)
    assert (found.potentiation.item(), found.depression.item()) == pytest.approx((gain, loss))


def test_stdp_window_in_two_parts():
    pre, post = (rand(20, 2, 6) < 0.3).float(), (rand(20, 2, 4, seed=1) < 0.3).float()
    zeros = (torch.zeros(2, 6), torch.zeros(2, 4))
    decays = {"pre_decay": 0.9, "post_decay": 0.8}
    whole = stdp_window(pre, post, *zeros, **decays)
    first = stdp_window(pre[:7], post[:7], *zeros, **decays)
    second = stdp_window(pre[7:], post[7:], *first[2:], **decays)
    torch.testing.assert_close(first.potentiation + second.potentiation, whole.potentiation)
    torch.testing.assert_close(first.depression + second.depression, whole.depression)
    assert_equal(whole[2:], second[2:])


@pytest.mark.parametrize(("lag", "expected"), [(0, (0.5, 0.5)), (3, (0.9**3, 0.0)), (-2, (0.0, 0.8**2))])
def test_stdp_window_is_exponential_and_a_coincidence_is_half_of_both(lag, expected):
    pre, post = torch.zeros(9, 1, 1), torch.zeros(9, 1, 1)
    pre[4], post[4 + lag] = 1, 1
    zero = torch.zeros(1, 1)
    found = stdp_window(pre, post, zero, zero, pre_decay=0.9, post_decay=0.8)
    assert (found.potentiation.item(), found.depression.item()) == pytest.approx(expected)


def learn(spikes):
    rule = STDP()
    wiring = rule.initial(3, 2, torch.Generator())
    return rule.learn(Activity(spikes), wiring, rule.open(wiring, 2))


def window(spikes):
    zeros = torch.zeros(2, 3)
    return stdp_window(spikes, spikes, zeros, zeros, pre_decay=0.9, post_decay=0.9)


@pytest.mark.parametrize("call", [LIF(), Izhikevich(), learn, window])
def test_an_empty_sequence_is_refused(call):
    with pytest.raises(ValueError, match=r"no empty dimension, got torch.float32 \[0, 2, 3\]"):
        call(torch.zeros(0, 2, 3))


@pytest.mark.parametrize(
    ("pre", "trace", "message"),
    [
        ((5, 2, 3), (1, 3), r"pre_trace must be \[2, 3\] .* got \[1, 3\]"),
        ((4, 2, 3), (2, 3), r"must share \[T, B\], got \[4, 2\] and \[5, 2\]"),
    ],
)
def test_stdp_window_checks_its_shapes(pre, trace, message):
    with pytest.raises(ValueError, match=message):
        stdp_window(
            torch.zeros(pre), torch.zeros(5, 2, 4), torch.zeros(trace), torch.zeros(2, 4),
            pre_decay=0.9, post_decay=0.9,
        )  # fmt: skip


@pytest.mark.parametrize("groups", [0, 4])
def test_stdp_window_checks_its_groups(groups):
    spikes, trace = torch.zeros(5, 6, 3), torch.zeros(6, 3)
    with pytest.raises(ValueError, match=f"groups must divide the batch of 6, got {groups}"):
        stdp_window(spikes, spikes, trace, trace, pre_decay=0.9, post_decay=0.9, groups=groups)


def neuron_scan_of(model, current, wanted, *, before=None, coupling=None, target=0, recorded=()):
    """The operator and arguments of a scan whose ``wanted`` get a gradient."""
    state = [x + 0.1 for x in model.rest(2, 5, current)]
    for name in wanted:
        if name[0] == "s":
            state[int(name[1:])].requires_grad_()
    keys, constants = program(model, wanted, recorded)
    inputs = [current, *(torch.zeros(4, 2, 5) for _ in model.inputs[1:])]
    arguments = (inputs, state, constants, before, coupling, 0.5, target, *keys, len(recorded))
    return torch.ops.lightning_snn.neuron_scan, arguments


def operators():
    """A call of each custom operator with small inputs."""
    ops = torch.ops.lightning_snn
    current = 3 * rand(4, 2, 5)
    zero, spikes = torch.zeros(2, 5), (rand(2, 5) < 0.5).float()
    leaf = current.clone().requires_grad_()
    rule, competitive = STDP(), CompetitiveHebbian()
    weight = rand(2, 5, 3)
    post = torch.zeros(2, 3)
    wins = torch.zeros(2, 3, dtype=torch.int64)
    events = (current > 1).float()
    nodes, units = torch.tensor([[0, 2], [4, 5]]), torch.zeros(2, 2, 3)
    copies, counts = (units.clone(), units.clone()), torch.zeros(2, 2, 3, dtype=torch.int64)
    return {
        "neuron_scan": neuron_scan_of(LIF(10.0), leaf, ("i0",)),
        "neuron_scan from a state, with constants of each": neuron_scan_of(
            LIF([5.0, 6.0, 7.0, 8.0, 9.0], refractory=2.0, adaptation=0.1, learn="tau_mem"),
            leaf,
            ("i0", "s0", "p0"),
        ),
        "neuron_scan recorded": neuron_scan_of(Izhikevich(), current, (), recorded=((0, True), (1, False))),
        "neuron_scan in a sheet": neuron_scan_of(
            Izhikevich(), current, (), before=spikes, coupling=rand(5, 5)
        ),
        "neuron_scan of rivals": neuron_scan_of(ConductanceLIF(), current, (), before=spikes, target=1),
        "event_sum": (ops.event_sum, (spikes, rand(5, 3))),
        "event_sum over lists": (ops.event_sum, (spikes, rand(2, 2, 3), nodes)),
        "stdp_window over lists": (
            ops.stdp_window,
            (
                events,
                rand(4, 2, 6),
                zero,
                torch.zeros(2, 6),
                0.9,
                0.8,
                0.5,
                0.5,
                None,
                None,
                False,
                2,
                True,
                nodes,
            ),
        ),
        "stdp_scan over lists": (
            ops.stdp_scan,
            (events, rand(2, 2, 2, 3), units, zero.clone(), *copies, counts, list(rule.constants), nodes),
        ),
        "competitive_scan over lists": (
            ops.competitive_scan,
            (events, rand(2, 2, 2, 3), units, counts, units.clone(), list(competitive.constants), nodes),
        ),
        "race_scan": (ops.race_scan, (events, rand(1, 3, 5), rand(1, 3))),
        "race_scan over lists": (ops.race_scan, (events, rand(2, 3, 2), rand(2, 3), nodes)),
        "stdp_window": (ops.stdp_window, (events, events, zero, zero, 0.9, 0.8, 1.0, 0.0)),
        "stdp_window of groups": (
            ops.stdp_window,
            (events, events, zero, zero, 0.9, 0.8, 0.5, 0.5, rand(4, 1, 1), rand(4, 2, 5), True, 2),
        ),
        "stdp_scan": (
            ops.stdp_scan,
            (events, weight, post, zero, post.clone(), post.clone(), wins, list(rule.constants)),
        ),
        "competitive_scan": (
            ops.competitive_scan,
            (events, weight, post, wins, post.clone(), list(competitive.constants)),
        ),
    }


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # by torch's own check
@pytest.mark.parametrize("name", operators())
def test_operators_obey_torchs_rules(name):
    operator, arguments = operators()[name]
    torch.library.opcheck(operator, arguments)
