"""A round of self-organisation where places have weights of their own, against `Dense` of the same layers."""

from functools import partial

import torch
from measure import Row, Work, Worker, alternate
from torch import Tensor

STREAMS, STEPS, NUM_POST = 8, 250, 400
RULES = ("STDP", "CompetitiveHebbian", "PairSTDP")
KINDS = {"Local": 1500, "Columns of 1 unit": 1000, "Columns of 4 units": 1000}
"""Nodes of the layer below."""

SLOWER = 1.5
"""How many times as long as with `Dense` a round may take."""


def rows(repeats: int) -> list[Row]:
    """Every kind with every rule."""
    return [_row(kind, rule, repeats) for kind in KINDS for rule in RULES]


def _row(kind: str, rule: str, repeats: int) -> Row:
    mine, dense = (Worker("places", "work", name, rule, KINDS[kind]) for name in (kind, "Dense"))
    pair = alternate(mine, dense, repeats)
    mine.close()
    dense.close()
    title = f"a round of {rule}, {STREAMS} streams of {STEPS} steps, {kind} {KINDS[kind]} -> {NUM_POST}"
    return Row(title, "ours, Dense", *pair.seconds, 1 / SLOWER, pair.memory)


def work(kind: str, rule: str, num_pre: int) -> Work:
    """Rounds of waves, one after another; returns the weights."""
    import lightning_snn as snn
    from lightning_snn.development.development import Development
    from lightning_snn.plasticity import Streams

    rules = {
        "STDP": snn.STDP(),
        "CompetitiveHebbian": snn.CompetitiveHebbian(threshold=5.0),
        "PairSTDP": snn.PairSTDP(bounds="soft"),
    }
    kinds = {
        "Dense": partial(snn.Dense),
        "Local": partial(snn.Local, radius=4.0),
        "Columns of 1 unit": partial(snn.Columns, fields=snn.ListedFields(_fields(num_pre, NUM_POST))),
        "Columns of 4 units": partial(snn.Columns, fields=snn.ListedFields(_fields(num_pre, NUM_POST // 4))),
    }
    side = (num_pre / 1.91) ** 0.5
    sheet, lateral = snn.Square(num_pre, side), snn.LateralKernel(inhibition_range=5.0)
    projection = partial(kinds[kind], rule=rules[rule])
    layers = {
        "retina": snn.SpikingLayer(sheet, snn.Izhikevich("heterogeneous"), lateral=lateral),
        "lgn": snn.SpikingLayer(snn.Square(NUM_POST, side), snn.LIF(10.0), projection=projection),
    }
    network = snn.SpikingNetwork(layers, seed=0)
    development = Development(network, "lgn", snn.SpontaneousWaves(seed=0), Streams(STREAMS))
    rounds = iter(range(10**9))

    def run() -> Tensor:
        development.round(STEPS, next(rounds))
        return development.projection.weight.detach()

    return run


def _fields(num_pre: int, count: int) -> list[list[int]]:
    """Fields of 80 to 139 nodes each, wherever they lie."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randperm(num_pre, generator=generator)[: 80 + n % 60].tolist() for n in range(count)]
