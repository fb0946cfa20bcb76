"""The numba kernels of LIF populations against the reference: every option, block, thread and layout.

`test_fused` holds all scans to their references on common cases, each from an adapted state; here the
kernels without clocks run too.
"""

import itertools

import pytest
import torch
from helpers import kernels
from helpers.kernels import on_both
from helpers.tensors import assert_equal, rand

from lightning_snn import LIF, LateralKernel, Square
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.lif import LIFParameters, LIFState, lif_factors, lif_rest
from lightning_snn.ops import backend
from lightning_snn.ops.lif import cpu, lif_scan, lif_sheet_scan

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-13}
"""Of gradients, relative to the largest of the same neuron; spikes and states are equal bit for bit."""

MEMORIES = {
    "plain": {},
    "refractory": {"refractory": 3.0},
    "adaptive": {"adaptation": 0.3, "tau_adaptation": 30.0},
    "both": {"refractory": 2.0, "adaptation": 0.3},
}
COLUMNS = ["shared", "per neuron"]
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
every_reset = pytest.mark.parametrize("reset", ["hard", "soft"])
every_memory = pytest.mark.parametrize("memory", MEMORIES)
every_columns = pytest.mark.parametrize("columns", COLUMNS)


def parameters(nodes, columns, **options):
    p = LIFParameters(tau_mem=10.0, v_reset=-0.2, v_rest=0.1, resistance=1.3, **options)
    if columns == "shared":
        return p
    pause = p.refractory * torch.randint(1, 3, (nodes,), generator=torch.Generator().manual_seed(4))
    return p._replace(
        tau_mem=5 + 20 * rand(nodes, seed=2), threshold=0.5 + rand(nodes, seed=3), refractory=pause,
        v_reset=-0.4 * rand(nodes, seed=9), adaptation=p.adaptation * (1 + rand(nodes, seed=10)),
    )  # fmt: skip


def start_of(batch, nodes, p, dtype):
    """Random potentials; clocks and thresholds only where neurons have them."""
    rest = lif_rest(batch, nodes, p, torch.zeros(1, dtype=dtype))
    clock = (3 * rand(batch, nodes, seed=11, dtype=dtype)).floor()
    rise = 0.4 * rand(batch, nodes, seed=12, dtype=dtype)
    return LIFState(
        rest.v + rand(batch, nodes, seed=1, dtype=dtype) - 0.3,
        clock if torch.as_tensor(p.refractory).any() else rest.refractory,
        rise if torch.as_tensor(p.adaptation).any() else rest.adaptation,
    )


def scan(current, state, p):
    return lif_scan(current, state, lif_factors(p, 1.0), reset=p.reset, surrogate=p.surrogate)


def differentiate(current, state, p):
    """Spikes and end state; gradients of current, v and adaptation for random weights on all outputs."""
    current, v, rise = (x.detach().requires_grad_() for x in (current, state.v, state.adaptation))
    spikes, end = scan(current, LIFState(v, state.refractory, rise), p)
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


def assert_alike(current, start, p):
    """The kernels give the reference's values and gradients, which are returned."""
    (values, gradients), (fused_values, fused_gradients) = on_both(lambda: differentiate(current, start, p))
    assert_equal(values, fused_values)
    assert_gradients(gradients, fused_gradients)
    return values, gradients


@pytest.fixture
def small_blocks(monkeypatch):
    """Parts of 7 neurons forward and 16 or fewer backward, so that 50 neurons take several."""
    monkeypatch.setattr(cpu, "BLOCK", 7)
    monkeypatch.setattr(cpu, "SCRATCH", 1)


@pytest.fixture(params=[1, 2])
def threads(request):
    with kernels.threads(request.param):
        yield request.param


@every_dtype
@every_columns
@every_memory
@every_reset
@pytest.mark.parametrize("surrogate", surrogates.names())
def test_every_combination_of_options(surrogate, reset, memory, columns, dtype):
    p = parameters(40, columns, reset=reset, surrogate=surrogate, **MEMORIES[memory])
    current = 3 * rand(63, 2, 40, dtype=dtype)
    values, _ = assert_alike(current, start_of(2, 40, p, dtype), p)
    assert 0.02 < values[0].mean() < 0.9


@every_dtype
@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
@pytest.mark.parametrize("shape", list(itertools.product([1, 63], [1, 3], [1, 1000])), ids=str)
def test_every_shape(shape, memory, columns, dtype):
    steps, batch, nodes = shape
    p = parameters(nodes, columns, **MEMORIES[memory])
    strength = 30 if steps == 1 else 3  # one step must do to make some of the neurons spike
    values, _ = assert_alike(strength * rand(*shape, dtype=dtype), start_of(batch, nodes, p, dtype), p)
    assert steps * batch * nodes < 100 or values[0].any()


def test_kernels_without_clocks_run_where_none_is_needed():
    def named(**options):
        return cpu._named(lif_factors(LIFParameters(**options), 1.0).float())

    zero = torch.zeros(2, 3)
    assert cpu._state(zero, zero, zero, named(), 1)[1] is None
    for place in (1, 2):
        state = [zero.clone(), zero.clone(), zero.clone()]
        state[place][1, 2] = 1
        assert cpu._state(*state, named(), 1)[1] is not None
    for options in ({"refractory": 1.0}, {"adaptation": 0.1}):
        assert cpu._state(zero, zero, zero, named(**options), 1)[1] is not None


@pytest.mark.usefixtures("small_blocks")
@every_columns
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_blocks_and_threads_change_no_bits(memory, columns, threads, monkeypatch):
    p = parameters(50, columns, **MEMORIES[memory])
    current, start = 3 * rand(30, 3, 50), start_of(3, 50, p, torch.float32)
    assert_alike(current, start, p)
    parted = differentiate(current, start, p)
    monkeypatch.undo()
    torch.set_num_threads(1)
    whole = differentiate(current, start, p)
    assert_equal(whole[0], parted[0])
    assert_equal(whole[1], parted[1])
    assert threads in (1, 2)


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
    p = parameters(nodes, columns, **MEMORIES[memory])
    start = start_of(batch, nodes, p, torch.float32)
    values, gradients = assert_alike(current, start, p)
    assert values[0].any()
    with backend.use("reference"):
        _, contiguous = differentiate(current.contiguous(), start, p)
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
    p = parameters(9, "per neuron", **MEMORIES[memory])
    start = start_of(2, 9, p, torch.float32)

    def run():
        leaves = [x.clone().requires_grad_() for x in (3 * rand(20, 2, 9), start.v, start.adaptation)]
        spikes, end = scan(leaves[0], LIFState(leaves[1], start.refractory, leaves[2]), p)
        return torch.autograd.grad(loss(spikes, end), leaves[:2])

    reference, fused = on_both(run)
    assert reference[0].any()
    assert_gradients(reference, fused)


@pytest.mark.parametrize("wanted", [(True, False, False), (False, True, False), (False, False, True)])
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_gradient_of_one_input_alone(memory, wanted):
    p = parameters(9, "shared", reset="soft", **MEMORIES[memory])
    start = start_of(2, 9, p, torch.float32)

    def run():
        values = [x.clone() for x in (3 * rand(20, 2, 9), start.v, start.adaptation)]
        leaves = [x.requires_grad_() for x, one in zip(values, wanted, strict=True) if one]
        spikes, end = scan(values[0], LIFState(values[1], start.refractory, values[2]), p)
        return torch.autograd.grad(spikes.sum() + end.v.sum(), leaves)

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
@pytest.mark.parametrize("columns", COLUMNS)
def test_a_state_of_any_strides(columns, view):
    p = parameters(10, columns, refractory=2.0, adaptation=0.2)
    start = LIFState(*(view(x) for x in start_of(3, 10, p, torch.float32)))
    copy = [x.clone() for x in start]
    reference, fused = on_both(lambda: scan(3 * rand(20, 3, 10), start, p))
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))
    assert_equal(copy, start)


@pytest.mark.parametrize("sheet", [False, True])
def test_a_transposed_state(sheet):
    p = parameters(10, "shared")
    state = start_of(3, 10, p, torch.float32)
    state = state._replace(v=by_columns(state.v))
    current, coupling, spikes = 3 * rand(20, 3, 10), rand(10, 10), torch.zeros(3, 10)
    options = {"reset": p.reset, "surrogate": p.surrogate}

    def run():
        factors = lif_factors(p, 1.0)
        if sheet:
            return lif_sheet_scan(current, state, spikes, coupling, factors, **options)
        return lif_scan(current, state, factors, **options)

    reference, fused = on_both(run)
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))


def test_a_transposed_gradient_of_the_potential():
    p = parameters(10, "shared")
    start, current = start_of(3, 10, p, torch.float32), 0.2 * rand(20, 3, 10)

    def run():
        v = start.v.clone().requires_grad_()
        _, end = scan(current, start._replace(v=v), p)
        return torch.autograd.grad((end.v.t() * rand(10, 3, seed=8)).sum(), v)

    reference, fused = on_both(run)
    assert_gradients(reference, fused)


@pytest.mark.parametrize("shape", [(0, 1, 3), (4, 0, 3), (4, 1, 0)])
@pytest.mark.parametrize("name", ["reference", "numba"])
@pytest.mark.parametrize("sheet", [False, True])
def test_an_empty_dimension_is_refused(sheet, name, shape):
    p = LIFParameters()
    state = lif_rest(*shape[1:], p, torch.zeros(1))
    current, factors = torch.zeros(shape), lif_factors(p, 1.0)
    coupling = (torch.zeros(shape[1:]), torch.zeros(shape[2], shape[2])) if sheet else ()
    run = lif_sheet_scan if sheet else lif_scan
    message = rf"no empty dimension, got torch.float32 \[{shape[0]}, {shape[1]}, {shape[2]}\]"
    with backend.use(name), pytest.raises(ValueError, match=message):
        run(current, state, *coupling, factors, reset="hard", surrogate="atan")


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_half_precision_input_gives_float32_results_and_its_own_gradient(low):
    p = parameters(9, "shared", adaptation=0.2)
    current = (3 * rand(20, 2, 9)).to(low)
    start = start_of(2, 9, p, torch.float32)
    values, gradients = differentiate(current, start, p)
    exact, exact_gradients = differentiate(current.float(), start, p)
    assert {x.dtype for x in values} == {torch.float32}
    assert_equal(values, exact)
    assert gradients[0].dtype == low
    assert torch.equal(gradients[0], exact_gradients[0].to(low))
    assert values[0].any()


@every_dtype
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_autocast_changes_nothing(memory, dtype):
    p = parameters(9, "per neuron", **MEMORIES[memory])
    current, start = 3 * rand(20, 2, 9, dtype=dtype), start_of(2, 9, p, dtype)
    values, gradients = differentiate(current, start, p)
    with torch.autocast("cpu", torch.bfloat16):
        under, under_gradients = differentiate(current, start, p)
    assert values[0].any()
    assert_equal(values, under)
    assert_equal(gradients, under_gradients)


@pytest.mark.parametrize("columns", COLUMNS)
def test_factors_that_need_a_gradient_get_the_references(columns):
    p = parameters(9, columns, refractory=2.0, adaptation=0.2)
    current, start = 3 * rand(20, 2, 9), start_of(2, 9, p, torch.float32)

    def run():
        factors = lif_factors(p, 1.0).requires_grad_()
        spikes, end = lif_scan(current, start, factors, reset="soft", surrogate="atan")
        return torch.autograd.grad(spikes.sum() + end.v.sum(), factors)[0]

    reference, fused = on_both(run)
    assert reference[[0, 1, 3, 4]].ne(0).all()
    assert torch.equal(reference, fused)


@pytest.mark.parametrize(
    "options", [{}, {"refractory": 2.0, "adaptation": 0.2, "tau_mem": [5.0, 10.0, 20.0]}]
)
def test_compiled_equals_eager_from_a_state(options):
    model = LIF(**{"tau_mem": 10.0, "reset": "soft", **options})
    current, start = 20 * rand(10, 2, 3), start_of(2, 3, model.constants, torch.float32)
    found = []
    for run in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        leaves = [x.clone().requires_grad_() for x in (current, start.v, start.adaptation)]
        spikes, end = run(leaves[0], LIFState(leaves[1], start.refractory, leaves[2]))
        gradients = torch.autograd.grad(spikes.sum() + end.v.square().sum(), leaves)
        found.append([x.detach() for x in (spikes, *end)] + list(gradients))
    assert found[0][0].any()
    assert found[0][4].any()
    assert_equal(*found)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_operators_obey_torchs_rules(memory, columns):
    p = parameters(5, columns, **MEMORIES[memory])
    current, state = 3 * rand(4, 2, 5), start_of(2, 5, p, torch.float32)
    factors = lif_factors(p, 1.0).float()
    arguments = (*state, factors, "soft")
    torch.library.opcheck(
        torch.ops.lightning_snn.lif_scan_backward,
        (rand(4, 2, 5), rand(2, 5), rand(2, 5), current, *arguments, "triangle", True),
    )
    torch.library.opcheck(
        torch.ops.lightning_snn.lif_sheet_scan,
        (current, *state, (rand(2, 5) < 0.5).float(), rand(5, 5), factors, "hard"),
    )


def sheet(columns, dtype, **options):
    """A sheet of 401 nodes: current, start, spikes before, coupling and parameters."""
    coupling = LateralKernel(inhibition_range=4.0).matrix(Square(401, 14.0)).to(dtype)
    p = parameters(401, columns, **options)
    p = p._replace(threshold=15 * torch.as_tensor(p.threshold), resistance=20.0)
    p = p._replace(adaptation=30 * torch.as_tensor(p.adaptation))
    normal = torch.randn(250, 3, 401, generator=torch.Generator().manual_seed(0), dtype=dtype)
    before = (rand(3, 401, seed=5) < 0.05).to(dtype)
    return 4 * normal + 0.5, start_of(3, 401, p, dtype), before, coupling, p


def run_sheet(current, state, before, coupling, p):
    return lif_sheet_scan(
        current, state, before, coupling, lif_factors(p, 1.0), reset=p.reset, surrogate=p.surrogate
    )


@every_dtype
@every_columns
@every_reset
@pytest.mark.parametrize("memory", ["plain", "both"])
def test_sheets_equal_the_reference_and_go_on_from_a_state(memory, reset, columns, dtype):
    current, start, before, coupling, p = sheet(columns, dtype, reset=reset, **MEMORIES[memory])

    def run(*lengths):
        state, spikes, found = start, before, []
        for part in current.split(lengths):
            history, state = run_sheet(part, state, spikes, coupling, p)
            spikes = history[-1]
            found.append(history)
        return [torch.cat(found), *state]

    reference, fused = on_both(lambda: run(250))
    assert reference[0][-50:].sum(2).mean() > 1
    assert_equal(reference, fused)
    assert_equal(reference, run(1, 120, 129))


def test_threads_change_no_bits_of_a_sheet(threads):
    current, start, before, coupling, p = sheet("shared", torch.float32)
    reference, fused = on_both(lambda: run_sheet(current[:100], start, before, coupling, p))
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
    p = parameters(nodes, "shared")
    coupling = rand(nodes, nodes, seed=7) - 0.5
    start, before = start_of(batch, nodes, p, torch.float32), torch.ones(batch, nodes)
    reference, fused = on_both(lambda: run_sheet(current, start, before, coupling.t(), p))
    assert reference[0].any()
    assert_equal((reference[0], *reference[1]), (fused[0], *fused[1]))


@pytest.mark.parametrize("what", ["current", "v", "adaptation", "coupling"])
def test_a_sheet_with_an_input_that_needs_a_gradient_equals_the_reference(what):
    current, start, before, coupling, p = sheet("shared", torch.float32, adaptation=0.2)
    current = current[:20]

    def run():
        given = {"current": current, "coupling": coupling, **start._asdict()}
        given[what] = leaf = given[what].clone().requires_grad_()
        state = LIFState(given["v"], given["refractory"], given["adaptation"])
        spikes, end = run_sheet(given["current"], state, before, given["coupling"], p)
        return [spikes.detach(), *(x.detach() for x in end), *torch.autograd.grad(spikes.sum(), leaf)]

    reference, fused = on_both(run)
    assert reference[0].sum() > 20
    assert reference[-1].any()
    assert_equal(reference, fused)
    assert_equal([x.detach() for x in run_sheet(current, start, before, coupling, p)[1]], fused[1:4])
