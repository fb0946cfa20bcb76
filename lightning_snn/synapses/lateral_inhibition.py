"""Inhibition inside a layer that is learned while a projection to the layer is wired."""

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import checked_delay
from lightning_snn.geometry import Sheet
from lightning_snn.plasticity import Activity, AntiHebbian, Streams
from lightning_snn.synapses.lateral import Lateral, RowProjection
from lightning_snn.synapses.weighted import WeightedProjection


class LateralInhibition(Lateral):
    """Inhibition between all neurons of a layer, 0 at first, learned from the layer's own spikes.

    Its rule runs in the rounds in which another connection to the layer is wired, beside that one's. A spike
    delivers minus their weights to the others.

    Args:
        rule: The rule; `AntiHebbian` with its defaults if none is given.
        delay: Time in ms that spikes travel, whole steps; 1 ms by default.

    Raises:
        ValueError: if the rule is one for projections, or the delay is negative.

    Source: Foldiak, Biol. Cybern. 64 (1990): Hebbian synapses from below, anti-Hebbian ones beside.
    """

    def __init__(self, rule: AntiHebbian | None = None, *, delay: float | None = None) -> None:
        if rule is not None and not rule.lateral:
            raise ValueError(
                f"lateral.rule must be a rule for connections inside a layer, such as AntiHebbian, got "
                f"{type(rule).__name__}: give that one to a projection"
            )
        self.rule = rule or AntiHebbian()
        self.delay = checked_delay(delay)

    def couple(self, sheet: Sheet) -> "InhibitoryProjection":
        """What delivers ``-w``."""
        return InhibitoryProjection(sheet.num_nodes, rule=self.rule, delay=self.delay)


class InhibitoryProjection(RowProjection, WeightedProjection):
    """Lateral inhibition with its weights ``[N, N]``.

    Args:
        num_nodes: Neurons N of the layer.
        rule: The rule that changes them.
        delay: As in `LateralInhibition`.
    """

    has_fields = False
    lateral_rule = True

    def __init__(self, num_nodes: int, *, rule: AntiHebbian, delay: float | None = None) -> None:
        start = rule.initial(num_nodes, num_nodes, torch.Generator())
        super().__init__(num_nodes, num_nodes, start, rule=rule, delay=delay)

    @property
    def rows(self) -> Tensor:  # type: ignore[override]
        """Row j ``[N]`` is the charge that a spike of neuron j delivers to each."""
        return (-self.weight.detach().t()).contiguous()

    def initial(self) -> Tensors:
        """No weights yet: zeros ``[N, N]``."""
        assert self.rule is not None
        return self.rule.initial(self.num_pre, self.num_post, torch.Generator())

    @torch.no_grad()
    def learn(self, spikes: Tensor, streams: Streams) -> None:
        """Change the weights after a round; the same on all processes.

        Args:
            spikes: Spikes ``[T, S, N]`` of the layer in the streams of this process.
            streams: The streams, and which of them run here.
        """
        assert self.rule is not None
        wiring = {"weight": self.weight.detach()}
        stream = self.rule.open(wiring, spikes.shape[1])
        proposal, _ = self.rule.learn(Activity(spikes, spikes), wiring, stream)
        self.weight.copy_(self.rule.merge(wiring, proposal, streams, len(spikes))["weight"])
