"""The spontaneous waves of a sheet at other densities, excitations and steps, and the fields that they wire.

python recipes/waves.py [--seeds 3]
"""

import sys
from functools import partial

import torch

import lightning_snn as snn
from lightning_snn.cli.arguments import take_count
from lightning_snn.development.report import measure_fields
from lightning_snn.metrics.functional.waves import find_waves

MS, SETTLING, STREAMS = 3000, 300, 8

THIN = 500
"""Nodes, chosen by chance, on which waves are looked for, so that density does not link what is apart."""

LIF = snn.LIF(20.0, threshold=15.0, resistance=20.504, adaptation=10.0, tau_adaptation=100.0, refractory=3.0)
"""The neurons of mnist_pooling_lif."""

REFRACTORY = snn.Izhikevich("heterogeneous", refractory=5.0, clip_peak=True)

DENSITIES = [(nodes, 5.0) for nodes in (500, 1000, 1500, 3000, 6000, 12000)] + [(1500, 4.0), (1500, 6.0)]
"""Nodes on 28 x 28, and the excitation."""

STEPS = (1.0, 0.5, 0.25, 0.1)


def network(
    seed: int, nodes: int = 1500, *, excitation: float = 5.0, reach: float = 5.0,
    neuron: snn.NeuronModel | None = None, dt: float = 1.0,
) -> snn.SpikingNetwork:  # fmt: skip
    """A sheet that makes waves, and 100 units that they wire."""
    kernel = snn.LateralKernel(excitation, inhibition_range=reach)
    neuron = neuron or snn.Izhikevich("heterogeneous")
    sheet = snn.SpikingLayer(snn.Square(nodes, 28.0), neuron, lateral=kernel, lateral_active="development")
    wiring = partial(snn.Dense, rule=snn.STDP())
    units = snn.SpikingLayer(snn.Square(100, 28.0), snn.LIF(10.0), projection=wiring)
    return snn.SpikingNetwork({"sheet": sheet, "units": units}, dt=dt, seed=seed)


def waves(of: snn.SpikingNetwork, stimulus: snn.SpontaneousWaves) -> dict[str, float]:
    """Rate in Hz, waves a second, their mean size (share of the sheet) and the speed of their fronts."""
    stimulus.draw(int(of.seed), "units")
    couplings = stimulus.prepare(of, "units")
    ms, settling = (round(time / of.dt) for time in (MS, SETTLING))
    noise = stimulus.currents(of, "units", steps=ms, streams=range(STREAMS), round_number=0)
    with torch.no_grad():
        spikes, _ = of.run(noise, layers=["sheet"], projections=couplings, developing=True)
    seen, sheet = spikes["sheet"][settling:], of.layer("sheet").geometry
    chosen = torch.randperm(sheet.num_nodes, generator=torch.Generator().manual_seed(0))[:THIN]
    thin = sheet.moved(sheet.positions[chosen])
    found = find_waves(seen[:, :, chosen], thin, radius=3.0, gap=4.0, least_nodes=THIN // 50, dt=of.dt)
    seconds = STREAMS * (MS - SETTLING) / 1000
    return {
        "Hz": seen.mean().item() * 1000 / of.dt,
        "waves / s": len(found.nodes) / seconds,
        "size": found.nodes.float().mean().item() / THIN,
        "units / ms": found.front_speed.nanmedian().item(),
    }


def fields(of: snn.SpikingNetwork, stimulus: snn.SpontaneousWaves) -> dict[str, float]:
    """What waves wire in 80 s of all streams: share of localised units, and their mean field in nodes."""
    steps = round(80_000 / of.dt)
    snn.self_organize(
        of, stimulus=stimulus, max_steps=steps, chunk=round(250 / of.dt), stop_at=1.0, progress=False
    )
    projection = of.weighted["units"]
    found = measure_fields(projection, of.layer("sheet").geometry, target_share=0.15)
    return {"localised": 100 * found["localised_share"], "field": found["field_size"]}


def row(label: str, runs: list[dict[str, float]]) -> str:
    """Means and standard deviations over the seeds."""
    cells = []
    for name in runs[0]:
        values = torch.tensor([run[name] for run in runs])
        spread = f" ± {values.std():.2g}" if len(values) > 1 else ""
        cells.append(f"{values.mean():.3g}{spread}")
    return f"| {label} | " + " | ".join(cells) + " |"


def heading(label: str, runs: list[dict[str, float]]) -> str:
    """The first lines of a table."""
    return f"| {label} | " + " | ".join(runs[0]) + " |\n|" + " --- |" * (len(runs[0]) + 1)


def density_table(seeds: int, rate: float | None) -> None:
    """Print the table of densities and excitations."""
    for place, (nodes, excitation) in enumerate(DENSITIES):
        each = [network(s, nodes, excitation=excitation) for s in range(seeds if nodes < 5000 else 1)]
        runs = [waves(of, snn.SpontaneousWaves(rate=rate)) for of in each]
        if not place:
            print(heading(f"nodes, excitation (rate = {rate})", runs))
        print(row(f"{nodes:,}, {excitation:g}", runs), flush=True)


def step_table(seeds: int, name: str, neuron: snn.NeuronModel, reach: float, rate: float | None) -> None:
    """Print the table of steps."""
    for place, dt in enumerate(STEPS):
        make = partial(network, neuron=neuron, reach=reach, dt=dt)
        runs = [
            waves(make(seed), snn.SpontaneousWaves(rate=rate))
            | fields(make(seed), snn.SpontaneousWaves(rate=rate))
            for seed in range(seeds)
        ]
        if not place:
            print(heading(f"{name}: dt in ms", runs))
        print(row(f"{dt:g}", runs), flush=True)


if __name__ == "__main__":
    seeds, others = take_count(sys.argv[1:], "--seeds", default=1, least=1)
    if others:
        raise SystemExit(f"unknown option {others[0]}")
    density_table(seeds, None)
    density_table(seeds, 8.0)
    step_table(seeds, "LIF", LIF, 8.0, None)
    step_table(seeds, "Izhikevich, refractory 5 ms, clip_peak, rate = 6", REFRACTORY, 5.0, 6.0)
