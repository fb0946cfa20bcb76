"""LSUV: what each layer does on the data that it was scaled on."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

import lightning_snn as snn

DENSE = partial(snn.Dense, trainable=True)


def chain(*, layers=3, lateral=None, projection=DENSE, dt=1.0, nodes=40, seed=0):
    sheets = {"input": snn.SpikingLayer(snn.Square(30, side=1.0), snn.LIF(5.0))}
    for i in range(layers):
        sheets[f"h{i}"] = snn.SpikingLayer(
            snn.Square(nodes, side=1.0), snn.LIF(5.0), projection=projection, lateral=lateral
        )
    return snn.SpikingNetwork(sheets, seed=seed, dt=dt)


def drive(steps=20, batch=16, dt=1.0):
    held = 5 / dt * torch.rand(1, batch, 30, generator=torch.Generator().manual_seed(0))
    return held.expand(steps, -1, -1)


def ran(found, inputs):
    with torch.no_grad():
        spikes, _, recorded = found({"input": inputs}, record={name: ["current"] for name in found.names})
    return spikes, recorded


@pytest.mark.parametrize("lateral", [None, DENSE], ids=["chain", "recurrent"])
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_currents_of_all_layers_have_the_deviation(lateral, dt):
    found, inputs = chain(lateral=lateral, dt=dt), drive(dt=dt)
    snn.initialise(found, snn.LSUV(3.0), inputs=inputs)
    _, recorded = ran(found, inputs)
    for name in found.names[1:]:
        assert recorded[name]["current"].std().item() == pytest.approx(3.0, rel=0.05), name


def test_neurons_of_all_layers_have_the_rate():
    found, inputs = chain(), drive(steps=40, batch=40)
    snn.initialise(found, snn.LSUV(rate=80.0, tolerance=0.1, tries=20), inputs=inputs)
    spikes, _ = ran(found, inputs)
    for name in found.names[1:]:
        assert 1000 * spikes[name].mean().item() == pytest.approx(80.0, rel=0.11), name


@pytest.mark.parametrize("steps_and_batch", [(1, 3), (5, 1)])
def test_one_step_and_one_sample_will_do(steps_and_batch):
    found, inputs = chain(layers=1), drive(*steps_and_batch) + 10
    snn.initialise(found, snn.LSUV(2.0), inputs=inputs)
    _, recorded = ran(found, inputs)
    assert recorded["h0"]["current"].std(correction=0).item() == pytest.approx(2.0, rel=0.05)


def test_weights_are_orthogonal_and_of_the_seed():
    found, inputs = chain(layers=1, nodes=20), drive()
    snn.initialise(found, snn.LSUV(), inputs=inputs)
    weight = found.projections["h0"].weight.detach()
    products = weight @ weight.t()
    scale = products.diagonal().mean()
    torch.testing.assert_close(products / scale, torch.eye(20), atol=1e-5, rtol=0)
    again, other = chain(layers=1, nodes=20), chain(layers=1, nodes=20, seed=1)
    for network in (again, other):
        snn.initialise(network, snn.LSUV(), inputs=inputs)
    assert torch.equal(again.projections["h0"].weight, weight)
    assert not torch.equal(other.projections["h0"].weight, weight)


def test_places_with_weights_of_their_own_take_part():
    layers = {
        "input": snn.SpikingLayer(snn.Square(30, side=3.0), snn.LIF(5.0)),
        "h0": snn.SpikingLayer(
            snn.Square(30, side=3.0), snn.LIF(5.0), projection=partial(snn.Local, radius=1.0, trainable=True)
        ),
    }
    found = snn.SpikingNetwork(layers, seed=0)
    snn.initialise(found, snn.LSUV(2.0), inputs=drive())
    _, recorded = ran(found, drive())
    assert recorded["h0"]["current"].std().item() == pytest.approx(2.0, rel=0.05)
    projection = found.projections["h0"]
    assert (projection.weight[~projection.exists[:, None].expand_as(projection.weight)] == 0).all()


def test_processes_that_see_other_samples_agree_on_the_weights():
    board, barrier = {}, threading.Barrier(2)

    def scaled(process):
        def agree(value):
            board[process] = value
            barrier.wait(timeout=30)
            mean = (board[0] + board[1]) / 2
            barrier.wait(timeout=30)
            return mean

        found = chain()
        half = {"input": drive()[:, 8 * process : 8 * (process + 1)]}
        snn.LSUV(2.0).start(found, projections={}, inputs=half, agree=agree)
        return [p.weight for p in found.weighted.values()]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(scaled, range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_cannot_be_is_said_in_a_sentence():
    with pytest.raises(ValueError, match=r"LSUV scales weights on data, and none are given: .*inputs=\.\.\."):
        snn.initialise(chain(), snn.LSUV())
    with pytest.raises(ValueError, match=r"nothing that varies reaches layers.h0 on the data"):
        snn.initialise(chain(), snn.LSUV(), inputs=0 * drive())
    with pytest.raises(ValueError, match=r"LSUV starts the weights of connections with `trainable: true`"):
        snn.initialise(chain(projection=snn.Dense), snn.LSUV(), inputs=drive())
    with pytest.raises(ValueError, match=r"rate must be at most one spike a step, 1000 Hz, got 1200"):
        snn.initialise(chain(), snn.LSUV(rate=1200.0), inputs=drive())
    with pytest.warns(UserWarning, match=r"layers.h0: the rate in Hz is .* after 1 tries, and 500 is wanted"):
        snn.initialise(chain(layers=1), snn.LSUV(rate=500.0, tries=1), inputs=drive())
    with pytest.raises(ValueError, match=r"layers.h0 is silent on the data after 1 tries"):
        snn.initialise(chain(), snn.LSUV(rate=1.0, tries=1), inputs=0.21 * drive() + 0.2)


def test_weights_below_a_norm_are_not_scaled():
    found = chain(projection=partial(DENSE, norm=snn.TDBatchNorm()))
    snn.initialise(found, snn.LSUV(), inputs=drive())
    for name in found.names[1:]:
        weight = found.projections[name].weight
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1), name
