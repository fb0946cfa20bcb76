"""What a kernel leaves out, what it hoists, and what its backward pass keeps."""

import itertools
import random

import pytest
import torch
from helpers.kernels import program

from lightning_snn import LIF, Izhikevich, NeuronModel
from lightning_snn.ops.compiler import store
from lightning_snn.ops.compiler.expression import argument, make, number, order
from lightning_snn.ops.compiler.plan import _cut, plan
from lightning_snn.ops.compiler.trace import Traced, trace


def planned(step, states, constants=0, *, wanted=(), starts=None, kinds=None):
    """The plan of ``step(i0, s0, .., p0, ..) -> out, s0, ..``."""
    variables, p = [f"s{k}" for k in range(states)], [f"p{k}" for k in range(constants)]
    names = ["i0", *variables, *p]
    grads = ["g", *(f"g{x}" for x in variables)] if wanted else None
    traced = trace(step, names, grads, torch.float32)
    known = dict(zip(p, kinds or ["one"] * constants, strict=True))
    return plan(traced, names, ["out", *variables], known, wanted=wanted, starts=starts)


def facts(model, wanted=()):
    """What runs of a model from rest are said to compute: forward, and backward if gradients are wanted."""
    return [store.load(key.split()[0], "numba").VARIANTS[0] for key in program(model, wanted)[0] if key]


def test_states_that_stay_where_they_start_are_left_out():
    def step(i, v, clock, rise):
        spikes = (v + i >= 1 + rise).to(i.dtype)
        return spikes, v + i, (clock - 1).clamp_min(0), rise * 0.5 + 0.1 * spikes

    assert planned(step, 3).states == ["s0", "s1", "s2"]
    assert planned(step, 3, starts={"s1": 0.0}).states == ["s0", "s2"]
    assert planned(step, 3, starts={"s1": 0.0, "s2": 0.0}).states == ["s0", "s2"]  # spikes raise it
    assert planned(step, 3, starts={"s1": 1.0}).states == ["s0", "s1", "s2"]


def test_states_that_keep_each_other_where_they_are():
    def swap(i, a, b):
        return i + a + b, b, a

    assert planned(swap, 2, starts={"s0": 0.0, "s1": 0.0}).states == []
    assert planned(swap, 2, starts={"s0": 0.0, "s1": 1.0}).states == ["s0", "s1"]
    assert planned(swap, 2, starts={"s0": 0.0}).states == ["s0", "s1"]

    def follow(i, a, b):
        return i + b, a + i, a * 1.0

    assert planned(follow, 2, starts={"s0": 0.0, "s1": 0.0}).states == ["s0", "s1"]


def test_what_constants_make_idle_is_left_out():
    assert facts(LIF())[0]["states"] == [0]
    assert facts(LIF(refractory=2.0))[0]["states"] == [0, 1]
    assert facts(LIF(adaptation=0.1))[0]["states"] == [0, 2]
    assert facts(LIF(adaptation=[0.1, 0.2], refractory=1.0))[0]["states"] == [0, 1, 2]
    assert facts(Izhikevich())[0]["states"] == [0, 1]


def test_constants_are_hoisted_and_unused_ones_not_taken():
    def step(i, v, a, b, c):
        del c
        decay = torch.exp(-a / b)
        return v * decay, i + v * decay

    made = planned(step, 1, 3, kinds=["one", "each", "one"])
    assert made.kinds == {"h0": "each"}
    (hoisted,) = made.hoisted
    assert hoisted.leaves == {"p0", "p1"}
    assert planned(step, 1, 3).kinds == {"h0": "one"}


def test_constants_of_0_and_1_simplify_and_others_are_taken_when_it_runs():
    def step(i, v, rest, resistance, threshold):
        return v - threshold, rest + resistance * i + v

    simple = planned(step, 1, 3, kinds=[0.0, 1.0, "one"])
    assert simple.forward["s0"] is make("add", argument("i0"), argument("s0"))
    assert simple.kinds == {"p2": "one"}
    assert set(planned(step, 1, 3).kinds) == {"p0", "p1", "p2"}


def test_absent_inputs_and_gradients_that_are_not_wanted_are_left_out():
    def step(i, v, p):
        return v - 1, v * p + i

    whole = planned(step, 1, 1, wanted=("i0", "s0", "p0"))
    assert whole.moving == ["s0", "p0"]
    assert [x.leaves for x in whole.kept] == [{"s0"}]  # for the gradient of the constant
    part = planned(step, 1, 1, wanted=("i0",))
    assert (list(part.backward), part.moving) == (["i0", "s0"], ["s0"])
    assert part.kept == []
    names, outputs = ["i0", "s0", "p0"], ["out", "s0"]
    traced = trace(step, names, None, torch.float32)
    assert plan(traced, names, outputs, {"p0": "one"}, absent=["i0"]).inputs == []


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (LIF(), 1),  # the distance to threshold
        (LIF(reset="soft"), 1),
        (LIF(refractory=2.0), 2),  # and the clock
        (LIF(adaptation=0.1), 1),
        (Izhikevich(), 3),  # v before both half-steps and after them
    ],
)
def test_few_values_are_kept_for_the_backward_pass(model, kept):
    _, backward = facts(model, ("i0",))
    assert backward["kept"] == kept


def random_values(draw, count):
    """Expressions of inputs, states and a constant: early values, and late ones that a gradient enters."""
    early = [argument(x) for x in ("i0", "s0", "p0")]
    for _ in range(count):
        one, other = draw.sample(early, 2)
        kind = draw.choice(("add", "mul", "gt", "where"))
        if kind == "where":
            found = make("where", make("gt", one, other), one, draw.choice(early))
        else:
            found = make("cast", make("gt", one, other)) if kind == "gt" else make(kind, one, other)
        early.append(found)
    return [make("mul", argument("g"), x) for x in draw.sample(early, 3)] + draw.sample(early, 1)


def suffice(kept, roots):
    """Whether the backward pass has all it needs from these values and from constants."""

    def known(x):
        if x in kept or not x.varies:
            return True
        return bool(x.inputs) and all(map(known, x.inputs))

    late = [x for x in order(roots) if x.varies and any(name[0] == "g" for name in x.leaves)]
    needs = [y for x in late for y in x.inputs] + list(roots)
    return all(known(y) for y in needs if not any(name[0] == "g" for name in y.leaves))


def test_what_is_kept_is_the_fewest_that_suffice():
    draw, compared = random.Random(0), 0
    for _ in range(60):
        roots = random_values(draw, 6)
        candidates = [
            x
            for x in order(roots)
            if x.varies and not x.is_truth and not any(name[0] == "g" for name in x.leaves)
        ]
        found = _cut(roots)
        assert suffice(set(found), roots)
        fewer = itertools.combinations(candidates, max(len(found) - 1, 0))
        assert not found or not any(suffice(set(some), roots) for some in fewer)
        compared += len(found)
    assert compared > 60


def test_gradients_that_nothing_asks_for_need_nothing():
    traced = Traced([number(1.0), argument("s0")], [number(0.0), argument("gs0")])
    made = plan(traced, ["i0", "s0"], ["out", "s0"], {}, wanted=("i0",))
    assert made.backward == {"i0": number(0.0)}
    assert made.kept == []


def test_a_model_without_states_is_a_function():
    class Passed(NeuronModel):
        """It sends its input twice."""

        state = {"v": 0.0}
        graded = True

        def step(self, current, state, p, dt):
            return 2 * current, state

    sent, end = Passed()(torch.ones(3, 1, 2))
    assert sent.eq(2).all()
    assert not end.v.any()
    assert facts(Passed())[0]["states"] == []
