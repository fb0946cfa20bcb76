import pytest
import torch

from lightning_snn.dynamics.reset import hard_reset, soft_reset

V = torch.tensor([[0.3, -0.0, 1.7, -2.1], [1.1, 0.1, 9.3, 1e30]])
SPIKES = torch.tensor([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]])
ONE_A_NEURON = torch.tensor([0.25, -0.5, 1.0, 3.0])


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("to", [-0.7, ONE_A_NEURON], ids=["one", "one a neuron"])
def test_a_hard_reset_takes_those_that_spiked_to_its_target(detach, dtype, to):
    to = to if isinstance(to, float) else to.to(dtype)
    v, spikes = V.to(dtype), SPIKES.to(dtype)
    found = hard_reset(v, spikes, to, detach)
    assert torch.equal(found, torch.where(spikes > 0, to, v))
    assert found.dtype == dtype


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("by", [0.7, ONE_A_NEURON], ids=["one", "one a neuron"])
def test_a_soft_reset_lowers_those_that_spiked(detach, by):
    assert torch.equal(soft_reset(V, SPIKES, by, detach), torch.where(SPIKES > 0, V - by, V))


@pytest.mark.parametrize(
    ("reset", "through_v", "to_spikes"),
    [
        (hard_reset, 1 - SPIKES, ONE_A_NEURON - V),
        (soft_reset, torch.ones_like(V), (-ONE_A_NEURON).expand(2, 4)),
    ],
)
def test_gradients_pass_through_the_reset_where_asked(reset, through_v, to_spikes):
    for detach in (True, False):
        v, spikes = V.clone().requires_grad_(), SPIKES.clone().requires_grad_()
        reset(v, spikes, ONE_A_NEURON, detach).sum().backward()
        assert torch.equal(v.grad, through_v)
        assert spikes.grad is None if detach else torch.equal(spikes.grad, to_spikes)


@pytest.mark.parametrize(("reset", "expected"), [(hard_reset, SPIKES.sum(0)), (soft_reset, -SPIKES.sum(0))])
@pytest.mark.parametrize("detach", [True, False])
def test_what_a_spike_does_can_be_learned(reset, expected, detach):
    amount = ONE_A_NEURON.clone().requires_grad_()
    reset(V, SPIKES, amount, detach).sum().backward()
    assert torch.equal(amount.grad, expected)
