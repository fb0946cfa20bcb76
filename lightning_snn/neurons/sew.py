"""Spike-element-wise residual blocks: what joins the spikes of a block with those that it was given."""

from typing import Any, Literal, get_args

from torch import Tensor

from lightning_snn.neurons.fields import option
from lightning_snn.neurons.relay import Relay, passed

Combine = Literal["add", "and", "iand"]


class SEW(Relay):
    """Sends what a block of layers makes of its input, joined with that input.

        add: a + s        and: a s        iand: (1 - a) s

    ``a`` is what the input ``current`` delivers, the spikes of the block's last layer, and ``s`` what
    ``residual`` delivers, those that the block was given. Connections made of `OneToOne` bring both. A block
    whose layer stays silent sends ``s`` with ``add`` and ``iand``: it is the identity. With ``add`` what is
    sent is graded.

    Source: Fang et al., Deep residual learning in spiking neural networks, NeurIPS (2021), table 1.

    >>> import torch
    >>> one, other = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
    >>> for combine in ("add", "and", "iand"):
    ...     spikes, _ = SEW(combine)(one.view(1, 1, 4), residual=other.view(1, 1, 4))
    ...     print(spikes.flatten().tolist())
    [0.0, 1.0, 1.0, 2.0]
    [0.0, 0.0, 0.0, 1.0]
    [0.0, 1.0, 0.0, 0.0]
    """

    inputs = ("current", "residual")

    combine: Combine = option(
        default="add", doc="How the two are joined: ``add``, ``and`` or ``iand``.", choices=get_args(Combine)
    )

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **others: Tensor) -> tuple[Any, ...]:
        """Both charges, joined."""
        del state, p
        block, residual = passed(current, dt), passed(others["residual"], dt)
        if self.combine == "add":
            sent = block + residual
        elif self.combine == "and":
            sent = block * residual
        else:
            sent = (1 - block) * residual
        return sent, self.State(sent)
