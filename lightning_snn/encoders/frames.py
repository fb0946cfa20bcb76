"""Sequences, frame by frame: event frames, spike trains, films."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.batches import Sequences
from lightning_snn.core.charge import current_of
from lightning_snn.core.time import steps_in, within
from lightning_snn.encoders.encoder import Encoder
from lightning_snn.geometry import Sheet


class Frames(Encoder):
    """Frame t of a sequence is what step t delivers: ``bias + gain x``, and 0 behind a sequence's end.

    - ``[B, T, N]``: a value for each neuron. Spike trains (0 and 1) with the default gain are the spikes of a
      layer of `Relay` neurons.
    - ``[B, T, C, H, W]``: event frames or films, seen as images are: number for number by a geometry
      ``Maps(C, H, W)``, else at the positions of the nodes.

    Values may be of any real type, event counts too, and of any finite range. Sequences of different lengths
    come as `Sequences`, which `pad_sequences` makes of samples.

    Without ``frame_time`` a frame lasts one step and is a charge, a current of ``(bias + gain x) / dt``; with
    it, a frame is a current that is held.

    Args:
        gain: Charge, or current, for a value of 1.
        bias: That for a value of 0.
        frame_time: How long a frame is held in ms, a whole number of steps; None: for one step.

    Raises:
        ValueError: if a number is not finite, or the gain or the time not positive.

    >>> from lightning_snn.geometry import Maps
    >>> Frames(2.0).encode(torch.eye(2)[None], Maps(1, 1, 2), dt=1.0)[:, 0].tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0, *, bias: float = 0.0, frame_time: float | None = None) -> None:
        checks.positive("gain", gain)
        checks.finite("bias", bias)
        if frame_time is not None:
            checks.positive("frame_time", frame_time)
        self.gain = gain
        self.bias = bias
        self.frame_time = frame_time

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def steps(self, input: Any, *, dt: float) -> int:
        """Those of the frames of the longest sequence."""
        return _opened(input)[0].shape[1] * self._held(dt)

    def lengths(self, input: Any, *, dt: float) -> Tensor | None:
        """Steps of each sequence ``[B]``; None where the input says of none how long it is."""
        lengths = _opened(input)[1]
        return None if lengths is None else lengths * self._held(dt)

    def encode(
        self, input: Any, sheet: Sheet, *, dt: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """Current ``[T, B, N]`` of sequences; see `Encoder.encode`.

        Raises:
            ValueError: if the input is no sequence or not finite, or its frames do not fit the sheet.
        """
        del generator
        frames, lengths = _opened(input)
        if not frames.is_floating_point():
            frames = frames.to(torch.get_default_dtype())
        current = self.bias + self.gain * _at_nodes(frames, sheet).transpose(0, 1)
        if lengths is not None:
            current = current.where(within(lengths, len(current))[..., None], 0.0)
        checks.values("sequences", current, user="Frames")
        if self.frame_time is None:
            current = current_of(current, dt)
        return current.contiguous().repeat_interleave(self._held(dt), dim=0)

    def _held(self, dt: float) -> int:
        """Steps of a frame."""
        held = 1 if self.frame_time is None else steps_in(self.frame_time, dt)
        if not held:
            raise ValueError(
                f"frame_time must be a whole number of steps of dt = {dt} ms, got {self.frame_time} ms"
            )
        return held


def _opened(input: Any) -> tuple[Tensor, Tensor | None]:
    """The frames ``[B, T, ...]``, and how many of them count ``[B]``.

    Raises:
        ValueError: if it is no sequence.
    """
    frames, lengths = input if isinstance(input, Sequences) else (input, None)
    if not isinstance(frames, Tensor) or frames.ndim not in (3, 5) or 0 in frames.shape:
        given = f"shape {list(frames.shape)}" if isinstance(frames, Tensor) else type(frames).__name__
        raise ValueError(
            f"sequences must be [B, T, N] or [B, T, C, H, W] with no empty dimension, got {given}"
        )
    if lengths is not None:
        checks.lengths(lengths, samples=frames.shape[0], steps=frames.shape[1])
    return frames, lengths


def _at_nodes(frames: Tensor, sheet: Sheet) -> Tensor:
    """Values ``[B, T, N]`` at the nodes."""
    if frames.ndim == 5:
        if not sheet.holds(tuple(frames.shape[2:])):
            return sheet.sample(frames.flatten(0, 1)).reshape(*frames.shape[:2], -1)
        frames = frames.flatten(2)
    if frames.shape[2] != sheet.num_nodes:
        raise ValueError(
            f"frames must hold a value for each of the {sheet.num_nodes} nodes of the geometry "
            f"{type(sheet).__name__}, got {frames.shape[2]} values"
        )
    return frames
