"""What a tap sees is what steps in plain PyTorch go through."""

import pytest
import torch
from helpers.models import DRIVEN
from helpers.tensors import assert_same, rand

from lightning_snn import (
    LIF,
    AdEx,
    ConductanceLIF,
    NeuronModel,
    Tap,
)
from lightning_snn.ops import backend

MODELS = {**DRIVEN, "adex": (AdEx(refractory=2.0), 2000.0)}


def wanted(model):
    """Every second variable before the reset."""
    return {name: ("before", "after")[place % 2] for place, name in enumerate(model.state)}


def gone_through(model, current, rows=None, strength=None):
    """Variables of steps in plain PyTorch, of neurons alone or with what they send to each other."""
    state, found = model.rest(*current.shape[1:], current), {name: [] for name in model.state}
    spikes = torch.zeros_like(current[0])
    for step in current:
        others = {}
        if rows is not None:
            step = step + spikes @ rows
        if strength is not None:
            others = {model.inputs[-1]: strength * (spikes.sum(1, keepdim=True) - spikes)}
            step = step + others.pop("current", 0.0)
        seen = {"before": model.before_reset(step, state, **others)}
        spikes, state = model.advance(step, state, **others)
        seen["after"] = state
        for name, when in wanted(model).items():
            found[name].append(getattr(seen[when], name))
    return {name: torch.stack(values) for name, values in found.items()}


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ["numba", "reference"])
def test_neurons_alone(kind, name):
    model, scale = MODELS[kind]
    current, tap = scale * rand(30, 2, 5), Tap(wanted(model))
    with backend.use(name):
        spikes, state = model(current, tap=tap)
    assert spikes.any()
    plain, end = model(current)
    assert_close({"spikes": spikes, **state._asdict()}, {"spikes": plain, **end._asdict()})
    assert_close(tap.taken(), gone_through(model, current))


@pytest.mark.parametrize("kind", ["lif", "conductance"])
@pytest.mark.parametrize("name", ["numba", "reference"])
def test_neurons_that_send_to_each_other(kind, name):
    model, scale = MODELS[kind]
    current, rows = scale * rand(30, 2, 5), rand(5, 5, seed=1)
    state, silent, tap = model.rest(2, 5, current), torch.zeros(2, 5), Tap(wanted(model))
    with backend.use(name):
        model.scan_sheet(current, state, silent, rows, tap=tap)
        sheet = tap.taken()
        model.scan_uniform(current, state, silent, 0.5, input=model.inputs[-1], tap=tap)
    assert_close(sheet, gone_through(model, current, rows=rows))
    assert_close(tap.taken(), gone_through(model, current, strength=0.5))


def test_a_tap_goes_on_until_it_is_taken_from():
    model, current = LIF(5.0), 5 * rand(30, 2, 5)
    whole, parts = Tap({"v": "after"}), Tap({"v": "after"})
    model(current, tap=whole)
    _, state = model(current[:13], tap=parts)
    model.run_step(current[13], state, tap=parts)
    _, state = model.advance(current[13], state, tap=parts)
    model(current[14:], state, tap=parts)
    whole, parts = whole.taken()["v"], parts.taken()["v"]
    assert torch.equal(parts, torch.cat([whole[:14], whole[13:]]))
    assert Tap({"v": "after"}).taken() == {}


def test_what_a_tap_holds_is_its_own():
    for grad in (False, True):
        tap = Tap({"v": "after"})
        _, state = LIF()(rand(1, 2, 3).requires_grad_(grad), tap=tap)
        state.v.detach().fill_(7.0)
        assert tap.taken()["v"].max() < 1


@pytest.mark.parametrize("how", ["operator", "advance", "sheet"])
def test_a_tap_has_no_gradient_and_leaves_those_of_the_run(how):
    model, found = LIF(5.0, learn=["tau_mem"]), []
    for tap in (None, Tap({"v": "before"})):
        current = (5 * rand(9, 2, 5)).requires_grad_()
        state = model.rest(2, 5, current)
        if how == "operator":
            spikes, _ = model(current, tap=tap)
        elif how == "advance":
            spikes, _ = model.run_step(current[0], state, tap=tap)
        else:
            spikes, _ = model.scan_sheet(current, state, torch.zeros(2, 5), rand(5, 5), tap=tap)
        (tau,) = model.parameters()
        grads = torch.autograd.grad(spikes.sum(), [current, tau])
        found.append(dict(zip("ip", grads, strict=True)))
        assert tap is None or not tap.taken()["v"].requires_grad
    assert found[0]["p"].abs() > 0
    assert_same(*found)


def test_maps_are_seen_in_one_row():
    model, tap = LIF(5.0), Tap({"v": "after"})
    _, state = model(5 * rand(4, 2, 3, 4, 5), tap=tap)
    seen = tap.taken()["v"]
    assert seen.shape == (4, 2, 60)
    assert torch.equal(seen[-1], state.v.flatten(1))


class Plain(NeuronModel):
    """A model that is not compiled, and says nothing of the state before the reset."""

    compiled = False
    state = {"v": 0.0}

    def step(self, current, state, p, dt):
        v = state.v + current
        spikes = self.spike(v - 1)
        return spikes, self.State(torch.where(spikes > 0, 0.0, v))


def test_a_model_that_is_not_compiled():
    tap = Tap({"v": "after"})
    Plain()(torch.full((4, 1, 1), 0.5), tap=tap)
    assert tap.taken()["v"].flatten().tolist() == [0.5, 0.0, 0.5, 0.0]


def test_whether_a_model_tells_its_state_before_the_reset():
    for model, tells in ((LIF(), True), (ConductanceLIF(), True), (Plain(), False)):
        assert model.tells_before_reset(model.rest(1, 2, torch.zeros(1))) is tells


def test_a_variable_that_there_is_not_is_a_sentence():
    with pytest.raises(ValueError, match=r"tap must be one of adaptation, refractory, v, got 'u'"):
        LIF()(rand(3, 1, 1), tap=Tap({"u": "after"}))
