"""Windows of time in which units compete, whatever the step is."""

import math

from torch import Tensor
from torch.nn.functional import pad

from lightning_snn.core.time import steps_in


def window_steps(window: float, dt: float) -> int:
    """Steps of ``dt`` ms in a window in ms; one where a step is longer.

    Raises:
        ValueError: if it is no whole number of them.

    >>> window_steps(1.0, 0.25), window_steps(1.0, 2.0)
    (4, 1)
    """
    steps = 1 if dt > window else steps_in(window, dt)
    if not steps:
        raise ValueError(f"window must be a whole number of steps of dt = {dt} ms, got {window} ms")
    return steps


def in_windows(spikes: Tensor, steps: int, *, most: float = math.inf) -> Tensor:
    """Spikes summed up over windows of some steps; the last window is as long as what is left.

    Args:
        spikes: Spikes ``[T, R, N]``.
        steps: Steps of a window.
        most: What counts of a sum at most.

    Returns:
        ``[ceil(T / steps), R, N]``; windows of one step are the spikes themselves.

    >>> in_windows(Tensor([1, 0, 1, 1, 1]).reshape(5, 1, 1), 2).flatten().tolist()
    [1.0, 2.0, 1.0]
    """
    if steps == 1:
        return spikes
    whole = pad(spikes, (0, 0, 0, 0, 0, -len(spikes) % steps))
    return whole.reshape(-1, steps, *spikes.shape[1:]).sum(1).clamp_max(most)
