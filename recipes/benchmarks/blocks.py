"""How far the gradients of trained connections are from the truth, in float64: norms, delays, recurrence.

`python recipes/benchmarks/blocks.py` prints the table: the largest error of a gradient, relative to the
largest gradient of its kind. Norms and delays are held to central differences of a random sum of what is
delivered, recurrent layers, which spike, to a loop over steps in plain PyTorch.
"""
# ruff: noqa: E402 - the process is tuned before torch is imported

import lightning_snn as snn

snn.tune_process()

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

DT, STEP = 0.5, 1e-6
CONV = partial(snn.Conv2d, 32, 27, in_shape=(2, 4, 4), kernel_size=2, trainable=True, seed=0)
DELIVERING = {
    "TDBatchNorm": partial(CONV, norm=snn.TDBatchNorm()),
    "TEBN": partial(CONV, norm=snn.TEBN(9)),
    "LayerNorm, over neurons": partial(CONV, norm=snn.LayerNorm()),
    "LayerNorm, over channels": partial(CONV, norm=snn.LayerNorm("channels")),
    "DelayedDense": partial(snn.DelayedDense, 32, 4, max_delay=4.0, dt=DT, trainable=True, seed=0),
}
RECURRENT: dict[str, snn.NeuronModel] = {
    "LIF": snn.LIF(6.0, refractory=1.0, learn=["tau_mem", "threshold"]),
    "AdaptiveLIF": snn.AdaptiveLIF(6.0, 20.0, threshold=1.0, learn=["tau_mem", "beta"]),
    "CurrentLIF": snn.CurrentLIF(6.0, tau_syn=4.0, learn=["tau_mem", "tau_syn"]),
    "PLIF": snn.PLIF(3.0),
}


def weighed(values: Tensor) -> Tensor:
    """A random sum, the same for every call."""
    weights = torch.rand(values.shape, generator=torch.Generator().manual_seed(0), dtype=values.dtype)
    return (values * weights).sum()


def by_differences(run: Callable[[], Tensor], inputs: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """The gradient of each input, and central differences."""
    found = torch.autograd.grad(weighed(run()), inputs)
    with torch.no_grad():
        for x, gradient in zip(inputs, found, strict=True):
            expected = torch.empty(x.numel(), dtype=x.dtype)
            values = x.view(-1)
            for place, before in enumerate(values.tolist()):
                ends = []
                for end in (before + STEP, before - STEP):
                    values[place] = end
                    ends.append(weighed(run()))
                values[place] = before
                expected[place] = (ends[0] - ends[1]) / (2 * STEP)
            yield gradient, expected.view_as(x)


def delivered(make: Callable[[], snn.Projection]) -> Iterator[tuple[Tensor, Tensor]]:
    """Gradients of what a projection delivers, and what they should be."""
    torch.manual_seed(0)
    projection = make().double()
    spikes = torch.rand(9, 2, 32, dtype=torch.float64).requires_grad_()
    return by_differences(lambda: projection.transmit(spikes, dt=DT)[0], [spikes, *projection.parameters()])


def recurrent(neuron: snn.NeuronModel) -> Iterator[tuple[Tensor, Tensor]]:
    """Gradients of a recurrent layer, and of the same loop in plain PyTorch."""
    make, sheet = partial(snn.Dense, trainable=True), snn.Square(9, side=3.0)
    layers = {
        "input": snn.SpikingLayer(sheet, snn.Relay()),
        "units": snn.SpikingLayer(sheet, neuron, projection=partial(make, gain=4.0), lateral=make),
    }
    network = snn.SpikingNetwork(layers, dt=DT, seed=0).double()
    given = (torch.rand(40, 2, 9, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    below, lateral = (network.weighted[name].weight for name in ("units", "units_lateral"))
    state, late = network.layer("units").neuron.rest(2, 9, given), round(1 / DT)
    sent = [torch.zeros(2, 9, dtype=torch.float64)] * late
    for x in given:
        current = (4 * x @ below.t() + sent[-late] @ lateral.t()) / DT
        spikes, state = network.layer("units").neuron.advance(current, state)
        sent.append(spikes)
    found, _ = network({"input": given / DT})
    parameters = list(network.parameters())
    ours, plain = (
        torch.autograd.grad(weighed(x), parameters) for x in (found["units"], torch.stack(sent[late:]))
    )
    return zip(ours, plain, strict=True)


def largest(pairs: Iterator[tuple[Tensor, Tensor]]) -> float:
    """The largest difference, relative to the largest of its kind."""
    return max(float((ours - true).abs().max() / true.abs().max()) for ours, true in pairs)


def main() -> None:
    """Run all and print the table."""
    table = Table("gradients of input, weights and constants", "held to", "largest error")
    for name, make in DELIVERING.items():
        table.add_row(name, "differences", f"{largest(delivered(make)):.1e}")
    for name, neuron in RECURRENT.items():
        table.add_row(f"recurrent {name}", "plain loop", f"{largest(recurrent(neuron)):.1e}")
    Console().print(table)


if __name__ == "__main__":
    main()
