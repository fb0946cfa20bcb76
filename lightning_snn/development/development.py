"""The wiring of one connection from activity, round by round; no Trainer in sight."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.evaluation import in_evaluation
from lightning_snn.core.tensors import Tensors, leaves
from lightning_snn.core.time import delayed
from lightning_snn.development.acting import later_ones, leading
from lightning_snn.development.carried import gathered, restored
from lightning_snn.development.learning import activity_of, learn_round, open_rule
from lightning_snn.network import NetworkState, Recorded, Recording, RecordingTooLargeError, SpikingNetwork
from lightning_snn.network.network import RunOptions
from lightning_snn.plasticity import LearningRule, Streams
from lightning_snn.stimuli import Stimulus
from lightning_snn.synapses import Projection, WeightedProjection
from lightning_snn.synapses.lateral_inhibition import InhibitoryProjection


class NotFiniteError(ValueError):
    """Activity or weights of a phase have become NaN or infinite: there is nothing worth going on from."""


class RoundActivity(NamedTuple):
    """Activity of one round.

    Args:
        pre: Spikes ``[T, S, N]`` of the source in the streams of this process.
        share_below: Share of that layer's neurons that spike in a step, over all processes.
        share: Share of the target's units that spike (or win) in a step, likewise.
        units: Spikes (or wins) of each unit in the round ``[(G,) K]``, over all processes.
        post: Spikes ``[T, S, N]`` of the target in the streams of this process, where its own neurons spike.
        recorded: What was recorded of these streams, if anything.
    """

    pre: Tensor
    share_below: float
    share: float
    units: Tensor | None = None
    post: Tensor | None = None
    recorded: Recorded | None = None


class Development:
    """Streams of activity through a network, and the rule that wires one connection from them.

    Each stream works on its own copy of the wiring for a round; at its end they merge. A stream is
    numbered globally, so the result depends on the number of streams but not on how they are
    distributed over processes.

    Only what leads from the layers that the stimulus drives to the connection runs. Connections that are
    wired later carry nothing.

    Args:
        network: The network.
        name: The connection that is wired.
        stimulus: What drives the network.
        streams: The streams, and which of them run here.
        projections: Projections instead of the network's own, by connection name: those of a control.
        plastic: Whether the weights change; if not, only what homeostasis regulates does.

    Raises:
        ValueError: if there is no such connection, it has no rule, or looks into fields that are not found
            yet; or if the stimulus cannot drive what leads to it, or gives no reward where one is needed.
    """

    def __init__(
        self,
        network: SpikingNetwork,
        name: str,
        stimulus: Stimulus,
        streams: Streams,
        *,
        projections: Mapping[str, WeightedProjection] | None = None,
        plastic: bool = True,
    ) -> None:
        if name not in network.learned:
            wired = list(network.connections)
            if name not in wired:
                raise ValueError(f"there is no connection {name!r}, only {', '.join(wired) or 'none'}")
            raise ValueError(f"{network.key(name)} has no rule to wire it")
        self.network, self.name, self.key = network, name, network.key(name)
        self.replaced = dict(projections or {})
        self.projections: dict[str, Projection] = network.projections | self.replaced
        self.plastic = plastic
        connection, projection = network.connection(name), self.projections[name]
        assert isinstance(projection, WeightedProjection)
        assert projection.rule is not None
        self.projection = projection
        self.rule: LearningRule = projection.rule
        self.wire = network.wire(name, projection)
        self._check_fields()
        stimulus.check(network, name)
        if self.rule.needs_reward and not stimulus.rewards:
            raise ValueError(
                f"{self.key}.rule learns from rewards, and {type(stimulus).__name__} gives "
                "none: use RewardedImages, or a Stimulus of your own with a `reward`"
            )
        self.below, self.target = connection.source, connection.target
        self.sheet = network.layer(self.below).geometry
        self.beside = {
            other: found
            for other, c in network.connections.items()
            if c.accompanies and c.target == self.target
            and isinstance(found := self.projections[other], InhibitoryProjection)
        }  # fmt: skip
        self.needs_post = self.rule.needs_post or bool(self.beside)
        self.stimulus, self.streams = stimulus, streams
        self.silent = later_ones(network, name, self.projections)
        if not self.needs_post:
            self.silent.add(name)
        self.acting = network.acting(silent=self.silent, developing=stimulus.spontaneous)
        ends = {self.below, self.target} if self.needs_post else {self.below}
        driven = stimulus.drives(network, name)
        self.layers = leading(network, driven, ends, self.acting)
        if not ends <= set(self.layers):
            raise ValueError(
                f"{type(stimulus).__name__} drives {', '.join(driven)}, and nothing that is wired leads "
                f"from there to {self.key} yet"
            )
        self.projections |= stimulus.prepare(network, name)
        self._activity = NetworkState({}, {})
        self._axons: Tensors = {}
        self._rule_state: Tensors = {}
        self._rest()
        self._before = {variable: value.clone() for variable, value in projection.wiring.items()}
        self._beside_before = {other: p.weight.detach().clone() for other, p in self.beside.items()}

    def _check_fields(self) -> None:
        finder = self.projection.found_by
        found = None if finder is None else self.projections[finder]
        if isinstance(found, WeightedProjection) and not found.wired:
            raise ValueError(
                f"{self.key} looks into fields that the connection {finder} finds, which is not wired yet"
            )

    def round_steps(self, chunk: int, left: int, number: int) -> int:
        """Steps of a round where the user asked for ``chunk``, and all streams have ``left`` to run."""
        asked = self.stimulus.steps(self.network, self.name, chunk=chunk, round_number=number)
        return min(asked, -(-left // self.streams.total))

    @torch.no_grad()
    def round(self, steps: int, number: int, recording: Recording | None = None) -> RoundActivity:
        """Run ``steps`` steps in every stream, learn, merge and regulate.

        Args:
            steps: Steps of every stream.
            number: Number of the round, which with the stream fixes the noise.
            recording: What to record, of what runs.

        Returns:
            The spikes that it learned from, and how active the layer was.
        """
        if not self.stimulus.continues:
            self._rest()
        sent_before = self._activity.layers[self.below].spikes
        spikes, recorded = self._run(steps, number, recording)
        pre, post = spikes[self.below], spikes[self.target] if self.needs_post else None
        reward = None if post is None else self.stimulus.reward(post, self.streams.numbers, number)
        sent = delayed(pre, sent_before[:, None].to(pre))[0] if self.wire.late else pre
        arrived, self._axons = self.projection.arrive(sent, self._axons)
        activity = activity_of(self.projection, arrived, post, reward)
        rise = self.projection.threshold_rise
        self._rule_state, share, units = learn_round(
            self.projection, self.rule, activity, self._rule_state, self.streams,
            dt=self.network.dt, plastic=self.plastic,
        )  # fmt: skip
        self._raise_thresholds(rise)
        if post is not None and self.plastic:
            for inhibition in self.beside.values():
                inhibition.learn(post, self.streams)
        below = self.streams.sum(pre.sum()).item() / (steps * self.streams.total * pre.shape[2])
        return RoundActivity(pre, below, share, units, post, recorded)

    def activity(self, last: RoundActivity) -> dict[str, float]:
        """Spikes of a step in the layer that is wired and in the one below, over the rounds' streams.

        Of a rule that lets units win, its winners. A layer below that sends graded values has none: theirs is
        the mean of a neuron.
        """
        layer, below = self.network.layer(self.target), self.network.layer(self.below)
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
        states = self._activity.layers
        held: dict[str, Any] = {f"layers.{name}: its state": state for name, state in states.items()}
        held[f"{self.key}: its wiring"] = self.projection.wiring
        held[f"{self.key}: the state of its rule"] = [self._rule_state, self._axons]
        for name, inhibition in self.beside.items():
            held[f"{self.network.key(name)}: its weights"] = inhibition.weight
        wrong = [not all(leaf.isfinite().all() for leaf in leaves(values)) for values in held.values()]
        found = self.streams.sum(torch.tensor(wrong, dtype=torch.int64, device=self.projection.weight.device))
        for what, count in zip(held, found.tolist(), strict=True):
            if count:
                raise NotFiniteError(
                    f"{what} must stay finite, got NaN or infinity up to step {step} of the "
                    "self-organisation. Check its input (the stimulus, the lateral coupling, the "
                    "gain), its constants and dt"
                )

    def _run(
        self, steps: int, number: int, recording: Recording | None
    ) -> tuple[dict[str, Tensor], Recorded | None]:
        """Spikes ``[steps, S, N]`` of the layers that run, by name, and what was recorded.

        Norms and dropout act as in evaluation: what a stream does depends on no other.
        """
        currents = self.stimulus.currents(
            self.network, self.name, steps=steps, streams=self.streams.numbers, round_number=number
        )
        options = RunOptions(
            layers=self.layers,
            projections=self.projections,
            silent=self.silent,
            developing=self.stimulus.spontaneous,
            noise=False,
        )
        with in_evaluation(p for p in self.projections.values() if not p.repeatable):
            if recording is not None:
                kept = recording.among(self.layers, self.acting).within(steps)
                try:
                    spikes, self._activity, recorded = self.network.run(
                        currents, self._activity, record=kept, **options
                    )
                    return spikes, recorded
                except RecordingTooLargeError:
                    pass  # nothing has run; what asked sees that nothing is recorded
            spikes, self._activity = self.network.run(currents, self._activity, **options)
            return spikes, None

    def _raise_thresholds(self, before: Tensor | None) -> None:
        """Let streams that go on feel what homeostasis has changed in this round."""
        rise, layers = self.projection.threshold_rise, self._activity.layers
        if rise is not None and before is not None and self.target in layers:
            state, neuron = layers[self.target], self.network.layer(self.target).neuron
            raised = state._replace(neurons=neuron.raise_thresholds(state.neurons, rise - before))
            self._activity = self._activity._replace(layers=layers | {self.target: raised})

    def _rest(self) -> None:
        """Forget the activity of the round before."""
        like, network = self.projection.weight.detach(), self.network
        rest = network.rest(self.streams.count, like, layers=self.layers, projections=self.projections)
        synapses = {name: state for name, state in rest.connections.items() if name in self.acting}
        self._activity = rest._replace(connections=synapses)
        self._axons = self.projection.silent_axons(self.streams.count, like, steps=self.wire.under_way)
        self._rule_state = open_rule(self.projection, self.rule, self.streams)

    def conclude(self) -> None:
        """Count the connection as wired, with what its fields are for."""
        self._count_as(wired=True)

    @torch.no_grad()
    def undo(self) -> None:
        """Put back the wiring from before."""
        self.projection.rewire(self._before)
        for name, weight in self._beside_before.items():
            self.beside[name].weight.copy_(weight)
        self._count_as(wired=False)

    def _count_as(self, *, wired: bool) -> None:
        for projection in (self.projection, *self.beside.values()):
            projection.wired.fill_(wired)
        self.network.find_fields(self.replaced or None)

    def state(self) -> list[Tensor]:
        """The state of all rows, gathered from all processes, in a fixed order."""
        return gathered(self._state, self.streams)

    def restore(self, state: list[Tensor]) -> None:
        """Take over this process's part of what `state` returned, on any number of processes.

        Raises:
            ValueError: if ``state`` is of another network or another number of streams.
        """
        layers, connections, self._rule_state, self._axons = restored(self._state, state, self.streams)
        self._activity = NetworkState(layers, connections)

    @property
    def _state(self) -> list[Any]:
        """What the streams carry from round to round."""
        return [self._activity.layers, self._activity.connections, self._rule_state, self._axons]
