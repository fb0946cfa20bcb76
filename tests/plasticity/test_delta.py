import pytest
import torch
from helpers.tensors import randn

from lightning_snn.plasticity import delta_update


def test_it_is_a_step_down_the_gradient_of_half_the_squared_error():
    weight, bias = randn(3, 7).requires_grad_(), randn(3, seed=1).requires_grad_()
    features, target = randn(5, 7, seed=2), randn(5, 3, seed=3)
    output = features @ weight.t() + bias
    (0.5 * ((target - output) ** 2).sum(1).mean()).backward()
    found = delta_update(weight.detach(), bias.detach(), features, target, output.detach(), learning_rate=0.3)
    torch.testing.assert_close(found[0], (weight - 0.3 * weight.grad).detach())
    torch.testing.assert_close(found[1], (bias - 0.3 * bias.grad).detach())


def test_it_equals_a_loop_over_synapses_without_a_bias():
    weight, features = randn(2, 3), randn(4, 3, seed=1)
    target, output = randn(4, 2, seed=2), randn(4, 2, seed=3)
    found, bias = delta_update(weight, None, features, target, output, learning_rate=0.1)
    assert bias is None
    for k in range(2):
        for f in range(3):
            total = sum((target[b, k] - output[b, k]) * features[b, f] for b in range(4))
            assert found[k, f].item() == pytest.approx((weight[k, f] + 0.1 * total / 4).item(), abs=1e-6)


def test_a_spiking_output_learns_which_inputs_to_answer():
    features = (randn(200, 20) > 0.5).float()
    target = (features[:, :2].sum(1, keepdim=True) > 0).float()
    weight, bias = torch.zeros(1, 20), torch.zeros(1)
    for _ in range(300):
        output = (features @ weight.t() + bias > 0).float()
        weight, bias = delta_update(weight, bias, features, target, output, learning_rate=0.5)
    assert torch.equal((features @ weight.t() + bias > 0).float(), target)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("features", (5, 6), r"features must be \[B, 7\], got \[5, 6\]"),
        ("target", (5,), r"target must be \[5, 3\], got \[5\]"),
        ("output", (4, 3), r"output must be \[5, 3\], got \[4, 3\]"),
    ],
)
def test_shapes_must_belong_together(name, shape, message):
    given = {"features": torch.zeros(5, 7), "target": torch.zeros(5, 3), "output": torch.zeros(5, 3)}
    with pytest.raises(ValueError, match=message):
        delta_update(torch.zeros(3, 7), None, **given | {name: torch.zeros(shape)}, learning_rate=0.1)
