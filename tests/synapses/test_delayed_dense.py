"""Delays of single synapses: values, gradients, pieces, loops, distances, and what is refused."""

from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Points, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Relay
from lightning_snn.synapses import DelayedDense, ExponentialCurrent

SPIKES = spikes_of(14, 3, 6, share=0.3)


def by_loop(projection, spikes):
    """Each spike delivers its weight at the nearest whole step after its own delay."""
    steps = (projection.delays.detach() / projection.dt).round().long()
    found = torch.zeros(*spikes.shape[:2], projection.num_post)
    for post in range(projection.num_post):
        for pre in range(projection.num_pre):
            late, weight = int(steps[post, pre]), projection.weight[post, pre].detach()
            sent = torch.cat([torch.zeros(late, spikes.shape[1]), spikes[:, :, pre]])
            found[:, :, post] += weight * sent[: len(spikes)]
    return found


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_in_evaluation_every_synapse_has_a_delay_of_whole_steps(dt):
    projection = DelayedDense(6, 4, max_delay=10 * dt, dt=dt, seed=0).eval()
    assert projection.delays.unique().numel() == 24
    expected = by_loop(projection, SPIKES) / dt
    found, state = projection.transmit(SPIKES, dt=dt)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(projection(SPIKES) / dt, expected)
    for length in (1, 2, 5):
        state, parts = None, []
        for part in SPIKES.split(length):
            current, state = projection.transmit(part, state, dt=dt)
            parts.append(current)
        torch.testing.assert_close(torch.cat(parts), expected)


@pytest.mark.parametrize("options", [{}, {"delay": 1.0, "kinetics": ExponentialCurrent(3.0), "dropout": 0.3}])
def test_pieces_are_a_run_at_once_in_training(options):
    projection = DelayedDense(6, 4, max_delay=5.0, sigma=2.0, dt=0.5, trainable=True, **options)
    torch.manual_seed(0)
    whole, end = projection.transmit(SPIKES, dt=0.5)
    torch.manual_seed(0)
    state, parts = None, []
    for part in SPIKES.split(3):
        current, state = projection.transmit(part, state, dt=0.5)
        parts.append(current)
    torch.testing.assert_close(torch.cat(parts), whole)
    for name, value in end.items():
        torch.testing.assert_close(state[name], value)


def test_a_spike_delivers_its_weight_whatever_width_and_step():
    for dt in (1.0, 0.5):
        for sigma in (0.01, 1.0, 20.0):
            projection = DelayedDense(6, 4, max_delay=8.0, sigma=sigma, dt=dt, trainable=True)
            spikes = torch.zeros(40, 1, 6)
            spikes[0, 0, 2] = 1
            current, _ = projection.transmit(spikes, dt=dt)
            torch.testing.assert_close(current.sum(0)[0] * dt, projection.weight[:, 2])


def test_a_narrow_gaussian_is_what_evaluation_does():
    projection = DelayedDense(6, 4, max_delay=8.0, trainable=True, seed=0)
    projection.own_delay.data.round_()
    projection.narrow(0.05)
    soft = projection(SPIKES)
    torch.testing.assert_close(soft, projection.eval()(SPIKES))


def test_gradients_are_those_of_finite_differences():
    projection = DelayedDense(3, 2, max_delay=4.0, sigma=0.8, dt=0.5, trainable=True, seed=0).double()
    spikes = torch.rand(9, 2, 3, dtype=torch.float64, requires_grad=True)

    def run(weight, delay, given):
        parts = {"weight": weight, "own_delay": delay}
        return torch.func.functional_call(projection, parts, (given,))

    delay = torch.tensor([[0.7, 2.2, 3.9], [-0.3, 4.3, 9.1]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, [projection.weight.detach().clone().requires_grad_(), delay, spikes])


def test_a_delay_is_learned():
    torch.manual_seed(0)
    projection = DelayedDense(1, 1, max_delay=10.0, sigma=4.0, trainable=True, seed=0)
    projection.own_delay.data.fill_(2.0)
    projection.weight.data.fill_(1.0)
    spikes = (torch.rand(200, 1, 1) < 0.1).float()
    aim = torch.cat([torch.zeros(7, 1, 1), spikes[:-7]])
    optimizer = torch.optim.Adam([projection.own_delay], lr=0.2)
    for step in range(120):
        projection.narrow(4.0 * 0.1 ** (step / 120))
        optimizer.zero_grad()
        (projection(spikes) - aim).square().mean().backward()
        optimizer.step()
    assert projection.delays.item() == pytest.approx(7.0, abs=0.3)
    torch.testing.assert_close(projection.eval()(spikes), aim)


def network(dt=0.5, **options):
    make = partial(DelayedDense, trainable=True, **options)
    net = SpikingNetwork(
        {
            "input": SpikingLayer(Square(6, side=2.0), Relay()),
            "loop": SpikingLayer(Square(8, side=2.0), LIF(5.0), projection=make, lateral=make),
        },
        dt=dt,
        seed=0,
    )
    net.projections["loop"].weight.data.abs_().mul_(10)
    net.projections["loop_lateral"].weight.data.mul_(4)
    return net


@pytest.mark.parametrize("delay", [None, 1.5])
def test_loops_in_pieces_and_from_rest(delay):
    net = network(max_delay=3.0, delay=delay, sigma=0.5)
    given = {"input": SPIKES}
    whole, end = net(given)
    assert 0.05 < whole["loop"].mean() < 0.95
    state, parts = None, []
    for part in SPIKES.split(4):
        spikes, state = net({"input": part}, state)
        parts.append(spikes["loop"])
    torch.testing.assert_close(torch.cat(parts), whole["loop"])
    assert state.connections["loop_lateral"].keys() == end.connections["loop_lateral"].keys()
    whole["loop"].sum().backward()
    for name in ("loop", "loop_lateral"):
        assert net.projections[name].own_delay.grad.any()


def test_a_loop_is_one_of_plain_steps():
    net = network(max_delay=3.0).eval()
    found, _ = net({"input": SPIKES / 0.5})
    lateral, below = (net.projections[name] for name in ("loop_lateral", "loop"))
    current = by_loop(below, SPIKES) / 0.5
    neuron, sent = net.layer("loop").neuron, torch.zeros(0, 3, 8)
    state = neuron.rest(3, 8, current)
    for t in range(len(SPIKES)):
        late = torch.cat([torch.zeros(2, 3, 8), sent, torch.zeros(1, 3, 8)])[: t + 1]  # 1 ms: 2 steps
        arrives = by_loop(lateral, late)[-1] / 0.5
        spikes, state = neuron.advance(current[t] + arrives, state)
        sent = torch.cat([sent, spikes[None]])
    assert torch.equal(found["loop"], sent)


def test_delays_by_distance():
    below, here = Points([[0.0, 0.0], [3.0, 4.0]], area=9.0), Points([[3.0, 4.0], [0.0, 1.0]], area=9.0)
    make = partial(DelayedDense, 2, 2, below=below, here=here, dt=0.5)
    projection = make(speed=2.0)
    torch.testing.assert_close(projection.delays, torch.tensor([[2.5, 0.0], [0.5, 4.5**0.5]]))
    assert projection.steps == 5
    assert not dict(projection.named_parameters())["weight"].requires_grad
    spikes = spikes_of(14, 3, 2, share=0.3)
    torch.testing.assert_close(projection(spikes), by_loop(projection, spikes))
    with pytest.raises(ValueError, match=r"max_delay must be at least 2\.5 ms, .* at speed = 2, got 2\.0"):
        make(speed=2.0, max_delay=2.0)
    assert make(speed=2.0, max_delay=4.0).steps == 8


def test_a_file_brings_delays_back():
    nets = [network(max_delay=3.0) for _ in range(2)]
    nets[0].projections["loop"].own_delay.data.uniform_(0, 3)
    nets[0].projections["loop"].narrow(0.3)
    nets[1].load_state_dict(nets[0].state_dict())
    assert torch.equal(nets[0]({"input": SPIKES})[0]["loop"], nets[1]({"input": SPIKES})[0]["loop"])
    made = [
        SpikingNetwork(
            {
                "a": SpikingLayer(Square(9, side=9.0), Relay()),
                "b": SpikingLayer(Square(9, side=9.0), LIF(), projection=partial(DelayedDense, speed=0.5)),
            },
            seed=seed,
        )
        for seed in (0, 1)
    ]
    made[1].load_state_dict(made[0].state_dict())
    spikes = spikes_of(30, 2, 9)
    assert torch.equal(*(net.eval().projections["b"](spikes) for net in made))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    projection = DelayedDense(6, 4, max_delay=5.0, trainable=True, seed=0)
    expected = projection(SPIKES)
    with torch.autocast("cpu", dtype):
        found, _ = projection.transmit(SPIKES, dt=1.0)
        found.float().sum().backward()
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)
    assert projection.own_delay.grad.any()


def test_what_it_refuses():
    with pytest.raises(ValueError, match="needs max_delay, to learn delays, or speed"):
        DelayedDense(3, 2)
    with pytest.raises(ValueError, match="max_delay must be a whole number of steps of dt"):
        DelayedDense(3, 2, max_delay=2.5)
    with pytest.raises(ValueError, match="DelayedDense needs the sheet below"):
        DelayedDense(3, 2, speed=1.0)
    projection = DelayedDense(6, 4, max_delay=2.0)
    with pytest.raises(ValueError, match=r"made for dt = 1.0 ms, got 0.5: build it with that dt"):
        projection.transmit(SPIKES, dt=0.5)
    _, state = projection.transmit(SPIKES, dt=1.0)
    with pytest.raises(ValueError, match=r"state\.history must be \[1, 2, 6\]"):
        projection.transmit(SPIKES[:, :1], state, dt=1.0)
    for options in ({"sigma": 0.0}, {"speed": -1.0}, {"dt": 0.0}, {"max_delay": -1.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            DelayedDense(3, 2, **({"max_delay": 2.0} | options))


def test_delays_are_drawn_by_the_name_of_the_connection():
    one, again = network(max_delay=3.0), network(max_delay=3.0)
    drawn = {name: projection.delays for name, projection in one.projections.items()}
    for name, delays in drawn.items():
        assert torch.equal(delays, again.projections[name].delays)
    alike = DelayedDense(8, 8, max_delay=3.0, seed=0), DelayedDense(8, 8, max_delay=3.0, seed=1)
    assert not torch.equal(alike[0].delays, alike[1].delays)
    assert not torch.equal(drawn["loop"], drawn["loop_lateral"][:, :6])
    uniform = [(x - x.mean()).flatten() for x in (alike[0].delays, alike[0].weight)]
    assert torch.corrcoef(torch.stack(uniform))[0, 1].abs() < 0.5
