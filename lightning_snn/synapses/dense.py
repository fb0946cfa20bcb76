"""All-to-all projection."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.tap import Tap
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.initial import initial_wiring
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.population import Population
from lightning_snn.synapses.sums import product, weighted_sum
from lightning_snn.synapses.weighted import Efficacy, WeightedProjection


class Dense(WeightedProjection):
    """All-to-all synapses; a presynaptic spike causes a current that is held for one step by default.

    Without a rule the current is ``gain * W s``. With a rule it is ``gain`` times the weighted mean of
    the spikes of a unit's field, ``gain * (W' s) / sum(W')``, W' the weights of the connected synapses:
    rules with weights of different scale drive the next layer alike. Rules whose weights are currents
    themselves (`LearningRule.absolute_weights`) keep ``gain * W s``.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons; a network fills it in.
        rule: Rule that wires the projection from activity.
        homeostasis: What keeps weights and activity in bounds beside the rule.
        gain: Current that a unit receives when every weight is 1 (without a rule) or its whole field
            spikes at once (with a rule).
        efficacy: How a weight becomes a current, ``weight`` or ``share``; by default as suits the rule.
        trainable: Whether gradients reach the weights. Where neither they nor the spikes need a gradient,
            only the nodes that fired are read; with gradients too where these are few.
        seed: Seed of the first weights; by default the network's, or one by torch's generator.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a size or the gain is not positive, or the delay is negative.
    """

    each_step_alone = True
    stream: RandomStream

    def __init__(
        self,
        num_pre: int,
        num_post: int,
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
        stream = stream_of("weights", seed)
        start = initial_wiring(num_pre, num_post, rule, homeostasis, stream.torch())
        super().__init__(
            num_pre, num_post, start, rule=rule, homeostasis=homeostasis, gain=gain, efficacy=efficacy,
            trainable=trainable, delay=delay, kinetics=kinetics, norm=norm, dropout=dropout,
        )  # fmt: skip
        self.stream = stream

    def forward(self, spikes: Tensor) -> Tensor:
        """Current ``[..., num_post]`` from spikes ``[..., num_pre]``."""
        self.check_spikes(spikes)
        return self._product()(spikes)

    def prepared(self) -> Callable[[Tensor], Tensor]:
        """See `Projection.prepared`."""
        return self._product() if type(self).forward is Dense.forward else self

    def _product(self) -> Callable[[Tensor], Tensor]:
        if not self.trainable:
            return partial(weighted_sum, rows=self._rows())
        weight = self.efficacy()
        return partial(product, weight=weight, rows=_Rows(weight))

    def scan(
        self,
        neurons: Population,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        *,
        input: str,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any] | None:
        """Run recurrent neurons over time, all steps at once; see `Projection.scan`."""
        if input != neurons.inputs[0] or type(self).forward is not Dense.forward:
            return None
        rows = current_of(self._rows(), neurons.dt)
        return neurons.scan_sheet(current, state, spikes, rows, tap=tap, **others)

    def _rows(self) -> Tensor:
        """What each presynaptic neuron sends ``[num_pre, num_post]``."""
        return self.efficacy().t().contiguous()

    def initial(self) -> Tensors:
        """``weight [num_post, num_pre]`` and the variables that the projection started from."""
        generator = self.stream.torch()
        return initial_wiring(self.num_pre, self.num_post, self.rule, self.homeostasis, generator)


class _Rows:
    """The transpose of a weight, in order, made when it is first asked for; a class, as torch compiles it."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.found: Tensor | None = None

    def __call__(self) -> Tensor:
        if self.found is None:
            self.found = self.weight.t().contiguous()
        return self.found
