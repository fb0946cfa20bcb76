import torch
from helpers.tensors import spikes_of

from lightning_snn.presentation.rates import Rates, counts_of, mean_rate, share_of_silent


def test_rates_are_found_once_and_only_when_they_are_asked_for():
    asked = []

    def find(name, value):
        return lambda: asked.append(name) or torch.full((2, 3), value)

    rates = Rates({"one": find("one", 4.0), "two": find("two", 0.0)})
    assert list(rates) == ["one", "two"]
    assert asked == []
    assert mean_rate(rates).tolist() == [[4.0, 0.0], [4.0, 0.0]]
    assert share_of_silent(rates).tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert asked == ["one", "two"]


def test_they_have_gradients_whoever_asks_first():
    leaf = torch.ones(2, 3, requires_grad=True)
    rates = Rates({"one": lambda: 2 * leaf})
    mean_rate(rates)
    assert torch.autograd.grad(rates["one"].sum(), leaf)[0].eq(2).all()


def test_counts_end_with_their_sample():
    spikes, lengths = spikes_of(6, 2, 4, share=0.6), torch.tensor([2, 6])
    expected = torch.stack([spikes[:2, 0].sum(0), spikes[:, 1].sum(0)])
    assert torch.equal(counts_of(spikes, lengths), expected)
    assert torch.equal(counts_of(spikes, None), spikes.sum(0))
