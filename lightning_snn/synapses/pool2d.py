"""Pooling: one neuron for a window of each map; nothing is learned."""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.projection import Projection
from lightning_snn.synapses.windows import windows_over

Pooling = Literal["first", "sum", "mean", "max"]


class Pool2d(Projection):
    """What the neurons of a window do together, map by map; no weights.

    ``first``: 1 at the first step of the sequence at which a neuron of the window spikes, and never again:
    the latency of the window is that of its earliest neuron. A sequence is a presentation: what came in an
    earlier call is not remembered. ``sum`` and ``mean``: the spikes of each step, summed or averaged; graded,
    for neurons that take them as a current. ``max``: the largest of each step, 1 where any neuron of the
    window spikes; its gradient reaches one of those.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons; a network fills it in.
        kernel_size: Side of a window.
        in_shape: ``(C, H, W)`` of the source, by default that of its `Maps`; the target is ``[C, H', W']``.
        below: The sheet of the source; a network fills it in.
        stride: Neurons from one window to the next; the side of a window by default.
        mode: ``first``, ``sum``, ``mean`` or ``max``.
        gain: Current of one spike that passes.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, the mode is unknown, or the sizes do not fit the layers.

    Source: Kheradpisheh et al., Neural Networks 99 (2018), section 2.3 (``first``).
    """

    topographic = True

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        kernel_size: int,
        in_shape: tuple[int, int, int] | None = None,
        below: Sheet | None = None,
        stride: int | None = None,
        mode: Pooling = "first",
        gain: float = 1.0,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        checks.one_of("mode", mode, get_args(Pooling))
        stride = kernel_size if stride is None else stride
        windows = windows_over(num_pre, in_shape, kernel_size, stride, 0, below=below)
        maps, (rows, columns) = windows.in_shape[0], windows.grid
        if num_post != maps * windows.places:
            raise ValueError(
                f"num_post must be {maps} x {rows} x {columns} = {maps * windows.places}, a neuron for each "
                f"window of each map, got {num_post}"
            )
        super().__init__(
            num_pre, num_post, gain=gain, delay=delay, kinetics=kinetics, norm=norm, dropout=dropout,
            channels=maps,
        )  # fmt: skip
        self.windows = windows
        self.mode = mode
        self.whole_sequences |= mode == "first"

    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` from spikes ``[..., num_pre]``; ``first`` takes ``[T, B, num_pre]``.

        Raises:
            ValueError: if the spikes are of another size, or have no time or other values than 0 and 1 in
                the mode ``first``.
        """
        self.check_spikes(spikes)
        w = self.windows
        if self.mode == "first":
            checks.spikes("spikes", spikes, user="mode 'first'")
            return self.gain * self._first(spikes)
        if self.mode == "max":
            pooled = F.max_pool2d(w.maps(spikes), w.size, w.stride)
        else:
            divisor = 1 if self.mode == "sum" else w.size**2
            pooled = F.avg_pool2d(w.maps(spikes), w.size, w.stride, divisor_override=divisor)
        return self.gain * pooled.reshape(*spikes.shape[:-1], self.num_post)

    def _first(self, spikes: Tensor) -> Tensor:
        """Rises of the largest spike of each window so far, ``[T, B, num_post]``."""
        if spikes.ndim != 3:
            raise ValueError(f"mode 'first' takes sequences [T, B, num_pre], got {list(spikes.shape)}")
        pooled = F.max_pool2d(self.windows.maps(spikes), self.windows.size, self.windows.stride)
        so_far = pooled.reshape(*spikes.shape[:2], self.num_post).cummax(0).values
        return torch.diff(so_far, dim=0, prepend=torch.zeros_like(so_far[:1]))
