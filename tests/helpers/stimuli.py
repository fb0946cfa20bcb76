"""Stimuli without a picture."""

import torch

from lightning_snn import SpontaneousWaves
from lightning_snn.core.random import RandomStream
from lightning_snn.stimuli import Stimulus


class Noise(Stimulus):
    """Pulses that let neurons of the driven layers spike in their step, each with probability ``share``."""

    def __init__(self, share, layer=None):
        self.share = share
        self.layer = layer

    def currents(self, network, connection, *, steps, streams, round_number):
        draws = [RandomStream(0, "test").torch(number, round_number) for number in streams]
        found = {}
        for name in self.drives(network, connection):
            nodes = network.layer(name).num_nodes
            pulses = [100.0 * (torch.rand(steps, nodes, generator=draw) < self.share) for draw in draws]
            found[name] = torch.stack(pulses, dim=1)
        return found


class RewardedNoise(Noise):
    """A reward for many spikes of the layer that learns."""

    def reward(self, post, streams, round_number):
        del streams, round_number
        return post.mean((0, 2))


class RewardedWaves(SpontaneousWaves):
    """Waves, and a reward for spikes in the first half of the round."""

    def reward(self, post, streams, round_number):
        del streams, round_number
        return post[: len(post) // 2].mean((0, 2)) - post[len(post) // 2 :].mean((0, 2))


class WavesRewardedInSteps(SpontaneousWaves):
    """Waves, and a reward in each step for its spikes, against their mean in the round."""

    def reward(self, post, streams, round_number):
        del streams, round_number
        counts = post.sum(2)  # whole numbers, whose sums have the same bits in any order
        return (counts - counts.sum(0) / len(counts)) / post.shape[2]


class Constant(Stimulus):
    """The same current in every stream."""

    def __init__(self, current=3.0):
        self.current = current

    def currents(self, network, connection, *, steps, streams, round_number):
        del round_number
        shape = steps, len(list(streams))
        return {
            name: torch.full((*shape, network.layer(name).num_nodes), self.current)
            for name in self.drives(network, connection)
        }
