"""Pair STDP over a window against SpikingJelly, and self-organisation against its limits."""

import math
import time
from functools import partial

import torch
from measure import Row, Work, Worker, alternate
from torch import Tensor, nn

STEPS, BATCH, NUM_PRE, NUM_POST = 100, 32, 784, 400
PROBABILITY = 0.05
TAU = 20.0


def spikes() -> tuple[Tensor, Tensor]:
    """Pre- and postsynaptic spikes."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((STEPS, BATCH, NUM_PRE), (STEPS, BATCH, NUM_POST))
    return tuple((torch.rand(shape, generator=generator) < PROBABILITY).float() for shape in shapes)


def ours() -> Work:
    """Both pair sums and the additive weight change."""
    from lightning_snn.ops.stdp_window import stdp_window

    pre, post = spikes()
    decay = math.exp(-1 / TAU)

    def work() -> Tensor:
        traces = (torch.zeros(BATCH, NUM_PRE), torch.zeros(BATCH, NUM_POST))
        found = stdp_window(pre, post, *traces, pre_decay=decay, post_decay=decay)
        return 0.01 * found.potentiation - 0.01 * found.depression

    return work


class _Given(nn.Module):
    """A neuron that fires as told."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, current: Tensor) -> Tensor:
        """The given spikes."""
        del current
        return self.output


def spikingjelly() -> Work:
    """STDPLearner over the same spikes; the layer runs before, only the learner is worked out here."""
    from spikingjelly.activation_based import learning

    pre, post = spikes()
    synapse, neuron = nn.Linear(NUM_PRE, NUM_POST, bias=False), _Given(post)
    constant = partial(torch.full_like, fill_value=0.01)
    learner = learning.STDPLearner("m", synapse, neuron, TAU, TAU, constant, constant)

    def work() -> Tensor:
        learner.reset()
        neuron(synapse(pre))
        return learner.step(on_grad=False)

    return work


def rows(repeats: int) -> list[Row]:
    """STDP and self-organisation."""
    similarity = torch.corrcoef(torch.stack([ours()().flatten(), spikingjelly()().flatten()]))[0, 1].item()
    mine, theirs = Worker("plasticity", "ours"), Worker("plasticity", "spikingjelly")
    pair = alternate(mine, theirs, max(3, repeats // 3))
    mine.close()
    theirs.close()
    work = f"pair STDP {NUM_PRE} -> {NUM_POST}, T={STEPS}, B={BATCH}"
    note = f"correlation of the weight changes {similarity:.3f} (SpikingJelly: decay 1 - 1/tau)"
    found = [Row(work, "SpikingJelly STDPLearner", *pair.seconds, 50.0, pair.memory, note)]
    for num_pre, num_post, side, limit in ((1500, 400, 28.0, 6.0), (3000, 800, 35.0, 30.0)):
        taken, steps, share = self_organise(num_pre, num_post, side)
        work = f"self-organisation {num_pre} -> {num_post} until 90 % are localised"
        found.append(Row(work, "limit", taken, limit, 1.0, None, f"{steps:,} stream-steps, {share:.0%}"))
    return found


def self_organise(num_pre: int, num_post: int, side: float) -> tuple[float, int, float]:
    """Seconds, stream-steps and the share of localised units, with the constants of ``mnist_pooling``."""
    from lightning_snn import (
        LIF,
        STDP,
        Dense,
        Izhikevich,
        LateralKernel,
        SpikingLayer,
        SpikingNetwork,
        SpontaneousWaves,
        Square,
    )
    from lightning_snn.development.development import Development
    from lightning_snn.development.report import measure_fields
    from lightning_snn.plasticity import Streams

    streams, chunk = 8, 250
    start = time.perf_counter()
    retina = SpikingLayer(
        Square(num_pre, side), Izhikevich("heterogeneous"), lateral=LateralKernel(inhibition_range=5.0)
    )
    lgn = SpikingLayer(Square(num_post, side), LIF(10.0), projection=partial(Dense, rule=STDP()))
    network = SpikingNetwork({"retina": retina, "lgn": lgn})
    development = Development(network, "lgn", SpontaneousWaves(), Streams(streams))
    number, share = 0, 0.0
    while share < 0.9 and number < 200:
        development.round(chunk, number)
        number += 1
        if number % 4 == 0:
            found = measure_fields(development.projection, development.sheet, target_share=0.15)
            share = found["localised_share"]
    return time.perf_counter() - start, number * chunk * streams, share
