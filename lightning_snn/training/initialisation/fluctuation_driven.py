"""Weights at which fluctuations drive the neurons."""

from lightning_snn.core import checks
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.initialisation.drawn import DrawnInitialisation, Moments
from lightning_snn.training.initialisation.initialisation import trained_in
from lightning_snn.training.initialisation.membrane import fan_in, membrane, of_units


class FluctuationDriven(DrawnInitialisation):
    """Weights at which the potential has a given mean, and lies ``xi`` deviations below threshold.

    With n inputs that spike at random at the rate nu, and what a spike evokes in the membrane, eps(t),
    weights of mean m and deviation s give the potential, without resets, the mean ``n m nu int(eps)`` and
    the variance ``n (m^2 + s^2) nu (1 - nu dt) int(eps^2)``: a step holds one spike of a source at most,
    which the factor ``1 - nu dt`` is for. They are solved for m and s. The integrals are those of each
    target's own neurons, kinetics and gain at this step; see `membrane`.

    Where several connections lead to a layer, each gives a share of mean and variance: recurrent ones (those
    that arrive a step later) ``recurrent_share`` of it together, the others the rest, equally. Neurons are
    taken as linear below threshold.

    Args:
        xi: Distance from mean to threshold in deviations of the potential; 1 to 3 in the paper.
        rate: Rate in Hz at which every source is assumed to spike.
        input_rate: That of the input layers; by default ``rate``.
        mean: Mean potential, in units of the distance from rest to threshold.
        recurrent_share: Share of the variance that recurrent connections give, where there are both.
        duration: Time in ms after which what a spike evokes counts no more, such as that of a presentation;
            None: neurons must forget by themselves.

    Raises:
        ValueError: if a number is out of range.

    Source: Rossbroich, Gygax and Zenke, Neuromorph. Comput. Eng. 2 (2022), 044016, section 2.
    """

    def __init__(
        self,
        xi: float = 1.0,
        *,
        rate: float = 20.0,
        input_rate: float | None = None,
        mean: float = 0.0,
        recurrent_share: float = 0.1,
        duration: float | None = None,
    ) -> None:
        checks.positive("xi", xi)
        checks.positive("rate", rate)
        if input_rate is not None:
            checks.positive("input_rate", input_rate)
        checks.finite("mean", mean)
        if mean >= 1:
            raise ValueError(f"mean must lie below 1, the threshold, got {mean}")
        checks.between("recurrent_share", recurrent_share, 0, 1)
        if duration is not None:
            checks.positive("duration", duration)
        self.xi, self.rate, self.mean, self.duration = xi, rate, mean, duration
        self.input_rate = rate if input_rate is None else input_rate
        self.recurrent_share = recurrent_share

    def moments(self, network: SpikingNetwork, name: str, projection: WeightedProjection) -> Moments:
        """See the class.

        Raises:
            ValueError: if a rate is above one spike a step, or the mean leaves no room for a variance.
        """
        evoked = membrane(network, name, projection, self.duration)
        distance, area, energy = (of_units(projection, values) for values in evoked)
        inputs, share = fan_in(projection), self._share(network, name)
        rate = self._rate(network, name)
        mean = share * self.mean * distance / (inputs * rate * area)
        variance = share * ((1 - self.mean) * distance / self.xi).square()
        square = variance / (inputs * rate * (1 - rate * network.dt) * energy) - mean.square()
        if bool((square < 0).any()):
            raise ValueError(
                f"initialisation.mean = {self.mean} leaves no variance to the weights of {network.key(name)} "
                f"at xi = {self.xi}: give it nearer to 0, or a lower xi"
            )
        return Moments(mean, square.sqrt())

    def _rate(self, network: SpikingNetwork, name: str) -> float:
        """Spikes of a source per ms."""
        given = network.connection(name).source in network.inputs
        word, rate = ("input_rate", self.input_rate) if given else ("rate", self.rate)
        if rate * network.dt >= 1000:
            raise ValueError(
                f"initialisation.{word} must be below one spike a step, {1000 / network.dt:g} Hz, "
                f"got {rate:g}"
            )
        return rate / 1000

    def _share(self, network: SpikingNetwork, name: str) -> float:
        """Share of the potential's mean and variance that a connection gives."""
        target, late = network.connection(name).target, network.is_late(name)
        beside = [n for n in trained_in(network, {}) if network.connection(n).target == target]
        alike = sum(network.is_late(other) == late for other in beside)
        if alike == len(beside):
            return 1 / alike
        return (self.recurrent_share if late else 1 - self.recurrent_share) / alike
