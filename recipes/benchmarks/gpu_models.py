"""A linear layer and neurons, there and back: every model, and every peer that is installed, on one device.

The network of Open Neuromorphic's benchmark: 16,384 inputs and neurons, 16 samples, 500 steps. Each model of
ours is first compared with the plain loop over its equations, on a short sequence.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import neurons
import torch
from peers import PEERS, Forward
from torch import Tensor, nn

BACKENDS = ("torch", "cupy", "triton")
"""Of SpikingJelly."""

SHORT = 20
"""Steps that are compared with the plain loop."""


class Size(NamedTuple):
    """Steps, samples, neurons."""

    steps: int = 500
    batch: int = 16
    nodes: int = 16_384


WHOLE = Size()


def rows(size: Size = WHOLE, device: str = "cuda", repeats: int = 10) -> Iterator[tuple[str, ...]]:
    """Network, time, peak memory, spike rate, and how far from the plain loop: one row a network."""
    yield ("linear alone", *_cells(lambda x: x, 1.0, size, device, repeats), "-")
    for kind in neurons.kinds():
        model, most = neurons.model(kind, size.nodes).to(device), neurons.KINDS[kind].most
        run: Forward = lambda x, model=model: model(x)[0]  # type: ignore[misc] # noqa: E731
        error = difference(run, most, size._replace(steps=min(SHORT, size.steps)), device)
        yield (kind, *_cells(run, most, size, device, repeats), error)
    for name, (build, most) in PEERS.items():
        for options in [{"backend": b} for b in BACKENDS] if name.startswith("SpikingJelly") else [{}]:
            title = " ".join([name, *options.values()])
            try:
                yield (title, *_cells(build(device, **options), most, size, device, repeats), "-")
            except Exception as error:  # a peer that is missing, or does not run here
                yield (title, f"does not run: {type(error).__name__}", "-", "-", "-")


def difference(run: Forward, most: float, size: Size, device: str) -> str:
    """Spikes that differ from the plain loop's, and the largest error of a gradient, the largest being 1."""
    from lightning_snn.ops.backend import use

    current, weight = (x.to(device) for x in neurons.data(most, *size))
    found = []
    for backend in ("auto", "reference"):
        leaf = current.clone().requires_grad_()
        with use(backend):
            spikes = run(leaf)
            spikes.backward(weight)
        assert leaf.grad is not None
        found.append((spikes.detach(), leaf.grad))
    (spikes, gradient), (true_spikes, true_gradient) = found
    differing = int((spikes != true_spikes).sum())
    error = float((gradient - true_gradient).abs().max() / true_gradient.abs().max())
    return f"{differing} of {spikes.numel():,} spikes, gradient {error:.0e}"


def _cells(run: Forward, most: float, size: Size, device: str, repeats: int) -> tuple[str, str, str]:
    """Time, peak memory and spike rate of a linear layer before ``run``, there and back."""
    torch.manual_seed(0)
    inputs = torch.rand(size).to(device)
    linear = nn.Linear(size.nodes, size.nodes).to(device)
    with torch.no_grad():  # currents around the middle of 0 to ``most``
        linear.weight.mul_(most)
        linear.bias.fill_(most / 2)

    def work() -> Tensor:
        linear.zero_grad()
        spikes = run(linear(inputs))
        spikes.sum().backward()
        return spikes.detach()

    rate = float(work().mean())
    on_card = torch.device(device).type == "cuda"
    if on_card:
        torch.cuda.reset_peak_memory_stats()
    taken = seconds(work, device, repeats)
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if on_card else "-"
    return f"{taken * 1e3:.1f} ms", peak, f"{rate:.3f}"


def seconds(work: Callable[[], object], device: str = "cuda", repeats: int = 10) -> float:
    """Median time of ``work`` on a device, after two calls that are not counted."""
    found = []
    for _ in range(repeats + 2):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        found.append(time.perf_counter() - start)
    return statistics.median(found[2:])


def _wait(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
