import numpy as np
import pytest
import torch

from lightning_snn import LIF
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sheet_scan import sheet_scan


def count_up(current, state):
    """Spike where the running sum of the input reaches 1, and start again."""
    total = state + current
    fired = total >= 1
    return fired.float(), torch.where(fired, 0.0, total)


def make(steps, batch, nodes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    current = 0.4 * torch.rand(steps, batch, nodes, generator=generator)
    coupling = 0.6 * torch.rand(nodes, nodes, generator=generator) - 0.3
    spikes = (torch.rand(batch, nodes, generator=generator) < 0.3).float()
    return current, coupling, spikes, torch.zeros(batch, nodes)


def sheet_loop(current, coupling, spikes):
    """`count_up` neuron by neuron in float32; row j of the coupling is what node j sends."""
    steps, batch, nodes = current.shape
    f = np.float32
    total = np.zeros((batch, nodes), np.float32)
    before, history = spikes.copy(), np.zeros_like(current)
    for t in range(steps):
        for b in range(batch):
            for i in range(nodes):
                lateral = f(0)
                for j in range(nodes):
                    if before[b, j]:
                        lateral = lateral + coupling[j, i]
                total[b, i] = total[b, i] + (current[t, b, i] + lateral)
                if total[b, i] >= 1:
                    history[t, b, i], total[b, i] = 1, 0
        before = history[t]
    return history, total


def test_neuron_scan_applies_the_step_in_order():
    current, _, _, rest = make(30, 2, 5)
    spikes, end = neuron_scan(count_up, current, rest)
    state = rest
    for t in range(30):
        expected, state = count_up(current[t], state)
        assert torch.equal(spikes[t], expected)
    assert torch.equal(end, state)
    assert 10 < spikes.sum() < 200


def test_sheet_scan_equals_a_loop_over_neurons_bit_for_bit():
    current, coupling, spikes, rest = make(40, 3, 12)
    found, end = sheet_scan(count_up, current, rest, spikes, coupling)
    history, total = sheet_loop(current.numpy(), coupling.numpy(), spikes.numpy())
    assert 100 < history.sum() < 1200
    assert np.array_equal(found.numpy(), history)
    assert np.array_equal(end.numpy(), total)


def test_a_spike_reaches_the_others_one_step_later():
    coupling = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    current = torch.zeros(4, 1, 3)
    current[0, 0, 0] = 1
    spikes, _ = sheet_scan(count_up, current, torch.zeros(1, 3), torch.zeros(1, 3), coupling)
    assert spikes[:, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("batch", [1, 3])
def test_without_coupling_the_sheet_is_the_neurons(batch):
    current, coupling, spikes, rest = make(30, batch, 8)
    alone = neuron_scan(count_up, current, rest)
    sheet = sheet_scan(count_up, current, rest, spikes, 0 * coupling)
    assert all(torch.equal(a, b) for a, b in zip(alone, sheet, strict=True))


@pytest.mark.parametrize("split", [1, 13])
def test_a_sheet_in_two_parts_equals_one_long_run(split):
    current, coupling, spikes, _ = make(30, 2, 8)
    model = LIF(tau_mem=5.0, adaptation=0.2)
    rest = model.rest(2, 8, current)

    def run(current, state, spikes):
        return sheet_scan(lambda i, s: model.advance(10 * i, s), current, state, spikes, coupling)

    whole, end = run(current, rest, spikes)
    first, middle = run(current[:split], rest, spikes)
    second, last = run(current[split:], middle, first[-1])
    assert whole.sum() > 20
    assert torch.equal(torch.cat([first, second]), whole)
    assert all(torch.equal(a, b) for a, b in zip(last, end, strict=True))
