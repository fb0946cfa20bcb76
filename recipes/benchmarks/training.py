"""A training step of whole networks (forward, backward, optimizer), against the same ones in other libraries.

``convolutional`` is the network of `mnist_trained`, ``recurrent`` one of the sizes of the Spiking Heidelberg
Digits: 700 inputs of which 2 % spike, 256 neurons that all send to each other, 20 leaky outputs, and the
cross-entropy of their largest potential. All sides have the same weights, decays and optimizer, and run after
`tune_process`. The image stays the same, so every side computes the first convolution once for all steps.
SpikingJelly runs layer by layer (multi-step); snnTorch and Norse run step by step, which is the faster of
their ways here, so that their batch normalisation sees one step at a time.

What is ``bare`` is the same without neurons: the layers in between, and of the recurrent network the products
of both ways alone, written into buffers. What a library takes beyond that is its own.
"""

import math
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import torch
from gpu_models import seconds
from measure import Row, Work, Worker
from torch import Tensor, nn
from torch.nn import functional as F

DECAY = math.exp(-0.5)
"""What a step leaves of a potential in the convolutional network, tau_mem = 2 ms."""

SLOW = math.exp(-0.1)
"""The same in the recurrent network, tau_mem = 10 ms."""

PEERS = ("SpikingJelly", "snnTorch", "Norse")
BEYOND = {
    "convolutional": {"SpikingJelly": 3.0, "snnTorch": 6.0, "Norse": 4.0},
    "recurrent": dict.fromkeys(PEERS, 2.0),
}
"""How many times as long as ours what a peer takes beyond the bare network is to be, at least."""

SIZES = {"convolutional": (10, 64), "recurrent": (100, 64)}
"""Steps and samples."""


def work(network: str, side: str, steps: int, batch: int, device: str = "cpu") -> Work:
    """A training step; returns the loss, and of products alone what they are taken of.

    A small one runs first: the code that a library loads is not what a step takes.
    """
    build = {"convolutional": convolutional, "recurrent": recurrent}[network]
    build(side, 2, 4, device)()
    torch.manual_seed(0)
    return build(side, steps, batch, device)


def rows(repeats: int) -> list[Row]:
    """Two rows a network and peer: a step, and what it takes beyond the bare network."""
    found = []
    for network, size in SIZES.items():
        workers = {
            side: Worker("training", "work", network, side, *size) for side in ("ours", "bare", *PEERS)
        }
        runs = [{side: worker.run() for side, worker in workers.items()} for _ in range(repeats + 2)][2:]
        for worker in workers.values():
            worker.close()
        taken = {side: statistics.median(run[side]["seconds"] for run in runs) for side in workers}
        peak = {side: runs[-1][side]["peak"] for side in workers}
        title = f"{network} network, a training step T={size[0]} B={size[1]}"
        for peer in PEERS:
            memory = peak["ours"], peak[peer]
            note = f"loss {runs[-1]['ours']['value']:.3f} / {runs[-1][peer]['value']:.3f}"
            found.append(Row(title, peer, taken["ours"], taken[peer], 1.0, memory, note))
            beyond = [max(taken[side] - taken["bare"], 1e-6) for side in ("ours", peer)]
            note = f"bare {taken['bare'] * 1e3:.1f} ms"
            found.append(
                Row(f"{title}, beyond the bare one", peer, *beyond, BEYOND[network][peer], None, note)
            )
    return found


def on_device(
    device: str, sizes: dict[str, tuple[int, int]] = SIZES, repeats: int = 10
) -> Iterator[tuple[str, str, str, str]]:
    """Side, a step, peak memory of a card and what a step takes beyond the bare network, of each network."""
    for network, size in sizes.items():
        bare = 0.0
        for side in ("bare", "ours", *PEERS):
            title = f"{network} T={size[0]} B={size[1]}: {side}"
            try:
                step = work(network, side, *size, device)
                if device == "cuda":
                    torch.cuda.reset_peak_memory_stats()
                taken = seconds(step, device, repeats)
            except ImportError as error:  # a peer that is missing
                yield title, f"does not run: {error}", "-", "-"
                continue
            bare = taken if side == "bare" else bare
            peak = f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB" if device == "cuda" else "-"
            yield title, f"{taken * 1e3:.1f} ms", peak, f"{(taken - bare) * 1e3:.1f} ms"


def training(modules: list[nn.Module], forward: Callable[[Tensor], Tensor], x: Tensor, classes: int) -> Work:
    """Forward to class scores, backward from their cross-entropy, Adam."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    label = torch.randint(0, classes, (len(x),), device=x.device)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(x), label)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def convolutional(side: str, steps: int, batch: int, device: str) -> Work:
    """Two convolutions and a layer of 128, each with batch normalisation and LIF, and a linear readout."""
    image = torch.rand(batch, 1, 28, 28).to(device)
    if side == "ours":
        module = our_convolutional(steps).to(device)
        return training([module], module, image, 10)
    one, two = nn.Conv2d(1, 32, 5, 2, 2, bias=False), nn.Conv2d(32, 64, 3, 2, 1, bias=False)
    three, readout = nn.Linear(3136, 128, bias=False), nn.Linear(128, 10)
    norms = nn.BatchNorm2d(32), nn.BatchNorm2d(64), nn.BatchNorm1d(128), nn.BatchNorm1d(128, affine=False)
    with torch.no_grad():
        for norm in norms[:3]:
            norm.weight /= 1 - DECAY  # a charge that drives a neuron to its threshold
    parts: list[nn.Module] = [one, two, three, readout, *norms]
    for part in parts:
        part.to(device)
    first = lambda x: norms[0](one(x))  # noqa: E731
    second, third = nn.Sequential(two, norms[1]), nn.Sequential(nn.Flatten(), three, norms[2])
    last = lambda rate: readout(norms[3](rate))  # noqa: E731

    def bare(x: Tensor) -> Tensor:
        maps = first(x).expand(steps, batch, 32, 14, 14).flatten(0, 1)
        return last(third(second(maps)).view(steps, batch, -1).mean(0))

    if side == "bare":
        return training(parts, bare, image, 10)
    if side == "SpikingJelly":
        from spikingjelly.activation_based import layer

        nodes = [jelly(DECAY, device) for _ in range(3)]
        blocks = layer.SeqToANNContainer(second), layer.SeqToANNContainer(third)

        def multistep(x: Tensor) -> Tensor:
            maps = nodes[0](first(x).unsqueeze(0).repeat(steps, 1, 1, 1, 1))
            return last(nodes[2](blocks[1](nodes[1](blocks[0](maps)))).mean(0))

        return training(parts, multistep, image, 10)

    def stepwise(x: Tensor) -> Tensor:
        neurons, current, total = [cell(side, DECAY, device) for _ in range(3)], first(x), 0
        for _ in range(steps):
            total = total + neurons[2](third(neurons[1](second(neurons[0](current)))))
        return last(total / steps)

    return training(parts, stepwise, image, 10)


def our_convolutional(steps: int) -> nn.Module:
    """The network of `mnist_trained`."""
    import lightning_snn as snn

    def layer(maps: int, side: int, make: Callable[..., snn.Projection], **options: int) -> snn.SpikingLayer:
        made = partial(make, trainable=True, norm=snn.TDBatchNorm(), **options)
        return snn.SpikingLayer(snn.Maps(maps, side, side), snn.LIF(2.0), projection=made)

    layers = {
        "image": snn.SpikingLayer(snn.Maps(1, 28, 28), snn.Relay()),
        "edges": layer(32, 14, snn.Conv2d, kernel_size=5, stride=2, padding=2),
        "parts": layer(64, 7, snn.Conv2d, kernel_size=3, stride=2, padding=1),
        "digits": layer(128, 1, snn.Dense),
    }
    readout = partial(snn.Linear, standardise="feature")
    return snn.SpikingClassifier(layers, snn.ConstantCurrent(steps, gain=1.0), readout, seed=0)


def recurrent(side: str, steps: int, batch: int, device: str) -> Work:
    """700 inputs, 256 neurons that send to each other, 20 leaky outputs."""
    spikes = (torch.rand(batch, steps, 700) < 0.02).float().to(device)
    entry, again, readout = (nn.Linear(n, m, bias=False) for n, m in ((700, 256), (256, 256), (256, 20)))
    with torch.no_grad():
        entry.weight.normal_(0.0, 3.0)
        again.weight.normal_(0.0, 0.5)
    parts: list[nn.Module] = [part.to(device) for part in (entry, again, readout)]
    if side == "ours":
        module = our_recurrent(entry.weight, again.weight).to(device)
        return training([module], module, spikes, 20)
    if side == "bare":
        return products(spikes, entry, again, readout)

    def forward(x: Tensor) -> Tensor:
        currents, neuron, leaky = (
            entry(x.transpose(0, 1)),
            cell(side, SLOW, device),
            cell(side, SLOW, device, True),
        )
        sent, found = currents.new_zeros(batch, 256), []
        for current in currents:
            sent = neuron(current + again(sent))
            found.append(sent)
        outputs = readout(torch.stack(found))
        if side == "SpikingJelly":
            return jelly_integrator(SLOW, device)(outputs).amax(0)
        return torch.stack([leaky(output) for output in outputs]).amax(0)

    return training(parts, forward, spikes, 20)


def our_recurrent(entry: Tensor, again: Tensor) -> nn.Module:
    """The same as a network of this package."""
    import lightning_snn as snn

    trained = partial(snn.Dense, trainable=True)
    layers = {
        "ears": snn.SpikingLayer(snn.Maps(1, 1, 700), snn.Relay()),
        "units": snn.SpikingLayer(snn.Maps(256, 1, 1), snn.LIF(10.0), projection=trained, lateral=trained),
    }
    readout = partial(snn.LeakyReadout, tau_mem=10.0)
    module = snn.SpikingClassifier(
        layers, snn.Frames(), readout, loss=snn.MaxCrossEntropy(), num_classes=20, seed=0
    )
    with torch.no_grad():
        for name, weight in (("units", entry), ("units_lateral", again)):
            module.network.connection(name).weighted().weight.copy_(weight)
    return module


def products(x: Tensor, entry: nn.Linear, again: nn.Linear, readout: nn.Linear) -> Work:
    """What no way of training can do without: the matrix products of all steps, forward and backward."""
    spikes = x.transpose(0, 1).contiguous()
    sent = (torch.rand(*spikes.shape[:2], 256) < 0.05).float().to(x.device)
    gradient = torch.randn(*spikes.shape[:2], 20).to(x.device)
    weights = [layer.weight.detach() for layer in (entry, again, readout)]

    @torch.no_grad()
    def step() -> Tensor:
        currents = F.linear(spikes, weights[0])
        for t in range(1, len(spikes)):
            torch.addmm(currents[t], sent[t - 1], weights[1].t(), out=currents[t])
        F.linear(sent, weights[2])
        back = gradient @ weights[2]
        gradient.flatten(0, 1).t() @ sent.flatten(0, 1)
        for t in range(len(spikes) - 1, 0, -1):
            torch.addmm(back[t - 1], back[t], weights[1], out=back[t - 1])
        back[1:].flatten(0, 1).t() @ sent[:-1].flatten(0, 1)
        back.flatten(0, 1).t() @ spikes.flatten(0, 1)
        return sent

    return step


def jelly(decay: float, device: str, threshold: float = 1.0, **options: bool) -> nn.Module:
    """LIF of SpikingJelly over all steps, at rest at each call."""
    from spikingjelly.activation_based import functional, neuron, surrogate

    node = neuron.LIFNode(
        tau=1 / (1 - decay), v_threshold=threshold, v_reset=0.0, surrogate_function=surrogate.ATan(),
        detach_reset=True, step_mode="m", **options,
    ).to(device)  # fmt: skip
    node.register_forward_pre_hook(lambda *_: functional.reset_net(node))
    return node


def jelly_integrator(decay: float, device: str) -> Callable[[Tensor], Tensor]:
    """Potentials of a neuron of SpikingJelly that never reaches its threshold."""
    node = jelly(decay, device, math.inf, store_v_seq=True)

    def run(current: Tensor) -> Tensor:
        node(current)
        return node.v_seq

    return run


def cell(side: str, decay: float, device: str, leaky: bool = False) -> Callable[[Tensor], Tensor]:
    """A neuron of a library that keeps its state between calls of a step each; no spikes if ``leaky``."""
    if side == "SpikingJelly":
        from spikingjelly.activation_based import neuron, surrogate

        return neuron.LIFNode(
            tau=1 / (1 - decay), v_reset=0.0, surrogate_function=surrogate.ATan(), detach_reset=True
        ).to(device)
    steps = _snntorch(decay, device, leaky) if side == "snnTorch" else _norse(decay, device, leaky)
    next(steps)
    return steps.send


def _snntorch(decay: float, device: str, leaky: bool) -> Iterator[Tensor]:
    import snntorch
    from snntorch import surrogate

    reset = "none" if leaky else "zero"
    node = snntorch.Leaky(beta=decay, reset_mechanism=reset, spike_grad=surrogate.atan()).to(device)
    membrane, current = node.init_leaky(), (yield)
    while True:
        spikes, membrane = node((1 - decay) * current, membrane)
        current = yield membrane if leaky else spikes


def _norse(decay: float, device: str, leaky: bool) -> Iterator[Tensor]:
    from norse.torch import LIBoxCell, LIFBoxCell
    from norse.torch.functional.leaky_integrator_box import LIBoxParameters
    from norse.torch.functional.lif_box import LIFBoxParameters

    inverse = torch.tensor(1000 * (1 - decay))
    if leaky:
        node = LIBoxCell(LIBoxParameters(tau_mem_inv=inverse), dt=0.001).to(device)
    else:
        node = LIFBoxCell(LIFBoxParameters(tau_mem_inv=inverse, v_th=torch.tensor(1.0)), dt=0.001).to(device)
    state, current = None, (yield)
    while True:
        found, state = node(current, state)
        current = yield found
