"""Online training through time."""

from lightning_snn.training.online.learning import Reading
from lightning_snn.training.online.online import Online
from lightning_snn.training.online.signals import Signals, Spatial


class OTTT(Online):
    """Online training through time: the gradient passes through the layers of each step, not through time.

        dE/dW = sum_t g(t) a(t)',    a(t) = lambda a(t-1) + s(t),    g(t) = dE(t)/du(t) within step t

    a is the trace of what arrives, which stands for the past of the membrane that it drives. It is that of
    the neurons' own leak: with a soft reset and no refractory period one trace serves all synapses of a
    presynaptic neuron, as in the paper; where a spike ends what was before, or a threshold adapts, each
    synapse has its own, and the gradient is exact within the neuron. The leak of a readout over time is
    followed exactly.

    Source: Xiao et al., Online training through time for spiking neural networks, NeurIPS (2022).
    """

    def signals(self, reading: Reading) -> Signals:
        """See `Online.signals`."""
        del reading
        return Spatial()
