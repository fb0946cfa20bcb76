"""The numba kernels of LIF populations against the plain loop: every option, block, thread and layout.

`test_fused` holds all models to their plain loops on common cases, each from an adapted state; here the
kernels without clocks run too.
"""

import itertools

import pytest
import torch
from helpers import kernels
from helpers.kernels import on_both, program
from helpers.tensors import assert_equal, rand

from lightning_snn import LIF, LateralKernel, Square
from lightning_snn.ops import backend
from lightning_snn.ops.compiler import cpu

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-13}
"""Of gradients, relative to the largest of the same neuron; spikes and states are equal bit for bit."""

MEMORIES = {
    "plain": {},
    "refractory": {"refractory": 3.0},
    "adaptive": {"adaptation": 0.3, "tau_adaptation": 30.0},
    "both": {"refractory": 2.0, "adaptation": 0.3},
}
COLUMNS = ["shared", "per neuron"]
SURROGATES = ["atan", "fast_sigmoid", "triangle"]
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
every_reset = pytest.mark.parametrize("reset", ["hard", "soft"])
every_columns = pytest.mark.parametrize("columns", COLUMNS)


def population(nodes, columns, *, threshold=1.0, refractory=0.0, adaptation=0.0, **options):
    """LIF neurons with the same constants, or with constants of their own."""
    own = {"tau_mem": 10.0, "threshold": threshold, "v_reset": -0.2}
    if columns == "per neuron":
        if refractory:
            refractory = refractory * torch.randint(
                1, 3, (nodes,), generator=torch.Generator().manual_seed(4)
            )
        if adaptation:
            adaptation = adaptation * (1 + rand(nodes, seed=10))
        own = {"tau_mem": 5 + 20 * rand(nodes, seed=2), "threshold": threshold * (0.5 + rand(nodes, seed=3))}
        own["v_reset"] = -0.4 * rand(nodes, seed=9)
    constants = {"v_rest": 0.1, "resistance": 1.3, **own, "refractory": refractory, "adaptation": adaptation}
    return LIF(**constants | options)


def start_of(batch, nodes, model, dtype=torch.float32):
    """Random potentials; clocks and thresholds only where neurons have them."""
    rest = model.rest(batch, nodes, torch.zeros(1, dtype=dtype))
    clock = (3 * rand(batch, nodes, seed=11, dtype=dtype)).floor()
    rise = 0.4 * rand(batch, nodes, seed=12, dtype=dtype)
    return LIF.State(
        rest.v + rand(batch, nodes, seed=1, dtype=dtype) - 0.3,
        clock if torch.as_tensor(model.refractory).any() else rest.refractory,
        rise if torch.as_tensor(model.adaptation).any() else rest.adaptation,
    )


def differentiate(current, state, model):
    """Spikes and end state; gradients of current, v and adaptation for random weights on all outputs."""
    current, v, rise = (x.detach().requires_grad_() for x in (current, state.v, state.adaptation))
    spikes, end = model.scan(current, LIF.State(v, state.refractory, rise))
    outputs = (spikes, end.v, end.adaptation)
    weights = [rand(*x.shape, seed=20 + k, dtype=x.dtype) - 0.3 for k, x in enumerate(outputs)]
    gradients = torch.autograd.grad(outputs, (current, v, rise), weights)
    return [x.detach() for x in (spikes, *end)], gradients


def assert_gradients(one, other):
    for a, b in zip(one, other, strict=True):
        scale = a.flatten(0, -3).abs().amax(0) if a.ndim == 3 else a.abs()
        scale = scale.clamp_min(a.abs().max() / 100)
        assert scale.min() > 0
        assert ((b - a).abs() / scale).max() < TOLERANCE[a.dtype]


def assert_alike(current, start, model):
    """The kernels give the plain loop's values and gradients, which are returned."""
    (values, gradients), (fused_values, fused_gradients) = on_both(
        lambda: differentiate(current, start, model)
    )
    assert_equal(values, fused_values)
    assert_gradients(gradients, fused_gradients)
    return values, gradients


@pytest.fixture
def small_blocks(monkeypatch):
    """Parts of 7 neurons forward and backward, so that 50 neurons take several."""
    monkeypatch.setattr(cpu, "BLOCK", 7)


@pytest.fixture(params=[1, 2])
def threads(request):
    with kernels.threads(request.param):
        yield request.param


@every_dtype
@every_columns
@pytest.mark.parametrize("memory", MEMORIES)
@every_reset
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_combination_of_options(surrogate, reset, memory, columns, dtype):
    model = population(5, columns, reset=reset, surrogate=surrogate, **MEMORIES[memory])
    current = 3 * rand(24, 2, 5, dtype=dtype)
    with kernels.interpreted():
        values, _ = assert_alike(current, start_of(2, 5, model, dtype), model)
    assert 0.02 < values[0].mean() < 0.9


@pytest.mark.parametrize(
    ("surrogate", "reset", "memory"),
    [("fast_sigmoid", "soft", "adaptive"), ("triangle", "hard", "refractory")],
)
def test_combinations_that_are_compiled(surrogate, reset, memory):
    model = population(40, "shared", reset=reset, surrogate=surrogate, **MEMORIES[memory])
    assert_alike(3 * rand(63, 2, 40), start_of(2, 40, model), model)
    values, _ = differentiate(3 * rand(63, 2, 40), start_of(2, 40, model), model)
    assert 0.02 < values[0].mean() < 0.9


@every_dtype
@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
@pytest.mark.parametrize("shape", list(itertools.product([1, 63], [1, 3], [1, 1000])), ids=str)
def test_every_shape(shape, memory, columns, dtype):
    steps, batch, nodes = shape
    model = population(nodes, columns, **MEMORIES[memory])
    strength = 30 if steps == 1 else 3  # one step must do to make some of the neurons spike
    start = start_of(batch, nodes, model, dtype)
    values, _ = assert_alike(strength * rand(*shape, dtype=dtype), start, model)
    assert steps * batch * nodes < 100 or values[0].any()


def test_kernels_without_clocks_run_where_none_is_needed():
    def states(model, *state):
        return cpu.variant(program(model)[0][0], state)[2]["states"]

    zero, model = torch.zeros(2, 3), LIF()
    assert states(model, zero, zero, zero) == [0]
    for place in (1, 2):
        state = [zero.clone(), zero.clone(), zero.clone()]
        state[place][1, 2] = 1
        assert states(model, *state) == [0, 1, 2]
    assert states(LIF(refractory=1.0), zero, zero, zero) == [0, 1]
    assert states(LIF(adaptation=0.1), zero, zero, zero) == [0, 2]


def test_a_clock_that_runs_out_is_not_left_out():
    """A state that need not be idle runs in the kernels for every state."""
    model, current = LIF(10.0), 30 * rand(12, 2, 5)
    start = model.rest(2, 5, current)
    start = start._replace(refractory=start.refractory + 3, adaptation=start.adaptation + 0.2)
    reference, fused = on_both(lambda: model.scan(current, start))
    assert not reference[0][:3].any()
    assert reference[0][3:].any()
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))
    assert not fused[1].refractory.any()


@pytest.mark.usefixtures("small_blocks")
@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_blocks_and_threads_change_no_bits(memory, columns, threads, monkeypatch):
    model = population(50, columns, **MEMORIES[memory])
    current, start = 3 * rand(30, 3, 50), start_of(3, 50, model)
    assert_alike(current, start, model)
    parted = differentiate(current, start, model)
    monkeypatch.undo()
    torch.set_num_threads(1)
    whole = differentiate(current, start, model)
    assert_equal(whole[0], parted[0])
    assert_equal(whole[1], parted[1])
    assert threads in (1, 2)


def test_long_sequences_change_no_bits(monkeypatch):
    """The kept values of a block of theirs would not fit a cache, so blocks are shorter."""
    model, current = population(50, "shared"), 3 * rand(30, 3, 50)
    whole = differentiate(current, start_of(3, 50, model), model)
    monkeypatch.setattr(cpu, "SCRATCH", 1)
    monkeypatch.setattr(cpu, "LEAST", 16)
    parted = differentiate(current, start_of(3, 50, model), model)
    assert whole[0][0].any()
    assert_equal(whole[1], parted[1])


@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:1].expand(30, -1, -1),
        lambda x: x[:, :1].expand(-1, 8, -1),
        lambda x: x.transpose(0, 1),
        lambda x: x.transpose(1, 2),
        lambda x: x[:, :, ::2],
        lambda x: x[::2, 1:, 3:],
        lambda x: x[3:, :, :1],
    ],
    ids=["constant", "same samples", "time second", "samples last", "every other", "part", "one neuron"],
)
def test_gradients_for_input_of_any_strides(view, memory, columns):
    current = view(4 * rand(30, 8, 50))
    _, batch, nodes = current.shape
    model = population(nodes, columns, **MEMORIES[memory])
    start = start_of(batch, nodes, model)
    values, gradients = assert_alike(current, start, model)
    assert values[0].any()
    with backend.use("reference"):
        _, contiguous = differentiate(current.contiguous(), start, model)
    assert_equal(contiguous, gradients)


@pytest.mark.parametrize("memory", ["plain", "both"])
@pytest.mark.parametrize(
    "loss",
    [
        lambda spikes, _end: spikes.sum(),
        lambda spikes, _end: spikes[-1].sum(),
        lambda spikes, _end: spikes.mean(0).square().sum(),
        lambda spikes, _end: (spikes.permute(2, 1, 0) * rand(9, 2, 20)).sum(),
        lambda _spikes, end: end.v.sum(),
        lambda _spikes, end: end.adaptation.square().sum() + end.v.sum(),
    ],
    ids=["expanded", "last", "rate", "permuted", "potential", "threshold"],
)
def test_gradients_from_above_of_any_strides(loss, memory):
    model = population(9, "per neuron", **MEMORIES[memory])
    start = start_of(2, 9, model)

    def run():
        leaves = [x.clone().requires_grad_() for x in (3 * rand(20, 2, 9), start.v, start.adaptation)]
        spikes, end = model.scan(leaves[0], LIF.State(leaves[1], start.refractory, leaves[2]))
        return torch.autograd.grad(loss(spikes, end), leaves[:2])

    reference, fused = on_both(run)
    assert reference[0].any()
    assert_gradients(reference, fused)


@pytest.mark.parametrize("wanted", [(True, False, False), (False, True, False), (False, False, True)])
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_gradient_of_one_input_alone(memory, wanted):
    model = population(9, "shared", reset="soft", **MEMORIES[memory])
    start = start_of(2, 9, model)

    def run():
        values = [x.clone() for x in (3 * rand(20, 2, 9), start.v, start.adaptation)]
        leaves = [x.requires_grad_() for x, one in zip(values, wanted, strict=True) if one]
        spikes, end = model.scan(values[0], LIF.State(values[1], start.refractory, values[2]))
        return torch.autograd.grad(spikes.sum() + end.v.sum(), leaves)

    with kernels.interpreted():
        reference, fused = on_both(run)
    assert reference[0].any()
    assert_gradients(reference, fused)


def by_columns(values):
    """The same values with the strides of a transposed tensor."""
    return values.t().contiguous().t()


@pytest.mark.parametrize(
    "view",
    [lambda x: x[:1].expand(3, -1), lambda x: torch.cat([x, x], 1)[:, ::2], lambda x: x.flip(1)],
    ids=["expanded", "every other", "reversed"],
)
@every_columns
def test_a_state_of_any_strides(columns, view):
    model = population(10, columns, refractory=2.0, adaptation=0.2)
    start = LIF.State(*(view(x) for x in start_of(3, 10, model)))
    copy = [x.clone() for x in start]
    reference, fused = on_both(lambda: model.scan(3 * rand(20, 3, 10), start))
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))
    assert_equal(copy, start)


@pytest.mark.parametrize("sheet", [False, True])
def test_a_transposed_state(sheet):
    model = population(10, "shared")
    state = start_of(3, 10, model)
    state = state._replace(v=by_columns(state.v))
    current, coupling, spikes = 3 * rand(20, 3, 10), rand(10, 10), torch.zeros(3, 10)

    def run():
        if sheet:
            return model.scan_sheet(current, state, spikes, coupling)
        return model.scan(current, state)

    reference, fused = on_both(run)
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))


def test_a_transposed_gradient_of_the_potential():
    model = population(10, "shared")
    start, current = start_of(3, 10, model), 0.2 * rand(20, 3, 10)

    def run():
        v = start.v.clone().requires_grad_()
        _, end = model.scan(current, start._replace(v=v))
        return torch.autograd.grad((end.v.t() * rand(10, 3, seed=8)).sum(), v)

    reference, fused = on_both(run)
    assert_gradients(reference, fused)


@pytest.mark.parametrize("shape", [(0, 1, 3), (4, 0, 3), (4, 1, 0)])
@pytest.mark.parametrize("name", ["reference", "numba"])
@pytest.mark.parametrize("sheet", [False, True])
def test_an_empty_dimension_is_refused(sheet, name, shape):
    model, current = LIF(), torch.zeros(shape)
    state = model.rest(*shape[1:], torch.zeros(1))
    coupling = (torch.zeros(shape[1:]), torch.zeros(shape[2], shape[2])) if sheet else ()
    run = model.scan_sheet if sheet else model.scan
    message = rf"no empty dimension, got torch.float32 \[{shape[0]}, {shape[1]}, {shape[2]}\]"
    with backend.use(name), pytest.raises(ValueError, match=message):
        run(current, state, *coupling)


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_half_precision_input_gives_float32_results_and_its_own_gradient(low):
    model = population(9, "shared", adaptation=0.2)
    current = (3 * rand(20, 2, 9)).to(low)
    start = start_of(2, 9, model)
    values, gradients = differentiate(current, start, model)
    exact, exact_gradients = differentiate(current.float(), start, model)
    assert {x.dtype for x in values} == {torch.float32}
    assert_equal(values, exact)
    assert gradients[0].dtype == low
    assert torch.equal(gradients[0], exact_gradients[0].to(low))
    assert values[0].any()


@every_dtype
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_autocast_changes_nothing(memory, dtype):
    model = population(9, "per neuron", **MEMORIES[memory])
    current, start = 3 * rand(20, 2, 9, dtype=dtype), start_of(2, 9, model, dtype)
    values, gradients = differentiate(current, start, model)
    with torch.autocast("cpu", torch.bfloat16):
        under, under_gradients = differentiate(current, start, model)
    assert values[0].any()
    assert_equal(values, under)
    assert_equal(gradients, under_gradients)


@every_columns
def test_constants_that_are_learned_get_the_references_gradients(columns):
    learned = ("tau_mem", "v_rest", "v_reset", "threshold", "resistance")
    model = population(9, columns, refractory=2.0, adaptation=0.2, reset="soft", learn=learned)
    current, start = 3 * rand(20, 2, 9), start_of(2, 9, model)

    def run():
        spikes, end = model.scan(current, start)
        return torch.autograd.grad(spikes.sum() + end.v.sum(), [*model.parameters()])

    reference, fused = on_both(run)
    sizes = {"tau_mem": 9, "threshold": 9, "v_reset": 9} if columns == "per neuron" else {}
    for name, one, other in zip(learned, reference, fused, strict=True):
        assert one.numel() == sizes.get(name, 1)
        assert one.ne(0).all()
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"refractory": 2.0, "adaptation": 0.2, "tau_mem": [5.0, 10.0, 20.0]}]
)
def test_compiled_equals_eager_from_a_state(options):
    model = LIF(**{"tau_mem": 10.0, "reset": "soft", **options})
    current, start = 20 * rand(10, 2, 3), start_of(2, 3, model)
    found = []
    for run in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        leaves = [x.clone().requires_grad_() for x in (current, start.v, start.adaptation)]
        spikes, end = run(leaves[0], LIF.State(leaves[1], start.refractory, leaves[2]))
        gradients = torch.autograd.grad(spikes.sum() + end.v.square().sum(), leaves)
        found.append([x.detach() for x in (spikes, *end)] + list(gradients))
    assert found[0][0].any()
    assert found[0][4].any()
    assert_equal(*found)


@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_operators_obey_torchs_rules(memory, columns):
    model = population(5, columns, **MEMORIES[memory])
    current, state = 3 * rand(4, 2, 5), [*start_of(2, 5, model)]
    (forward, backward), constants = program(model, ("i0", "s0", "s2"))
    torch.library.opcheck(
        torch.ops.lightning_snn.neuron_scan_backward,
        ([rand(4, 2, 5), rand(2, 5), None, rand(2, 5)], [current], state, constants, backward),
    )
    before = (rand(2, 5) < 0.5).float()
    torch.library.opcheck(
        torch.ops.lightning_snn.neuron_scan,
        ([current], state, constants, before, rand(5, 5), 0.0, 0, forward, "", 0),
    )


def sheet(columns, dtype, **options):
    """A sheet of 401 nodes: model, current, start, spikes before and coupling."""
    coupling = LateralKernel(inhibition_range=4.0).matrix(Square(401, 14.0)).to(dtype)
    options |= {"adaptation": 30 * options.get("adaptation", 0.0), "resistance": 20.0}
    model = population(401, columns, threshold=15.0, **options)
    normal = torch.randn(250, 3, 401, generator=torch.Generator().manual_seed(0), dtype=dtype)
    before = (rand(3, 401, seed=5) < 0.05).to(dtype)
    return model, 4 * normal + 0.5, start_of(3, 401, model, dtype), before, coupling


@every_columns
@every_reset
@pytest.mark.parametrize(("memory", "dtype"), [("plain", torch.float64), ("both", torch.float32)], ids=str)
def test_sheets_equal_the_reference_and_go_on_from_a_state(memory, reset, columns, dtype):
    model, current, start, before, coupling = sheet(columns, dtype, reset=reset, **MEMORIES[memory])

    def run(*lengths):
        state, spikes, found = start, before, []
        for part in current.split(lengths):
            history, state = model.scan_sheet(part, state, spikes, coupling)
            spikes = history[-1]
            found.append(history)
        return [torch.cat(found), *state]

    reference, fused = on_both(lambda: run(250))
    assert reference[0][-50:].sum(2).mean() > 1
    assert_equal(reference, fused)
    assert_equal(reference, run(1, 120, 129))


def test_threads_change_no_bits_of_a_sheet(threads):
    model, current, *start = sheet("shared", torch.float32)
    reference, fused = on_both(lambda: model.scan_sheet(current[:100], *start))
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:1].expand(50, -1, -1),
        lambda x: x[:3].transpose(0, 1),
        lambda x: x[:, :3, ::2],
        lambda x: x[:, 3:4].expand(-1, 3, -1),
    ],
    ids=["constant", "time second", "every other", "same samples"],
)
def test_sheets_take_input_of_any_strides(view):
    current = view(4 * rand(50, 50, 60))
    _, batch, nodes = current.shape
    model = population(nodes, "shared")
    coupling = rand(nodes, nodes, seed=7) - 0.5
    start, before = start_of(batch, nodes, model), torch.ones(batch, nodes)
    reference, fused = on_both(lambda: model.scan_sheet(current, start, before, coupling.t()))
    assert reference[0].any()
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("what", ["current", "v", "adaptation", "coupling"])
def test_a_sheet_with_an_input_that_needs_a_gradient_equals_the_reference(what):
    model, current, start, before, coupling = sheet("shared", torch.float32, adaptation=0.2)
    current = current[:20]

    def run():
        given = {"current": current, "coupling": coupling, **start._asdict()}
        given[what] = leaf = given[what].clone().requires_grad_()
        state = LIF.State(given["v"], given["refractory"], given["adaptation"])
        spikes, end = model.scan_sheet(given["current"], state, before, given["coupling"])
        return [spikes.detach(), *(x.detach() for x in end), *torch.autograd.grad(spikes.sum(), leaf)]

    reference, fused = on_both(run)
    assert reference[0].sum() > 20
    assert reference[-1].any()
    assert_equal(reference[:-1], fused[:-1])
    torch.testing.assert_close(fused[-1], reference[-1])
    assert_equal([x.detach() for x in model.scan_sheet(current, start, before, coupling)[1]], fused[1:4])
