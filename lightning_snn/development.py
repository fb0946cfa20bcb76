"""The wiring of one projection from activity, round by round; no Trainer in sight."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lightning_snn import metrics
from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingStack
from lightning_snn.plasticity import LearningRule, Streams
from lightning_snn.stimuli import Stimulus
from lightning_snn.synapses import Projection


class Development:
    """Streams of activity through a stack, and the rule that wires one projection from them.

    Each stream works on its own copy of the wiring for a round; at its end they merge. A stream is
    numbered globally, so the result depends on the number of streams but not on how they are
    distributed over processes.

    Args:
        stack: The stack; its first layer is driven by ``stimulus``.
        name: Layer whose projection from below is wired.
        stimulus: What drives the first layer.
        streams: The streams, and which of them run here.

    Raises:
        ValueError: if the layer's projection has no rule, or the stimulus cannot drive the first layer.
    """

    def __init__(self, stack: SpikingStack, name: str, stimulus: Stimulus, streams: Streams) -> None:
        stimulus.check(stack.bottom)
        projection = stack.projections[name]
        if projection.rule is None:
            raise ValueError(f"layers.{name}.projection has no rule to wire it")
        self.stack = stack
        self.below = stack.names[stack.names.index(name) - 1]
        self.sheet = stack.layer(self.below).geometry
        self.projection = projection
        self.rule: LearningRule = projection.rule
        self.stimulus = stimulus
        self.streams = streams
        like = projection.weight.detach()
        names = stack.names[: stack.names.index(name)]
        self._layers = {layer: stack.layer(layer).rest(streams.count, like) for layer in names}
        self._rule_state = self.rule.open(projection.wiring, streams.count)
        self._before = {variable: value.clone() for variable, value in projection.wiring.items()}

    @torch.no_grad()
    def round(self, steps: int, number: int) -> Tensor:
        """Run ``steps`` steps in every stream, learn and merge.

        Args:
            steps: Steps of every stream.
            number: Number of the round, which with the stream fixes the noise.

        Returns:
            Presynaptic spikes ``[steps, S, pre]`` of this process's streams.
        """
        bottom = self.stack.names[0]
        spikes, state = self.stimulus.run(
            self.stack.bottom,
            self._layers[bottom],
            steps=steps,
            streams=self.streams.numbers,
            round_number=number,
        )
        above: dict[str, Any] = {}
        if self.below != bottom:
            found, above = self.stack.ascend(spikes, self._layers, upto=self.below, developing=True)
            spikes = found[self.below]
        proposal, rule_state = self.rule.learn(spikes, self.projection.wiring, self._rule_state)
        wiring = self.rule.merge(self.projection.wiring, proposal, self.streams, steps)
        self.projection.rewire(wiring)
        self._layers, self._rule_state = {bottom: state} | above, rule_state
        return spikes

    def conclude(self, *, keep: bool) -> None:
        """Count the projection as wired, or put back the wiring from before."""
        if keep:
            self.projection.wired.fill_(True)
        else:
            self.projection.rewire(self._before)

    def state(self) -> list[Tensor]:
        """The state of all streams ``[total, ...]``, gathered from all processes, in a fixed order."""
        return [self.streams.gather(leaf) for leaf in _leaves([self._layers, self._rule_state])]

    def restore(self, state: list[Tensor]) -> None:
        """Take over this process's part of what `state` returned, on any number of processes.

        Raises:
            ValueError: if ``state`` is of another network or another number of streams.
        """
        own = list(_leaves([self._layers, self._rule_state]))
        part = slice(self.streams.first, self.streams.first + self.streams.count)
        expected = [[self.streams.total, *leaf.shape[1:]] for leaf in own]
        if [list(leaf.shape) for leaf in state] != expected:
            raise ValueError(
                "the saved state of the self-organisation is of another network or number of streams: "
                f"shapes {[list(leaf.shape) for leaf in state]}, expected {expected}"
            )
        values = iter([leaf[part].to(mine.device) for leaf, mine in zip(state, own, strict=True)])
        self._layers, self._rule_state = _rebuild([self._layers, self._rule_state], values)


def measure_fields(projection: Projection, sheet: Sheet, *, target_share: float) -> dict[str, float]:
    """Field measures of a projection's units on the sheet below.

    Args:
        projection: The projection.
        sheet: Geometry of the layer below.
        target_share: A unit is localised only if its field has less than this share of the nodes.

    Returns:
        ``localised_share`` and ``coverage`` (of all units), and the means over the units that have a
        field: ``field_size`` in nodes, ``rms_radius`` in units of length, ``compactness``.
    """
    connected = projection.connected
    distances = sheet.distances().to(connected.device)
    localised = metrics.localised(
        connected, distances, density=sheet.density, target_size=target_share * sheet.num_nodes
    )
    values = {
        "localised_share": localised.float().mean(),
        "field_size": metrics.field_size(connected).mean(),
        "rms_radius": metrics.rms_radius(connected, distances).nanmean(),
        "coverage": metrics.coverage(connected),
        "compactness": metrics.compactness(connected, distances).nanmean(),
    }
    return {name: value.item() for name, value in values.items()}


def _leaves(state: Any) -> Iterator[Tensor]:
    """The tensors of nested tuples, lists and dictionaries, in order."""
    if isinstance(state, Tensor):
        yield state
    else:
        for item in state.values() if isinstance(state, dict) else state:
            yield from _leaves(item)


def _rebuild(template: Any, leaves: Iterator[Tensor]) -> Any:
    """``template`` with its tensors replaced by ``leaves``, in order."""
    if isinstance(template, Tensor):
        return next(leaves)
    if isinstance(template, dict):
        return {name: _rebuild(item, leaves) for name, item in template.items()}
    items = [_rebuild(item, leaves) for item in template]
    return type(template)(*items) if hasattr(template, "_fields") else items
