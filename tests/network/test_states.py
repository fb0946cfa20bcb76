"""Every field of a state is a tensor of its own, which holds its own memory and nothing more."""

import pytest
import torch

from lightning_snn import (
    LIF,
    STDP,
    ConductanceLIF,
    Conv2d,
    Dense,
    ExponentialCurrent,
    IntegrateFire,
    Izhikevich,
    LateralKernel,
    Maps,
    PairSTDP,
    PostsynapticSTDP,
    Relay,
    RewardSTDP,
    SpontaneousWaves,
    Square,
    TripletSTDP,
)
from lightning_snn.core.tensors import leaves
from lightning_snn.development.development import Development
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.ops import backend
from lightning_snn.plasticity import Activity, Streams

MODELS = {
    "lif": LIF(),
    "lif at -65": LIF(v_rest=-65.0, v_reset=-65.0),
    "izhikevich": Izhikevich(),
    "integrate and fire": IntegrateFire(),
    "conductance": ConductanceLIF(),
    "relay": Relay(),
}
backends = pytest.mark.parametrize("backend_name", ["reference", "numba"])


def assert_apart(leaves, *others):
    """Writing into a leaf changes no other tensor, and each owns its memory."""
    leaves = list(leaves)
    for leaf in leaves:
        assert leaf.untyped_storage().nbytes() == leaf.numel() * leaf.element_size()
    everything = leaves + list(others)
    places = [tensor.untyped_storage().data_ptr() for tensor in everything]
    for i, leaf in enumerate(leaves):
        before = [tensor.clone() for tensor in everything]
        leaf.fill_(7)
        for j, tensor in enumerate(everything):
            assert i == j or (torch.equal(tensor, before[j]) and places[i] != places[j])


@backends
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", MODELS)
def test_neurons(kind, batch, backend_name):
    model, current = MODELS[kind], 3 * torch.rand(6, batch, 5)
    with backend.use(backend_name):
        start = model.rest(batch, 5, current)
        spikes, end = model(current, start)
        step_spikes, after = model.advance(current[0], end)
        outputs = () if isinstance(model, Relay) else (spikes, step_spikes)  # a relay's output is its input
        assert_apart(after, current, *outputs, *start, *end)
        assert_apart(end, current, *outputs, *start)
        assert_apart(start, current)


@backends
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("storage", [None, "dense", "mesh"])
@pytest.mark.parametrize("kind", MODELS)
def test_networks(kind, storage, batch, backend_name):
    lateral = None if storage is None else LateralKernel(inhibition_range=2.0, storage=storage)
    synapses = {"delay": 2.0, "kinetics": ExponentialCurrent(5.0)}
    network = SpikingNetwork(
        {
            "below": SpikingLayer(Square(25, 5.0), MODELS[kind], lateral=lateral),
            "above": SpikingLayer(
                Square(4, 5.0), MODELS[kind], projection=lambda n, m: Dense(n, m, **synapses)
            ),
        }
    )
    with backend.use(backend_name):
        assert_apart(leaves(network.rest(batch, torch.zeros(1))))
        current = 3 * torch.rand(4, batch, 25)
        _, first = network(current)
        _, second = network(current, first)
    assert_apart(leaves(second), *leaves(first))
    assert_apart(leaves(first), current)


@backends
@pytest.mark.parametrize(
    "rule", [STDP(), PairSTDP(delay=2.0), TripletSTDP(), PostsynapticSTDP(), RewardSTDP()], ids=type
)
def test_rules(rule, backend_name):
    wiring = rule.initial(6, 4, torch.Generator())
    pre, post = (torch.rand(30, 1, 6) < 0.3).float(), (torch.rand(30, 1, 4) < 0.3).float()
    with backend.use(backend_name):
        start = rule.open(wiring, 1)
        _, end = rule.learn(Activity(pre, post), wiring, start)
    assert_apart(end.values(), pre, post, *start.values(), *wiring.values())
    assert_apart(start.values(), *wiring.values())


@pytest.mark.parametrize("rule", [STDP(threshold=1.0), PairSTDP(delay=1.0)], ids=type)
def test_what_a_phase_saves_does_not_grow_with_its_rounds(rule):
    def saved(chunk):
        network = SpikingNetwork(
            {
                "retina": SpikingLayer(
                    Square(49, 5.0), Izhikevich(), lateral=LateralKernel(inhibition_range=3.0)
                ),
                "lgn": SpikingLayer(
                    Square(4, 5.0),
                    LIF(),
                    projection=lambda n, m: Dense(n, m, rule=rule, delay=2.0, kinetics=ExponentialCurrent()),
                ),
            }
        )
        development = Development(network, "lgn", SpontaneousWaves(6.0), Streams(3))
        for number in range(2):
            development.round(chunk, number)
        owned = [leaf.untyped_storage().nbytes() == leaf.nbytes for leaf in development.state()]
        assert all(owned)
        return sum(leaf.untyped_storage().nbytes() for leaf in development.state())

    assert saved(20) == saved(200)


def test_convolutions_hold_what_is_under_way_too():
    layers = {
        "below": SpikingLayer(Maps(1, 4, 4), IntegrateFire()),
        "above": SpikingLayer(
            Maps(2, 3, 3),
            IntegrateFire(),
            projection=lambda n, m: Conv2d(n, m, in_shape=(1, 4, 4), kernel_size=2, delay=1.0),
        ),
    }
    _, state = SpikingNetwork(layers)(torch.rand(9, 1, 16))
    assert_apart(leaves(state))
