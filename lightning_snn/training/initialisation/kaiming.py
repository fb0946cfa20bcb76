"""Weights scaled to the threshold and to what a spike evokes."""

from lightning_snn.core import checks
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.initialisation.drawn import DrawnInitialisation, Moments
from lightning_snn.training.initialisation.membrane import fan_in, membrane, of_units


class Kaiming(DrawnInitialisation):
    """Weights of variance ``scale / n`` for n inputs, in the target's own units.

    A source that spikes in every step must count as 1, and a potential at threshold as 1: so weights are
    multiplied by the distance from rest to threshold, and divided by the potential that a spike in every
    step evokes at weight 1 in the end. That is ``int(eps) / dt`` of each target's own neurons, kinetics and
    gain; see `membrane`.

    Args:
        scale: Variance times fan-in: 2 for rectified activity. Spikes that are rare need more.
        duration: As in `FluctuationDriven`.

    Raises:
        ValueError: if a number is not positive.

    Source: He et al., ICCV (2015), equation 10.
    """

    def __init__(self, scale: float = 2.0, *, duration: float | None = None) -> None:
        checks.positive("scale", scale)
        if duration is not None:
            checks.positive("duration", duration)
        self.scale, self.duration = scale, duration

    def moments(self, network: SpikingNetwork, name: str, projection: WeightedProjection) -> Moments:
        """See the class."""
        evoked = membrane(network, name, projection, self.duration)
        distance, area, _ = (of_units(projection, values) for values in evoked)
        deviation = (self.scale / fan_in(projection)).sqrt() * distance / (area / network.dt)
        return Moments(deviation.new_zeros(()), deviation)
