"""One round of learning in a projection, of any number of places."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity import Activity, LearningRule, Streams
from lightning_snn.plasticity.groups import learn_groups, open_groups, regulate_groups
from lightning_snn.synapses import WeightedProjection


class RoundLearned(NamedTuple):
    """What a round left.

    Args:
        stream: State of the rule, to go on from.
        share: Share of the units that spike (or win) in a step, over all streams.
        spikes: Spikes (or wins) of each unit in the round ``[(G,) K]``, over all streams.
    """

    stream: Tensors
    share: float
    spikes: Tensor


def open_rule(projection: WeightedProjection, rule: LearningRule, streams: Streams) -> Tensors:
    """The state of a projection's rule before the first round."""
    num_rows = streams.count * (projection.places if projection.groups is None else 1)
    num_inputs = projection.weight.shape[-1] if projection.groups is None else projection.num_pre
    return open_groups(rule, projection.wiring, num_rows, num_inputs)


@torch.no_grad()
def learn_round(
    projection: WeightedProjection,
    rule: LearningRule,
    activity: Activity,
    stream: Tensors,
    streams: Streams,
    *,
    dt: float,
    plastic: bool = True,
) -> RoundLearned:
    """Learn from a round, merge, regulate, and write the result into the projection.

    Args:
        projection: What is wired.
        rule: Its rule.
        activity: What the rule sees, see `activity_of`.
        stream: State of the rule.
        streams: The streams of all processes.
        dt: Step in ms.
        plastic: Whether the weights change; if not, only what homeostasis regulates does.
    """
    steps, wiring = len(activity.pre), projection.wiring
    rows = streams.rows(activity.places)
    found = learn_groups(rule, activity, wiring, stream, rows)
    after = found.wiring
    for regulator in projection.homeostasis:
        after = regulate_groups(regulator, after, found.spikes, steps * rows.total * dt, rows.total)
    fixed = {} if plastic else {"weight": wiring["weight"]}
    projection.rewire(after | fixed)
    units = steps * rows.total * projection.weight.shape[:-1].numel()
    return RoundLearned(found.stream, found.spikes.sum().item() / units, found.spikes)


def activity_of(
    projection: WeightedProjection, pre: Tensor, post: Tensor | None, reward: Tensor | None = None
) -> Activity:
    """What a rule sees of a projection: places as rows where they share weights, else as groups.

    Args:
        projection: The projection.
        pre: Spikes ``[T, S, num_pre]`` when they arrive.
        post: Spikes ``[T, S, num_post]``, if the rule needs them.
        reward: One number a stream ``[S]``, or for each step ``[T, S]``.
    """
    units = None if post is None else projection.units(post)
    if projection.groups is not None:
        return Activity(pre, units, reward=reward, nodes=nodes_of(projection))
    fields, joined = projection.fields(pre).flatten(1, 2), None if units is None else units.flatten(1, 2)
    return Activity(fields, joined, projection.places, reward, projection.place_positions)


def nodes_of(projection: WeightedProjection) -> Tensor:
    """Which nodes each place sees ``[P, F]``, and ``num_pre`` where its field has ended."""
    nodes = projection.fields(torch.arange(1, projection.num_pre + 1, device=projection.weight.device))
    return torch.where(nodes > 0, nodes - 1, projection.num_pre)
