"""What projections share whose places see lists of nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.seen import seen
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.fields import Fields
from lightning_snn.synapses.initial import initial_wiring
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.weighted import Efficacy, WeightedProjection

DENSE_UP_TO = 2**24
"""Most pairs of neurons for which `connected` is written out."""


class Gathered(WeightedProjection):
    """P places with K units each, which all see the nodes of the place's field and have weights of their own.

    Memory grows with the synapses, ``P K F``. Fields are filled up to the longest one, F, with nodes that
    never spike, at weight 0. (A rule that keeps the mean weight of a unit counts these too.)

    Args:
        num_pre: Presynaptic neurons.
        num_post: Postsynaptic neurons; those of a place are neighbours, ``place K + unit``.
        nodes: Numbers of the nodes of each field.
        rule: As in `Dense`, for each place on its own.
        homeostasis: As in `Dense`.
        gain: As in `Dense`.
        efficacy: As in `Dense`.
        trainable: As in `Dense`.
        seed: As in `Dense`.
        delay: As in `Dense`.
        kinetics: As in `Dense`.
        norm: As in `Dense`.
        dropout: As in `Dense`.

    Raises:
        ValueError: if a number is out of range, or ``num_post`` is no multiple of the number of fields.
    """

    nodes: Tensor
    listed: Fields | None = None
    """Where the nodes come from; None where they were listed one by one."""
    stream: RandomStream

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        nodes: list[Tensor],
        *,
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
        checks.count("num_pre", num_pre)
        checks.count("num_post", num_post)
        if num_post % len(nodes):
            raise ValueError(
                f"num_post must be a multiple of the number of fields, {len(nodes)}, got {num_post}"
            )
        stream, sizes = stream_of("weights", seed), [len(field) for field in nodes]
        start = initial_wiring(sizes, num_post // len(nodes), rule, homeostasis, stream.torch())
        super().__init__(
            num_pre, num_post, start, rule=rule, homeostasis=homeostasis, gain=gain,
            efficacy=efficacy, trainable=trainable, delay=delay, kinetics=kinetics, norm=norm,
            dropout=dropout,
        )  # fmt: skip
        self.places = len(nodes)
        self.stream = stream
        self.register_buffer("nodes", pad_sequence(nodes, batch_first=True, padding_value=num_pre))

    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` from spikes ``[..., num_pre]``."""
        self.check_spikes(spikes)
        weights = self.efficacy()
        if self.trainable or spikes.requires_grad:
            return torch.einsum("...pf,pkf->...pk", self.fields(spikes), weights).flatten(-2)
        rows = weights.transpose(1, 2).contiguous()
        current = event_sum(spikes.reshape(-1, self.num_pre), rows, nodes=self.nodes)
        return current.reshape(*spikes.shape[:-1], self.num_post)

    def initial(self) -> Tensors:
        """``weight [P, K, F]`` and the variables that the projection started from."""
        sizes, generator = self.exists.sum(1).tolist(), self.stream.torch()
        return initial_wiring(sizes, self.weight.shape[1], self.rule, self.homeostasis, generator)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take over the fields of the file, whose longest may be of another length."""
        nodes = state_dict.get(f"{prefix}nodes")
        if nodes is not None and nodes.ndim == 2 and nodes.shape != self.nodes.shape:
            self._fit(nodes.shape[1])
        super()._load_from_state_dict(state_dict, prefix, *args)

    @torch.no_grad()
    def _fit(self, longest: int) -> None:
        """Make room for fields of up to ``longest`` nodes in all that stands for each synapse."""
        per_synapse = self.weight.shape
        for name, value in self.wiring.items():
            if value.shape == per_synapse:
                resized = value.new_zeros(*per_synapse[:-1], longest)
                if name == "weight":
                    self.weight.data = resized
                else:
                    self.variables.register_buffer(name, resized)
        self.nodes = self.nodes.new_full((self.places, longest), self.num_pre)

    @property
    def found_by(self) -> str | None:
        """See `WeightedProjection.found_by`."""
        return None if self.listed is None else self.listed.found_by

    def find(self, earlier: Mapping[str, WeightedProjection]) -> None:
        """Take over the fields that another connection has found; nothing where they were known before."""
        if self.listed is not None and self.found_by is not None:
            nodes = self.listed.nodes(self.num_pre, None, earlier)
            self.nodes.copy_(torch.stack(nodes))

    def strongest(self, size: int) -> Tensor:
        """See `WeightedProjection.strongest`."""
        self.check_fan_in(size)
        weight = self.weight.detach().masked_fill(~self.exists[:, None], -torch.inf)
        places = weight.topk(size, dim=-1).indices
        nodes = self.nodes[:, None].expand_as(weight).gather(-1, places)
        return nodes.reshape(self.num_post, size)

    def fields(self, spikes: Tensor) -> Tensor:
        """The field of each place ``[..., P, F]`` from spikes ``[..., num_pre]``."""
        return seen(spikes, self.nodes)

    def units(self, spikes: Tensor) -> Tensor:
        """The units of each place ``[..., P, K]`` from spikes ``[..., num_post]``."""
        return spikes.reshape(*spikes.shape[:-1], self.places, -1)

    @property
    def exists(self) -> Tensor:  # type: ignore[override]
        """Which entries of the fields are nodes, bool ``[P, F]``."""
        return self.nodes < self.num_pre

    @torch.no_grad()
    def rewire(self, wiring: Tensors) -> None:
        """Write ``wiring`` into the projection; where a field has ended the weight stays 0."""
        super().rewire(wiring)
        self.weight.masked_fill_(~self.exists[:, None], 0)

    def matrix(self, values: Tensor) -> Tensor:
        """Values of the synapses ``[P, K, F]`` as a matrix ``[num_post, num_pre]``.

        Raises:
            ValueError: if that would be too large.
        """
        if self.num_pre * self.num_post > DENSE_UP_TO:
            raise ValueError(
                f"{self.num_post} x {self.num_pre} pairs are too many to write out: at most {DENSE_UP_TO}"
            )
        found = values.new_zeros(self.num_post, self.num_pre + 1)
        place = self.nodes[:, None].expand_as(values).reshape(self.num_post, -1)
        return found.scatter_(1, place, values.reshape(self.num_post, -1))[:, : self.num_pre]

    @property
    def connected(self) -> Tensor:
        """Which synapses count as connected, bool ``[num_post, num_pre]``.

        Raises:
            ValueError: if that would be too large.
        """
        return self.matrix(super().connected)
