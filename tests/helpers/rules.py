"""Rules that learn from the spikes of both sides, in chunks that are merged one after another."""

import torch
from helpers.tensors import spikes_of

from lightning_snn.plasticity import Activity, Streams


def trains(steps=60, rows=4, num_pre=7, num_post=3, *, share=0.2):
    """Spikes of inputs ``[T, R, pre]`` and of units ``[T, R, post]``."""
    pre = spikes_of(steps, rows, num_pre, share=share)
    return pre, spikes_of(steps, rows, num_post, share=share, seed=1)


def start(rule, num_pre=7, num_post=3, seed=0):
    """The wiring that a rule begins with."""
    return rule.initial(num_pre, num_post, torch.Generator().manual_seed(seed))


def learn(rule, wiring, pre, post, *, chunks=1, places=1, rewards=None, streams=None):
    """The wiring after some chunks, each merged.

    ``rewards`` holds ``[S]``, ``[T, S]`` or None for each chunk. A process with a part of the streams takes
    its rows of ``pre`` and ``post``, and its rewards.
    """
    rewards = rewards or [None] * chunks
    streams = streams or Streams(pre.shape[1] // places)
    rows = streams.rows(places)
    own, mine = (slice(part.first, part.first + part.count) for part in (rows, streams))
    state = rule.open(wiring, rows.count)
    chunks = (x[:, own].chunk(len(rewards)) for x in (pre, post))
    for before, after, reward in zip(*chunks, rewards, strict=True):
        reward = None if reward is None else reward[..., mine]
        proposal, state = rule.learn(Activity(before, after, places, reward), wiring, state)
        wiring = rule.merge(wiring, proposal, rows, len(before))
    return wiring


def learn_weight(rule, weight, pre, post, **options):
    """The weights ``[post, pre]`` after some chunks, each merged, of a rule whose wiring is nothing else."""
    return learn(rule, {"weight": weight}, pre, post, **options)["weight"]
