"""All benchmarks of a CUDA card in one go: prints three tables.

It has not been run on a card yet; on a CPU only Triton's interpreter and its compiler have seen the kernels.
"""
# ruff: noqa: E402 - the process is tuned before torch is imported

import math
import statistics
import sys
import time
from collections.abc import Callable

import lightning_snn

lightning_snn.tune_process()

import gpu_models
import lif
import torch
import training
from gpu_models import seconds
from rich.console import Console
from rich.table import Table


def bandwidth() -> tuple[str, str, str, str]:
    """``lif_scan`` forward as a share of the bandwidth of a copy."""
    source = torch.rand(500, 16, 16384, device="cuda")
    target, size = torch.empty_like(source), 2 * source.numel() * source.element_size()
    copied = size / seconds(lambda: target.copy_(source))
    model = lightning_snn.LIF(1 / math.log(2)).cuda()
    with torch.no_grad():
        scanned = size / seconds(lambda: model(source))
    work = "lif_scan forward, T=500 B=16 N=16384"
    return (
        work,
        f"{scanned / 1e9:.0f} GB/s",
        f"copy {copied / 1e9:.0f} GB/s",
        f"{scanned / copied:.0%} (70 %)",
    )


def both_ways() -> tuple[str, str, str, str]:
    """LIF forward and backward against the fastest backend of SpikingJelly that is installed."""
    current, weight = (x.cuda() for x in lif.data(500, 16, 16384))
    model = lightning_snn.LIF(1 / math.log(2)).cuda()

    def work(forward: Callable[[torch.Tensor], torch.Tensor]) -> None:
        leaf = current.detach().requires_grad_()
        forward(leaf).backward(weight)

    torch.cuda.reset_peak_memory_stats()
    ours = seconds(lambda: work(lambda x: model(x)[0]))
    peak = torch.cuda.max_memory_allocated() / 2**30
    title = "LIF forward + backward, the same size"
    try:
        from spikingjelly.activation_based import functional, neuron, surrogate
    except ImportError:
        return title, f"{ours * 1e3:.1f} ms, {peak:.1f} GiB", "SpikingJelly is not installed", "-"
    times = {}
    for name in ("torch", "cupy", "triton"):
        try:
            node = neuron.LIFNode(
                tau=2.0, v_reset=0.0, surrogate_function=surrogate.ATan(), detach_reset=True, step_mode="m"
            ).cuda()
            node.backend = name

            def theirs(x: torch.Tensor, node: torch.nn.Module = node) -> torch.Tensor:
                functional.reset_net(node)
                spikes: torch.Tensor = node(x)
                return spikes

            times[name] = seconds(lambda theirs=theirs: work(theirs))
        except Exception as error:
            print(f"SpikingJelly's backend {name} does not run here: {error}", file=sys.stderr)
    best = min(times, key=lambda name: times[name])
    ratio = f"{times[best] / ours:.2f} (1)"
    return title, f"{ours * 1e3:.1f} ms, {peak:.1f} GiB", f"{best} {times[best] * 1e3:.1f} ms", ratio


def sheets() -> tuple[str, str, str, str]:
    """256 streams of a sheet against the CPU of the same machine, without the noise's generation."""
    steps, streams = 100, 256
    on_card, on_cpu = (
        lightning_snn.SpikingNetwork(
            {
                "sheet": lightning_snn.SpikingLayer(
                    lightning_snn.Square(1500, 28.0),
                    lightning_snn.Izhikevich("heterogeneous"),
                    lateral=lightning_snn.LateralKernel(),
                )
            }
        )
        for _ in range(2)
    )
    with torch.no_grad():
        few = 3 * torch.randn(steps, 8, 1500)
        state = on_cpu.rest(8, few)
        times = []
        for _ in range(7):
            start = time.perf_counter()
            _, state = on_cpu(few, state)
            times.append(time.perf_counter() - start)
        cpu = 8 * steps / statistics.median(times)
        many = 3 * torch.randn(steps, streams, 1500, device="cuda")
        on_card = on_card.cuda()
        states = [on_card.rest(streams, many)]
        card = streams * steps / seconds(lambda: states.append(on_card(many, states.pop())[1]))
    work = f"sheet of 1500 nodes, {streams} streams, stream-steps a second"
    return (
        work,
        f"{card:,.0f}",
        f"CPU, {torch.get_num_threads()} threads: {cpu:,.0f}",
        f"{card / cpu:.1f} (30)",
    )


def main() -> None:
    """Run all and print the table."""
    if not torch.cuda.is_available():
        sys.exit("gpu.py needs a CUDA device, and torch finds none here")
    table = Table("work", "ours", "beside it", "ratio (at least)")
    for part in (bandwidth, both_ways, sheets):
        table.add_row(*part())
    Console(width=160).print(table)
    networks = Table("linear + neurons, there and back", "time", "peak", "rate", "beside the plain loop")
    for row in gpu_models.rows():
        networks.add_row(*row)
    Console(width=160).print(networks)
    steps = Table("training step of a whole network", "time", "peak", "beyond the bare network")
    for row in training.on_device("cuda"):
        steps.add_row(*row)
    Console(width=160).print(steps)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
