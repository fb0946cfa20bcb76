"""Leaky integrate-and-fire, forward and backward, against other libraries and one copy of the tensor."""

import math

import torch
from measure import Row, Work, Worker, alternate
from torch import Tensor

SIZES = ((32, 64, 1024), (64, 64, 2048))
LEAST = {
    "SpikingJelly": {SIZES[0]: 8.0, SIZES[1]: 4.0},
    "snnTorch": {SIZES[0]: 60.0},
    "Norse": {SIZES[0]: 15.0},
    "copy of the tensor": {SIZES[0]: 1 / 8},
}


def data(steps: int, batch: int, nodes: int) -> tuple[Tensor, Tensor]:
    """Currents and gradients of the spikes."""
    generator = torch.Generator().manual_seed(0)
    current = 3 * torch.rand(steps, batch, nodes, generator=generator)
    return current, torch.randn(steps, batch, nodes, generator=generator)


def _both_ways(forward: "torch.nn.Module | Work", current: Tensor, weight: Tensor) -> Tensor:
    leaf = current.detach().requires_grad_()
    spikes: Tensor = forward(leaf)
    spikes.backward(weight)
    return spikes.detach()


def ours(*size: int) -> Work:
    """lightning_snn: v decays by a half a step, hard reset."""
    import lightning_snn

    model = lightning_snn.LIF(1 / math.log(2))
    current, weight = data(*size)
    return lambda: _both_ways(lambda x: model(x)[0], current, weight)


def spikingjelly(*size: int) -> Work:
    """SpikingJelly's multi-step node in torch, the same dynamics."""
    from spikingjelly.activation_based import functional, neuron, surrogate

    node = neuron.LIFNode(
        tau=2.0, v_reset=0.0, surrogate_function=surrogate.ATan(), detach_reset=True, step_mode="m"
    )
    current, weight = data(*size)

    def work() -> Tensor:
        functional.reset_net(node)
        return _both_ways(node, current, weight)

    return work


def snntorch(*size: int) -> Work:
    """The Leaky neuron of snnTorch in a loop over time, reset to zero."""
    import snntorch as snn
    from snntorch import surrogate

    node = snn.Leaky(beta=0.5, reset_mechanism="zero", spike_grad=surrogate.atan())
    current, weight = data(*size)

    def run(x: Tensor) -> Tensor:
        membrane, spikes = node.init_leaky(), []
        for step in 0.5 * x:
            spike, membrane = node(step, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    return lambda: _both_ways(run, current, weight)


def norse(*size: int) -> Work:
    """LIF without a synaptic current in Norse (LIFBoxCell), in a loop over time."""
    from norse.torch import LIFBoxCell
    from norse.torch.functional.lif_box import LIFBoxParameters

    node = LIFBoxCell(LIFBoxParameters(tau_mem_inv=torch.tensor(500.0), v_th=torch.tensor(1.0)), dt=0.001)
    current, weight = data(*size)

    def run(x: Tensor) -> Tensor:
        state, spikes = None, []
        for step in x:
            spike, state = node(step, state)
            spikes.append(spike)
        return torch.stack(spikes)

    return lambda: _both_ways(run, current, weight)


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
