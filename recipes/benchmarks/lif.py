"""Leaky integrate-and-fire, forward and backward, against other libraries and one copy of the tensor."""

import math

import peers
import torch
from measure import Row, Work, Worker, alternate
from torch import Tensor

SIZES = ((32, 64, 1024), (64, 64, 2048))
LEAST = {
    "SpikingJelly": {SIZES[0]: 8.0, SIZES[1]: 4.0},
    "snnTorch": {SIZES[0]: 60.0},
    "Norse": {SIZES[0]: 15.0},
    "copy of the tensor": {SIZES[0]: 1 / 4},
}


def data(steps: int, batch: int, nodes: int) -> tuple[Tensor, Tensor]:
    """Currents and gradients of the spikes."""
    generator = torch.Generator().manual_seed(0)
    current = 3 * torch.rand(steps, batch, nodes, generator=generator)
    return current, torch.randn(steps, batch, nodes, generator=generator)


def both_ways(forward: peers.Forward, current: Tensor, weight: Tensor) -> Tensor:
    """Spikes of a current; their gradient ``weight`` goes back to it."""
    leaf = current.detach().requires_grad_()
    spikes = forward(leaf)
    spikes.backward(weight)
    return spikes.detach()


def ours(*size: int) -> Work:
    """lightning_snn: v decays by a half a step, hard reset."""
    import lightning_snn

    model = lightning_snn.LIF(1 / math.log(2))
    return _work(lambda x: model(x)[0], size)


def spikingjelly(*size: int) -> Work:
    """SpikingJelly's multi-step node in torch, the same dynamics."""
    return _work(peers.lif_node(), size)


def snntorch(*size: int) -> Work:
    """The Leaky neuron of snnTorch in a loop over time, reset to zero."""
    return _work(peers.leaky(), size)


def norse(*size: int) -> Work:
    """LIF without a synaptic current in Norse (LIFBoxCell), in a loop over time."""
    return _work(peers.lif_box_cell(), size)


def _work(forward: peers.Forward, size: tuple[int, ...]) -> Work:
    current, weight = data(*size)
    return lambda: both_ways(forward, current, weight)


def copy(*size: int) -> Work:
    """One copy of the tensor; it takes turns over eight pairs, so that it does not run in the cache."""
    pairs = [(torch.rand(size), torch.rand(size)) for _ in range(8)]
    turn = iter(range(10**9))

    def work() -> Tensor:
        target, source = pairs[next(turn) % 8]
        return target.copy_(source)

    return work


PEERS = {
    "SpikingJelly": "spikingjelly",
    "snnTorch": "snntorch",
    "Norse": "norse",
    "copy of the tensor": "copy",
}


def rows(repeats: int) -> list[Row]:
    """One row a peer and size."""
    found = []
    for name, function in PEERS.items():
        for size, least in LEAST[name].items():
            mine, theirs = Worker("lif", "ours", *size), Worker("lif", function, *size)
            pair = alternate(mine, theirs, repeats)
            rates = f"{pair.value[0]:.3f}" + ("" if function == "copy" else f" / {pair.value[1]:.3f}")
            work = "LIF forward + backward T={} B={} N={}".format(*size)
            found.append(Row(work, name, *pair.seconds, least, pair.memory, f"spike rate {rates}"))
            mine.close()
            theirs.close()
    return found
