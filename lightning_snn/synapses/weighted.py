"""Projections with weights, and whether they are wired."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.plasticity.homeostasis import THRESHOLD_RISE
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.projection import Projection

Efficacy = Literal["weight", "share"]
"""``weight``: a spike causes gain times the weight. ``share``: gain times the share of the weight in those of
the unit's connected synapses, so that a unit whose whole field spikes receives the gain."""


class WeightedProjection(Projection):
    """Synapses with weights, which a rule or gradients may change.

    To a rule every projection looks alike: P places, each with K units that see the same F inputs (`fields`,
    `units`); the weights are ``[K, F]`` where all places share them, else ``[P, K, F]``. A new projection
    says which neurons these are and how spikes become currents.

    With a learning rule, ``weight`` and the rule's own variables (thresholds, counts) stand in the
    ``state_dict``, and the buffer ``wired`` tells whether self-organisation has finished with it.

    Args:
        num_pre: Presynaptic neurons.
        num_post: Postsynaptic neurons.
        start: ``weight [K, F]``, shared by all places, or ``[P, K, F]``, and the variables of rule and
            homeostasis; see `initial_wiring`.
        rule: Rule that wires the projection, if any.
        homeostasis: What keeps weights and activity in bounds; applied in this order after each merge.
        gain: Current of a spike at weight 1, or of a whole field; see ``efficacy``.
        efficacy: How a weight becomes a current, ``weight`` or ``share``; by default ``share`` for rules
            whose weights have no scale of their own (`LearningRule.absolute_weights`), else ``weight``.
        trainable: Whether gradients reach ``weight``.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike; by default all arrives in one step.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.
        channels: As in `Projection`.

    Raises:
        ValueError: if the gain is not positive, the delay is negative, ``efficacy`` is unknown or needs a
            rule that is missing, or the rule is for lateral connections.
    """

    wired: Tensor

    places: int = 1
    """P: places that see fields of their own."""

    place_positions: Tensor | None = None
    """Where the places lie ``[P, 2]``, in steps of a grid; None where that says nothing."""

    exists: Tensor | None = None
    """Which entries of a field are synapses, bool ``[P, F]``; None where all are."""

    has_fields: bool = True
    """Whether `connected` says where in the source a unit's field lies, and a rule may change where."""

    lateral_rule: bool = False
    """Whether the rule is one for connections inside a layer (`LearningRule.lateral`)."""

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        start: Tensors,
        *,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        efficacy: Efficacy | None = None,
        trainable: bool = False,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
        channels: int | None = None,
    ) -> None:
        super().__init__(
            num_pre, num_post, gain=gain, delay=delay, kinetics=kinetics, norm=norm, dropout=dropout,
            channels=channels,
        )  # fmt: skip
        if rule is not None and rule.lateral and not self.lateral_rule:
            raise ValueError(
                f"rule: {type(rule).__name__} is for connections inside a layer: give it to "
                "lateral: LateralInhibition, not to a projection"
            )
        if rule is not None and rule.scales_only and norm is not None:
            raise ValueError(
                f"rule: {type(rule).__name__} sets the scale of weights, which is nothing to a norm behind "
                f"them, {type(norm).__name__}: leave one of the two out"
            )
        if efficacy is not None:
            checks.one_of("efficacy", efficacy, get_args(Efficacy))
        if efficacy == "share" and rule is None:
            raise ValueError(
                "efficacy 'share' needs a rule, which says which synapses are connected, got none"
            )
        relative = rule is not None and not rule.absolute_weights
        self.efficacy_is: Efficacy = efficacy or ("share" if relative else "weight")
        self.rule = rule
        self.homeostasis = list(homeostasis or [])
        self.trainable = trainable
        variables = dict(start)
        self.weight = nn.Parameter(variables.pop("weight"), requires_grad=trainable)
        self.variables = nn.Module()
        for name, value in variables.items():
            self.variables.register_buffer(name, value)
        self.register_buffer("wired", torch.tensor(rule is None))

    @abstractmethod
    def initial(self) -> Tensors:
        """``weight`` and the variables that the projection started from, drawn once more."""

    def initial_weight(self) -> Tensor:
        """The weights that the projection started from, in the shape of ``weight``."""
        return self.initial()["weight"]

    def efficacy(self) -> Tensor:
        """Current that one spike causes, in the shape of ``weight``.

        ``gain`` times the weight, the weight itself at gain 1; or times its share in those of the unit's
        connected synapses.
        """
        if self.rule is None or self.efficacy_is == "weight":
            return self.weight if self.gain == 1 else self.gain * self.weight
        field = self.weight * (self.weight > self.rule.connected_above)
        return field * (self.gain / field.sum(-1, keepdim=True).clamp_min(1e-12))

    def fields(self, spikes: Tensor) -> Tensor:
        """The inputs of each place ``[..., P, F]`` from spikes ``[..., num_pre]``."""
        return spikes[..., None, :]

    def units(self, spikes: Tensor) -> Tensor:
        """The units of each place ``[..., P, K]`` from spikes ``[..., num_post]``."""
        return spikes[..., None, :]

    @property
    def groups(self) -> int | None:
        """Places with weights of their own; None where all share them."""
        return None if self.weight.ndim == 2 else self.places

    def spread(self, values: Tensor) -> Tensor:
        """One value a unit, ``[K]`` or ``[P, K]``, as one a neuron ``[num_post]``: the inverse of `units`."""
        order = self.units(torch.arange(self.num_post, device=values.device))
        spread = torch.empty(self.num_post, dtype=values.dtype, device=values.device)
        spread[order] = values.expand(order.shape)
        return spread

    def incoming(self, neuron: int) -> Tensor:
        """The weights ``[F]`` of one neuron's inputs."""
        place, unit = (self.units(torch.arange(self.num_post)) == neuron).nonzero()[0].tolist()
        return self.weight[unit] if self.groups is None else self.weight[place, unit]

    @property
    def found_by(self) -> str | None:
        """The connection that finds the fields; None where they are known before. See `Fields`."""
        return None

    def find(self, earlier: Mapping[str, "WeightedProjection"]) -> None:
        """Take over the fields that another connection has found, where it has any such; see `Fields`."""
        del earlier

    def strongest(self, size: int) -> Tensor:
        """Nodes of the ``size`` largest weights of each neuron ``[num_post, size]``, the largest first.

        Raises:
            ValueError: if a neuron has fewer inputs.
        """
        self.check_fan_in(size)
        return self.weight.detach().topk(size, dim=-1).indices

    def check_fan_in(self, size: int) -> None:
        """Raise ``ValueError`` unless every neuron has ``size`` inputs."""
        fewest = self.weight.shape[-1] if self.exists is None else int(self.exists.sum(1).min())
        if size > fewest:
            raise ValueError(f"fields.size must be at most {fewest}, the inputs of a unit, got {size}")

    def __dir__(self) -> list[str]:
        """Without `connected` where it says nothing and may raise: `torch.jit.trace` reads all of this."""
        names: list[str] = super().__dir__()  # type: ignore[no-untyped-call]
        return [name for name in names if name != "connected" or self.has_fields]

    @property
    def connected(self) -> Tensor:
        """Which synapses count as connected, bool ``[num_post, num_pre]``."""
        return self.weight > (self.rule.connected_above if self.rule else 0.0)

    @property
    def threshold_rise(self) -> Tensor | None:
        """What homeostasis adds to the thresholds of the neurons ``[num_post]``; None where nothing does."""
        rise = self.wiring.get(THRESHOLD_RISE)
        return None if rise is None else self.spread(rise)

    @property
    def wiring(self) -> Tensors:
        """``weight`` and the rule's variables, detached."""
        variables = dict(self.variables.named_buffers())
        return {"weight": self.weight.detach()} | variables

    def restart(self, weight: Tensor) -> None:
        """Write ``weight`` into the projection, and the first values of all variables."""
        self.rewire(self.initial() | {"weight": weight})

    @torch.no_grad()
    def rewire(self, wiring: Tensors) -> None:
        """Write ``wiring`` into the projection."""
        own = self.wiring
        for name, value in wiring.items():
            own[name].copy_(value)
