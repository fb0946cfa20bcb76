"""A round of a rule in groups of units with weights of their own: at once where it can, else one by one."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.homeostasis import Homeostasis
from lightning_snn.plasticity.rule import LearningRule
from lightning_snn.plasticity.streams import Streams


class Learned(NamedTuple):
    """What a round made of the wiring.

    Args:
        wiring: The wiring ``[(G,) ...]``.
        stream: The stream state ``[R, (G,) ...]``.
        spikes: Spikes of each unit ``[(G,) K]``, summed over the rows of all processes.
    """

    wiring: Tensors
    stream: Tensors
    spikes: Tensor


def open_groups(rule: LearningRule, wiring: Tensors, num_rows: int, num_inputs: int) -> Tensors:
    """The stream state of a rule before its first chunk, for ``weight [K, F]`` or ``[G, K, F]``."""
    if rule.takes_groups:
        opened: Tensors = rule.open(wiring, num_rows, num_inputs)  # type: ignore[call-arg]
        return opened
    if wiring["weight"].ndim == 2:
        return rule.open(wiring, num_rows)
    return stack([rule.open(part, num_rows) for part in unstack(wiring)], dim=1)


def learn_groups(
    rule: LearningRule, activity: Activity, wiring: Tensors, stream: Tensors, rows: Streams
) -> Learned:
    """Learn from one chunk and merge.

    Args:
        rule: The rule.
        activity: The chunk, with ``nodes`` where there are groups.
        wiring: The wiring before.
        stream: The stream state before.
        rows: The rows of all processes.

    Raises:
        ValueError: if the rule does not say which units spiked.
    """
    if activity.nodes is None or rule.takes_groups:
        return _learn(rule, activity, wiring, stream, rows)
    streams = unstack(stream, dim=1) if stream else [{}] * len(activity.nodes)
    parts = zip(activity.groups(), unstack(wiring), streams, strict=True)
    found = [_learn(rule, *part, rows) for part in parts]
    wirings, after, spikes = zip(*found, strict=True)
    return Learned(stack(list(wirings)), stack(list(after), dim=1), torch.stack(spikes))


def regulate_groups(
    regulator: Homeostasis, wiring: Tensors, spikes: Tensor, time: float, rows: int
) -> Tensors:
    """The wiring after a regulator has seen a round's spikes ``[(G,) K]``; see `Homeostasis.regulate`."""
    if regulator.takes_groups or spikes.ndim == 1:
        return regulator.regulate(wiring, spikes, time, rows)
    parts = zip(unstack(wiring), spikes, strict=True)
    return stack([regulator.regulate(*part, time, rows) for part in parts])


def _learn(
    rule: LearningRule, activity: Activity, wiring: Tensors, stream: Tensors, rows: Streams
) -> Learned:
    proposal, stream = rule.learn(activity, wiring, stream)
    merged = wiring | rule.merge(wiring, proposal, rows, len(activity.pre))
    if "spikes" not in proposal:
        raise ValueError(
            f"{type(rule).__name__}.learn must propose `spikes` [R, K] of every unit, got {sorted(proposal)}"
        )
    return Learned(merged, stream, rows.sum(proposal["spikes"].sum(0)))


def stack(parts: list[Tensors], dim: int = 0) -> Tensors:
    """What belongs to several groups as one, the group as a dimension of its own."""
    return {name: torch.stack([part[name] for part in parts], dim) for name in parts[0]}


def unstack(whole: Tensors, dim: int = 0) -> list[Tensors]:
    """What belongs to each group: inverse of `stack`."""
    groups = zip(*(value.unbind(dim) for value in whole.values()), strict=True)
    return [dict(zip(whole, values, strict=True)) for values in groups]
