"""The wiring of one projection from activity, round by round; no Trainer in sight."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors, leaves, rebuilt
from lightning_snn.development.learning import activity_of, learn_round, open_rule
from lightning_snn.network import LayerState, SpikingStack
from lightning_snn.plasticity import LearningRule, Streams
from lightning_snn.stimuli import Stimulus
from lightning_snn.synapses import Projection


class NotFiniteError(ValueError):
    """Activity or weights of a phase have become NaN or infinite: there is nothing worth going on from."""


class RoundActivity(NamedTuple):
    """Activity of one round.

    Args:
        pre: Spikes ``[T, S, N]`` of the layer below in the streams of this process.
        share_below: Share of that layer's neurons that spike in a step, over all processes.
        share: Share of the layer's own units that spike (or win) in a step, likewise.
    """

    pre: Tensor
    share_below: float
    share: float


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
        projections: Projections instead of the stack's own, by layer name: those of a control.
        plastic: Whether the weights change; if not, only what homeostasis regulates does.

    Raises:
        ValueError: if the layer's projection has no rule, or the stimulus cannot drive the first layer or
            gives no reward where the rule needs one.
    """

    def __init__(
        self,
        stack: SpikingStack,
        name: str,
        stimulus: Stimulus,
        streams: Streams,
        *,
        projections: Mapping[str, Projection] | None = None,
        plastic: bool = True,
    ) -> None:
        stimulus.check(stack.bottom)
        self.projections = stack.projections | dict(projections or {})
        self.plastic = plastic
        projection = self.projections[name]
        if projection.rule is None:
            raise ValueError(f"layers.{name}.projection has no rule to wire it")
        if projection.rule.needs_reward and not stimulus.rewards:
            raise ValueError(
                f"layers.{name}.projection.rule learns from rewards, and {type(stimulus).__name__} gives "
                "none: use RewardedImages, or a Stimulus of your own with a `reward`"
            )
        self.stack = stack
        self.name = name
        self.below = stack.names[stack.names.index(name) - 1]
        self.sheet = stack.layer(self.below).geometry
        self.projection = projection
        self.rule: LearningRule = projection.rule
        self.inhibition = stack.layer(name).learned_lateral
        self.needs_post = self.rule.needs_post or self.inhibition is not None
        self.stimulus = stimulus
        self.streams = streams
        self._layers: dict[str, LayerState] = {}
        self._axons: Tensors = {}
        self._rule_state: Tensors = {}
        self._rest()
        self._before = {variable: value.clone() for variable, value in projection.wiring.items()}
        self._inhibition_before = None if self.inhibition is None else self.inhibition.weight.clone()

    def round_steps(self, chunk: int, left: int) -> int:
        """Steps of a round where the user asked for ``chunk``, and all streams have ``left`` to run."""
        return min(self.stimulus.steps(chunk), -(-left // self.streams.total))

    @torch.no_grad()
    def round(self, steps: int, number: int) -> RoundActivity:
        """Run ``steps`` steps in every stream, learn, merge and regulate.

        Args:
            steps: Steps of every stream.
            number: Number of the round, which with the stream fixes the noise.

        Returns:
            The spikes that it learned from, and how active the layer was.
        """
        if not self.stimulus.continues:
            self._rest()
        pre, post = self._run(steps, number)
        reward = None if post is None else self.stimulus.reward(post, self.streams.numbers, number)
        arrived, self._axons = self.projection.arrive(pre, self._axons)
        activity = activity_of(self.projection, arrived, post, reward)
        rise = self.projection.threshold_rise
        self._rule_state, share = learn_round(
            self.projection, self.rule, activity, self._rule_state, self.streams,
            dt=self.stack.bottom.dt, plastic=self.plastic,
        )  # fmt: skip
        self._raise_thresholds(rise)
        if self.inhibition is not None and post is not None and self.plastic:
            self.inhibition.learn(post, self.streams)
        below = self.streams.sum(pre.sum()).item() / (steps * self.streams.total * pre.shape[2])
        return RoundActivity(pre, below, share)

    def activity(self, last: RoundActivity) -> dict[str, float]:
        """Spikes of a step in the layer that is wired and in the one below, over the rounds' streams.

        Of a rule that lets units win, its winners. A layer below that sends graded values has none: theirs is
        the mean of a neuron.
        """
        layer, below = self.stack.layer(self.name), self.stack.layer(self.below)
        found = {"spikes_per_step": last.share * layer.num_nodes}
        if below.neuron.graded:
            return found | {"mean_activity_below": last.share_below}
        return found | {"spikes_per_step_below": last.share_below * below.num_nodes}

    def check_finite(self, step: int) -> None:
        """Look at what the rounds so far have led to; the same on all processes.

        Args:
            step: Steps of all streams so far, for the message.

        Raises:
            NotFiniteError: if a layer's state, or what the rule keeps or learns, is not finite.
        """
        held: dict[str, Any] = {f"layers.{name}: its state": state for name, state in self._layers.items()}
        held[f"layers.{self.name}.projection: its wiring"] = self.projection.wiring
        held[f"layers.{self.name}.projection: the state of its rule"] = [self._rule_state, self._axons]
        if self.inhibition is not None:
            held[f"layers.{self.name}.lateral: its weights"] = self.inhibition.weight
        wrong = [not all(leaf.isfinite().all() for leaf in leaves(values)) for values in held.values()]
        found = self.streams.sum(torch.tensor(wrong, dtype=torch.int64, device=self.projection.weight.device))
        for what, count in zip(held, found.tolist(), strict=True):
            if count:
                raise NotFiniteError(
                    f"{what} must stay finite, got NaN or infinity up to step {step} of the "
                    "self-organisation. Check its input (the stimulus, the lateral coupling, the "
                    "gain), its constants and dt"
                )

    def _run(self, steps: int, number: int) -> tuple[Tensor, Tensor | None]:
        """Spikes ``[steps, S, N]`` of the layer below, and of the layer itself if a rule wants them."""
        bottom = self.stack.names[0]
        spikes, state = self.stimulus.run(
            self.stack.bottom,
            self._layers[bottom],
            steps=steps,
            streams=self.streams.numbers,
            round_number=number,
        )
        found, above = {bottom: spikes}, {bottom: state}
        upto = self.name if self.needs_post else self.below
        if upto != bottom:
            higher, states = self.stack.ascend(
                spikes, self._layers, projections=self.projections, upto=upto, developing=True
            )
            found, above = found | higher, above | states
        self._layers = above
        return found[self.below], found[self.name] if self.needs_post else None

    def _raise_thresholds(self, before: Tensor | None) -> None:
        """Let streams that go on feel what homeostasis has changed in this round."""
        rise, state = self.projection.threshold_rise, self._layers.get(self.name)
        if rise is not None and before is not None and state is not None:
            neurons = self.stack.layer(self.name).neuron.raise_thresholds(state.neurons, rise - before)
            self._layers = self._layers | {self.name: state._replace(neurons=neurons)}

    def _rest(self) -> None:
        """Forget the activity of the round before."""
        like, names = self.projection.weight.detach(), self.stack.names
        active = names[: names.index(self.name) + self.needs_post]
        self._layers = {
            name: self.stack.layer(name).rest(self.streams.count, like, projection=self.projections.get(name))
            for name in active
        }
        self._axons = self.projection.silent_axons(self.streams.count, like, dt=self.stack.bottom.dt)
        self._rule_state = open_rule(self.projection, self.rule, self.streams)

    def conclude(self, *, keep: bool) -> None:
        """Count the projection as wired, or put back the wiring from before."""
        if keep:
            self.projection.wired.fill_(True)
        else:
            self.projection.rewire(self._before)
            if self.inhibition is not None and self._inhibition_before is not None:
                self.inhibition.weight.copy_(self._inhibition_before)

    def state(self) -> list[Tensor]:
        """The state of all rows, gathered from all processes, in a fixed order."""
        return [self.streams.gather(leaf) for leaf in leaves(self._state)]

    def restore(self, state: list[Tensor]) -> None:
        """Take over this process's part of what `state` returned, on any number of processes.

        Raises:
            ValueError: if ``state`` is of another network or another number of streams.
        """
        own = list(leaves(self._state))
        first, count, total = self.streams.first, self.streams.count, self.streams.total
        rows = [len(leaf) // count for leaf in own]
        expected = [[total * n, *leaf.shape[1:]] for n, leaf in zip(rows, own, strict=True)]
        if [list(leaf.shape) for leaf in state] != expected:
            raise ValueError(
                "the saved state of the self-organisation is of another network or number of streams: "
                f"shapes {[list(leaf.shape) for leaf in state]}, expected {expected}"
            )
        parts = [leaf[first * n : (first + count) * n] for n, leaf in zip(rows, state, strict=True)]
        values = iter([part.to(mine.device, copy=True) for part, mine in zip(parts, own, strict=True)])
        self._layers, self._rule_state, self._axons = rebuilt(self._state, values)

    @property
    def _state(self) -> list[Any]:
        """What the streams carry from round to round."""
        return [self._layers, self._rule_state, self._axons]
