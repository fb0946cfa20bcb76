"""Stimuli without a picture."""

import torch

from lightning_snn.core.random import RandomStream
from lightning_snn.stimuli import Stimulus


class Noise(Stimulus):
    """Spikes of the first layer, drawn independently, each with probability ``share``."""

    def __init__(self, share):
        self.share = share

    def check(self, layer):
        del layer

    def run(self, layer, state, *, steps, streams, round_number):
        draws = [RandomStream(0, "test").torch(number, round_number) for number in streams]
        spikes = [(torch.rand(steps, layer.num_nodes, generator=draw) < self.share).float() for draw in draws]
        return torch.stack(spikes, dim=1), state
