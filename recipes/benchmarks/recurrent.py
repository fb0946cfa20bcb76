"""A recurrent layer whose weights learn by gradient, against a loop of products and `LIF.step`."""

from functools import partial

import torch
from lif import data
from measure import Row, Work, Worker, alternate
from torch import Tensor

STEPS, BATCH, UNITS = 100, 64, 256

SLOWER = 1.2
"""How many times as long as the loop it may take."""


def rows(repeats: int) -> list[Row]:
    """One row; both in processes that are tuned alike."""
    mine, loop = Worker("recurrent", "work", "network"), Worker("recurrent", "work", "loop")
    pair = alternate(mine, loop, repeats)
    mine.close()
    loop.close()
    title = f"recurrent layer, forward + backward T={STEPS} B={BATCH} N={UNITS}"
    rates = f"spike rate {pair.value[0]:.3f} / {pair.value[1]:.3f}"
    return [
        Row(title, "ours, a loop of products and LIF.step", *pair.seconds, 1 / SLOWER, pair.memory, rates)
    ]


def work(kind: str) -> Work:
    """A network of one layer and a connection to itself, or the same weights and equations written out."""
    import lightning_snn as snn

    again = snn.Connection("units", "units", partial(snn.Dense, trainable=True))
    layers = {"units": snn.SpikingLayer(snn.Square(UNITS, side=16.0), snn.LIF(10.0))}
    network = snn.SpikingNetwork(layers, {"again": again}, seed=0)
    neuron, weight = network.layer("units").neuron, network.connection("again").weighted.weight
    current, gradient = data(STEPS, BATCH, UNITS)

    def loop(leaf: Tensor) -> Tensor:
        state = neuron.rest(BATCH, UNITS, leaf)
        spikes, sent = torch.zeros(BATCH, UNITS), []
        for step in leaf:
            spikes, state = neuron.advance(step + spikes @ weight.t(), state)
            sent.append(spikes)
        return torch.stack(sent)

    forward = loop if kind == "loop" else lambda leaf: network(leaf)[0]["units"]

    def both_ways() -> Tensor:
        weight.grad = None
        spikes: Tensor = forward(current.detach().requires_grad_())
        spikes.backward(gradient)
        return spikes.detach()

    return both_ways
