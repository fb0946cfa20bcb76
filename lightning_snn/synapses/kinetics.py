"""What a spike becomes at a synapse over time."""

import math
from abc import ABC, abstractmethod

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import mean_of_decay
from lightning_snn.ops.exponential_filter import exponential_filter


class Kinetics(Configurable, ABC):
    """Time course of the current that a spike causes; without one, all of it arrives in one step."""

    @abstractmethod
    def rest(self, batch: int, num_post: int, like: Tensor) -> Tensors:
        """State before any spike, each tensor ``[batch, ...]``, on the device of ``like``."""

    @abstractmethod
    def run(self, current: Tensor, state: Tensors, *, dt: float) -> tuple[Tensor, Tensors]:
        """Current over time.

        Args:
            current: Gain times weight of the spikes that arrive in each step ``[T, B, num_post]``.
            state: State before the first step.
            dt: Step in ms.

        Returns:
            Current ``[T, B, num_post]``, its mean over each step, and the state after the last step.
        """


class ExponentialCurrent(Kinetics):
    """A spike's current decays exponentially; a weight is the current right after it, its charge ``w tau``.

        tau di/dt = -i,    i <- i + w at a spike

    Args:
        tau: Time constant in ms.

    Raises:
        ValueError: if ``tau`` is not positive.

    Source: Gerstner et al., Neuronal Dynamics (2014), section 3.1. A spike comes at the start of a step,
    ``i_t = i_(t-1) exp(-dt / tau) + x_t``, and the mean of the current over the step is held for it, so
    that the charge is exact at any ``dt``.
    """

    def __init__(self, tau: float = 5.0) -> None:
        checks.positive("tau", tau)
        self.tau = tau

    def rest(self, batch: int, num_post: int, like: Tensor) -> Tensors:
        """No current ``[batch, num_post]``."""
        return {"current": like.new_zeros(batch, num_post)}

    def run(self, current: Tensor, state: Tensors, *, dt: float) -> tuple[Tensor, Tensors]:
        """See `Kinetics.run`."""
        filtered = exponential_filter(current, state["current"], math.exp(-dt / self.tau))
        return filtered * mean_of_decay(self.tau, dt), {"current": filtered[-1].clone()}
