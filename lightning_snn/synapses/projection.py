"""What a projection is: weights from one layer to the next, and whether they are wired."""

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn

from lightning_snn.config import Configurable
from lightning_snn.plasticity import LearningRule, Tensors


class Projection(Configurable, nn.Module, ABC):
    """Synapses from ``num_pre`` to ``num_post`` neurons.

    With a learning rule, ``weight`` and the rule's own variables (thresholds, counts) stand in the
    ``state_dict``, and the buffer ``wired`` tells whether self-organisation has finished with it.

    Args:
        num_pre: Presynaptic neurons.
        num_post: Postsynaptic neurons.
        weight: ``[num_post, num_pre]``.
        rule: Rule that wires the projection, if any.
        variables: The rule's own variables.
        trainable: Whether gradients reach ``weight``.
    """

    wired: Tensor

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        weight: Tensor,
        *,
        rule: LearningRule | None = None,
        variables: Tensors | None = None,
        trainable: bool = False,
    ) -> None:
        super().__init__()
        self.num_pre = num_pre
        self.num_post = num_post
        self.rule = rule
        self.weight = nn.Parameter(weight, requires_grad=trainable)
        self.variables = nn.Module()
        for name, value in (variables or {}).items():
            self.variables.register_buffer(name, value)
        self.register_buffer("wired", torch.tensor(rule is None))

    @abstractmethod
    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` that spikes ``[..., num_pre]`` cause, held for one step."""

    @abstractmethod
    def initial_weight(self) -> Tensor:
        """The weights ``[num_post, num_pre]`` that the projection started from."""

    @property
    def connected(self) -> Tensor:
        """Which synapses count as connected, bool ``[num_post, num_pre]``."""
        return self.weight > (self.rule.connected_above if self.rule else 0.0)

    @property
    def wiring(self) -> Tensors:
        """``weight`` and the rule's variables, detached."""
        variables = cast(dict[str, Tensor], dict(self.variables.named_buffers()))
        return {"weight": self.weight.detach()} | variables

    @torch.no_grad()
    def rewire(self, wiring: Tensors) -> None:
        """Write ``wiring`` into the projection."""
        own = self.wiring
        for name, value in wiring.items():
            own[name].copy_(value)
