import pytest
import torch

from lightning_snn.neurons import IntegrateFire, Relay
from lightning_snn.ops import backend


def run(model, inputs, state=None):
    spikes, state = model(torch.tensor(inputs).reshape(-1, 1, 1), state)
    return spikes.flatten().tolist(), state


@pytest.mark.parametrize(
    ("reset", "expected", "end"),
    [
        ("hard", [0, 1, 0, 1, 0], 0.5),
        ("soft", [0, 1, 0, 1, 1], 0.75),
        ("none", [0, 1, 1, 1, 1], 3.75),
    ],
)
def test_the_potential_is_the_sum_of_the_inputs_until_it_is_reset(reset, expected, end):
    spikes, state = run(IntegrateFire(1.0, reset=reset), [0.75, 0.75, 0.25, 1.5, 0.5])
    assert spikes == expected
    assert state.v.item() == end


def test_without_reset_the_count_tells_how_early_it_began():
    steps = 10
    for first in range(steps):
        inputs = [0.0] * steps
        inputs[first] = 2.0
        assert sum(run(IntegrateFire(2.0, reset="none"), inputs)[0]) == steps - first


def test_a_raised_threshold_is_reached_later():
    model = IntegrateFire(1.0, reset="soft")
    state = model.raise_thresholds(model.rest(1, 1, torch.zeros(1)), torch.tensor([0.5]))
    spikes, end = run(model, [1.0, 1.0, 1.0], state)
    assert spikes == [0, 1, 1]
    assert end.v.item() == 0
    assert end.adaptation.item() == 0.5


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (63, 3, 50), (20, 2, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_kernel_gives_the_references_bits(shape, reset, dtype):
    generator = torch.Generator().manual_seed(0)
    model = IntegrateFire(0.7, reset=reset)
    current = torch.randn(shape[1], shape[0], 2 * shape[2], generator=generator, dtype=dtype) + 0.2
    view = current.transpose(0, 1)[:, :, ::2]
    state = model.raise_thresholds(model.rest(*shape[1:], view), torch.rand(shape[2], generator=generator))
    found = []
    for name in ("reference", "numba"):
        with backend.use(name):
            spikes, end = model(view, state)
            again, last = model(view, end)
            found.append([spikes, *end, again, *last])
    assert view.numel() < 100 or 0.05 < found[0][0].mean() < 0.95
    for one, other in zip(*found, strict=True):
        assert one.dtype == other.dtype == dtype
        assert torch.equal(one, other)


def test_gradients_pass_the_spike():
    current = torch.rand(6, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    spikes, _ = IntegrateFire(1.0)(current)
    (gradient,) = torch.autograd.grad(spikes.sum(), current)
    assert (gradient > 0).all()


def test_relay_passes_its_input_on():
    values = torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(0))
    passed, state = Relay()(values)
    assert torch.equal(passed, values)
    assert torch.equal(state.v, values[-1])
    assert torch.equal(Relay().advance(values[0], state)[0], values[0])


def test_errors():
    with pytest.raises(ValueError, match="threshold must be a finite number above 0, got 0"):
        IntegrateFire(0.0)
    with pytest.raises(ValueError, match="reset must be one of"):
        IntegrateFire(reset="slow")
    with pytest.raises(ValueError, match="neuron: Relay has no threshold that could rise"):
        Relay().raise_thresholds(None, torch.zeros(1))
