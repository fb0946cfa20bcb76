"""Rewards in time: what a unit of eligibility earns from the rewards of a chunk."""

import math

import torch
from torch import Tensor

from lightning_snn.ops.exponential_filter import exponential_filter
from lightning_snn.plasticity.activity import Activity


def rewards_of(activity: Activity, like: Tensor) -> Tensor:
    """The rewards of a chunk, ``[S]`` at its end or ``[T, S]`` in each step; 0 where there are none.

    Their number format is that of ``like``.

    Raises:
        ValueError: if they have another shape.
    """
    steps, rows = activity.pre.shape[:2]
    streams, reward = rows // activity.places, activity.reward
    if reward is None:
        return like.new_zeros(streams)
    if reward.shape not in ((streams,), (steps, streams)):
        raise ValueError(
            f"reward must be one number a stream, [{streams}], or one for each of the steps too, "
            f"[{steps}, {streams}], got {list(reward.shape)}"
        )
    return reward.to(like)


def in_steps(reward: Tensor, steps: int) -> Tensor:
    """Rewards ``[T, S]`` from those of the end ``[S]``, or as they are."""
    return torch.cat([reward.new_zeros(steps - 1, len(reward)), reward[None]]) if reward.ndim == 1 else reward


def lasting(
    reward: Tensor, trace: Tensor, *, dt: float, tau_reward: float, tau_eligibility: float
) -> tuple[Tensor, Tensor]:
    """Rewards that decay, as pulses that act alike in each step on an eligibility that decays meanwhile.

        d_t = exp(-dt / tau_reward) d_(t-1) + r_t,
        the integral over the step of  d_t exp(-s / tau_reward) / tau_reward exp(-s / tau_eligibility)

    Args:
        reward: Rewards ``[T, S]``.
        trace: d before the first step ``[S]``.
        dt: Step in ms.
        tau_reward: Time constant of d in ms.
        tau_eligibility: That of the eligibility in ms.

    Returns:
        The pulses ``[T, S]``, and d after the last step.
    """
    found = exponential_filter(reward[..., None], trace[:, None], math.exp(-dt / tau_reward))[..., 0]
    rate = 1 / tau_reward + 1 / tau_eligibility
    return found * (-math.expm1(-dt * rate) / (rate * tau_reward)), found[-1].clone()


def earnings(reward: Tensor, decay: float) -> Tensor:
    """What eligibility of 1 earns from its step on, ``e_t = r_t + decay e_(t+1)``: ``[T, S]``.

    >>> earnings(torch.tensor([[1.0], [0.0], [4.0]]), 0.5).flatten()
    tensor([2., 2., 4.])
    """
    late = reward.flip(0)[..., None]
    return exponential_filter(late, torch.zeros_like(late[0]), decay)[..., 0].flip(0)
