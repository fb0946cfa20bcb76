"""All-to-all projection."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn import checks
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.plasticity import LearningRule
from lightning_snn.synapses.projection import Projection


class Dense(Projection):
    """All-to-all synapses; a presynaptic spike causes a current that is held for one step.

    Without a rule the current is ``gain * W s``. With a rule it is ``gain`` times the weighted mean of
    the spikes of a unit's field, ``gain * (W' s) / sum(W')``, W' the weights of the connected synapses:
    rules with weights of different scale drive the next layer alike.

    Args:
        num_pre: Presynaptic neurons; a stack fills it in.
        num_post: Postsynaptic neurons; a stack fills it in.
        rule: Rule that wires the projection from activity.
        gain: Current that a unit receives when every weight is 1 (without a rule) or its whole field
            spikes at once (with a rule).
        trainable: Whether gradients reach the weights. Where neither they nor the spikes need a gradient,
            only the nodes that fired are read.
        seed: Seed of the first weights.

    Raises:
        ValueError: if a size or the gain is not positive.
    """

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        rule: LearningRule | None = None,
        gain: float = 1.0,
        trainable: bool = False,
        seed: int = 0,
    ) -> None:
        checks.count("num_pre", num_pre)
        checks.count("num_post", num_post)
        checks.positive("gain", gain)
        start = _start(num_pre, num_post, rule, seed)
        super().__init__(
            num_pre, num_post, start.pop("weight"), rule=rule, variables=start, trainable=trainable
        )
        self.gain = gain
        self.trainable = trainable
        self.seed = seed

    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` from spikes ``[..., num_pre]``."""
        if spikes.shape[-1] != self.num_pre:
            raise ValueError(f"spikes must be [..., {self.num_pre}] (num_pre), got {list(spikes.shape)}")
        efficacy = self.efficacy()
        if self.trainable or spikes.requires_grad:
            return F.linear(spikes, efficacy)
        rows = efficacy.t().contiguous()
        current = event_sum(spikes.reshape(-1, self.num_pre), rows)
        return current.reshape(*spikes.shape[:-1], self.num_post)

    def efficacy(self) -> Tensor:
        """Current ``[num_post, num_pre]`` that one spike causes."""
        if self.rule is None:
            return self.gain * self.weight
        field = self.weight * self.connected
        return field * (self.gain / field.sum(1, keepdim=True).clamp_min(1e-12))

    def initial_weight(self) -> Tensor:
        """The weights ``[num_post, num_pre]`` that the projection started from."""
        return _start(self.num_pre, self.num_post, self.rule, self.seed)["weight"]


def _start(num_pre: int, num_post: int, rule: LearningRule | None, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    if rule is not None:
        return rule.initial(num_pre, num_post, generator)
    bound = (3 / num_pre) ** 0.5
    return {"weight": bound * (2 * torch.rand(num_post, num_pre, generator=generator) - 1)}
