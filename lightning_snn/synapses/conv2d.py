"""Convolution: the same weights at every place of a grid."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.geometry import Sheet
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.initial import initial_wiring
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.weighted import Efficacy, WeightedProjection
from lightning_snn.synapses.windows import windows_over


class Conv2d(WeightedProjection):
    """Maps to maps; the weights ``[K, C k k]`` of K maps are shared by the H' x W' places of their neurons.

    Both layers are laid out ``[maps, rows, columns]``, as the geometry `Maps` is: the layer above has
    ``K = num_post / (H' W')`` maps, ``H' = (H + 2 padding - kernel_size) // stride + 1``, W' likewise.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons; a network fills it in.
        kernel_size: Side k of the window that a neuron sees in each map.
        in_shape: ``(C, H, W)`` of the source; by default that of its `Maps`.
        below: The sheet of the source; a network fills it in.
        stride: Neurons from one window to the next.
        padding: Rows and columns of silent neurons around each map.
        rule: Rule that wires the projection; it sees all places, which share what it learns.
        homeostasis: What keeps weights and activity in bounds beside the rule.
        gain: As in `Dense`.
        efficacy: As in `Dense`.
        trainable: Whether gradients reach the weights.
        seed: Seed of the first weights; by default the network's, or one by torch's generator.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, or the sizes do not fit the layers.
    """

    each_step_alone = True
    has_fields = False
    topographic = True
    stream: RandomStream

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        kernel_size: int,
        in_shape: tuple[int, int, int] | None = None,
        below: Sheet | None = None,
        stride: int = 1,
        padding: int = 0,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        efficacy: Efficacy | None = None,
        trainable: bool = False,
        seed: int | None = None,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        checks.count("num_post", num_post)
        windows = windows_over(num_pre, in_shape, kernel_size, stride, padding, below=below)
        rows, columns = windows.grid
        if num_post % windows.places:
            raise ValueError(
                f"num_post must be a multiple of the {rows} x {columns} = {windows.places} places of a map, "
                f"got {num_post}"
            )
        num_maps, fan_in = num_post // windows.places, windows.in_shape[0] * kernel_size**2
        stream = stream_of("weights", seed)
        start = initial_wiring(fan_in, num_maps, rule, homeostasis, stream.torch())
        super().__init__(
            num_pre, num_post, start, rule=rule, homeostasis=homeostasis, gain=gain,
            efficacy=efficacy, trainable=trainable, delay=delay, kinetics=kinetics, norm=norm,
            dropout=dropout, channels=num_maps,
        )  # fmt: skip
        self.windows = windows
        self.places = windows.places
        self.num_maps = num_maps
        self.stream = stream

    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` from spikes ``[..., num_pre]``; spikes may be graded."""
        self.check_spikes(spikes)
        w = self.windows
        kernel = self.efficacy().view(self._kernel_shape)
        maps = F.conv2d(w.maps(spikes), kernel, stride=w.stride, padding=w.padding)
        return maps.reshape(*spikes.shape[:-1], self.num_post)

    @property
    def filters(self) -> Tensor:
        """The weights ``[K, C, k, k]``, detached."""
        return self.weight.detach().view(self._kernel_shape)

    @property
    def _kernel_shape(self) -> tuple[int, int, int, int]:
        w = self.windows
        return self.num_maps, w.in_shape[0], w.size, w.size

    def initial(self) -> Tensors:
        """``weight [K, C k k]`` and the variables that the projection started from."""
        fan_in, generator = self.weight.shape[1], self.stream.torch()
        return initial_wiring(fan_in, self.num_maps, self.rule, self.homeostasis, generator)

    def fields(self, spikes: Tensor) -> Tensor:
        """The window of each place ``[..., H' W', C k k]`` from spikes ``[..., num_pre]``."""
        return self.windows.inputs(spikes)

    def units(self, spikes: Tensor) -> Tensor:
        """The neurons of all maps at each place ``[..., H' W', K]`` from spikes ``[..., num_post]``."""
        return spikes.reshape(*spikes.shape[:-1], self.num_maps, self.places).transpose(-1, -2)

    @property
    def place_positions(self) -> Tensor:  # type: ignore[override]
        """Row and column of each place ``[H' W', 2]``."""
        rows, columns = (torch.arange(side, device=self.weight.device) for side in self.windows.grid)
        return torch.cartesian_prod(rows, columns)

    @property
    def connected(self) -> Tensor:
        """None.

        Raises:
            ValueError: always: a filter has no place in the layer below.
        """
        raise ValueError("Conv2d shares its weights between places, so no unit has a field of its own")
