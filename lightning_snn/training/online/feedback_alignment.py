"""Feedback alignment: backpropagation whose errors come back through fixed random weights."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from lightning_snn.core import checks
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.readout import Readout, SequenceReadout
from lightning_snn.synapses import Projection, WeightedProjection
from lightning_snn.training.online.feedback import random_feedback
from lightning_snn.training.online.learning import Learner, Learning, Reading


class FeedbackAlignment(Learning):
    """Backpropagation through layers and time with fixed random weights in place of the transposed ones.

    Each connection with weights, and each `torch.nn.Linear` of the readout, sends errors back through weights
    of its own that never change; what it learns from them is as in backpropagation.

    Args:
        scale: Standard deviation of these weights, in units of that of the first weights.

    Raises:
        ValueError: if the scale is not positive.

    Source: Lillicrap et al., Random synaptic feedback weights support error backpropagation for deep
    learning, Nat. Commun. 7 (2016).
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        checks.positive("scale", scale)
        self.scale = scale

    def of(self, reading: Reading) -> Learner:
        """See `Learning.of`."""
        network = reading.network
        weights = {f"network/{name}": projection.weight for name, projection in network.weighted.items()}
        linear = {f"readout/{name}": part.weight for name, part in _linear(reading.readout).items()}
        drawn = {
            name: random_feedback(network, name, weight.shape, like=weight, scale=self.scale)
            for name, weight in (weights | linear).items()
        }
        return Aligned(drawn)


class Aligned(Learner):
    """Backpropagation with feedback weights.

    Args:
        feedback: Those of connections, ``network/NAME``, in the shape of their weights, and of linear parts
            of the readout, ``readout/NAME``.
    """

    def __init__(self, feedback: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.names = list(feedback)
        for k, weight in enumerate(feedback.values()):
            self.register_buffer(f"feedback_{k}", weight)

    def feedback(self, name: str) -> Tensor:
        """The weights of a connection or a part of the readout."""
        found: Tensor = getattr(self, f"feedback_{self.names.index(name)}")
        return found

    def forward(self, input: Any, reading: Reading) -> tuple[Presentation, Tensor]:
        """See `Learner`."""
        network = reading.network
        projections = {
            name: aligned(projection, self.feedback(f"network/{name}"))
            for name, projection in network.weighted.items()
        }
        over_time = [NETWORK] if isinstance(reading.readout, SequenceReadout) else []
        shown = present(
            input, network, reading.encoders, read_from=reading.read_from, controls={},
            tau_trace=reading.tau_trace, over_time=over_time, projections=projections,
        )  # fmt: skip
        weights = {
            id(part.weight): self.feedback(f"readout/{name}")
            for name, part in _linear(reading.readout).items()
        }
        with _Errors(weights):
            found: Tensor = reading.readout(shown.features[NETWORK])
        return shown, found


def aligned(projection: WeightedProjection, feedback: Tensor) -> Projection:
    """A projection with the same weights whose errors come back through those of ``feedback``."""
    found, back = copy.copy(projection), copy.copy(projection)
    vars(back)["_parameters"] = {
        **projection._parameters,
        "weight": nn.Parameter(feedback, requires_grad=False),
    }
    forward, behind = projection.prepared(), back.prepared()

    def both(spikes: Tensor) -> Tensor:
        return (
            _with_errors_of(behind(spikes), forward(spikes.detach()))
            if spikes.requires_grad
            else forward(spikes)
        )

    vars(found).update(forward=both, prepared=lambda: both)
    return found


def _with_errors_of(back: Tensor, values: Tensor) -> Tensor:
    """``values`` with their own gradient, and that of ``back``, whose value is not seen."""
    return values + (back - back.detach())


class _Errors(TorchFunctionMode):
    """Inside, products with some weights, by their ``id``, send errors back through others."""

    def __init__(self, feedback: Mapping[int, Tensor]) -> None:
        super().__init__()
        self.feedback = feedback

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run ``func``; a product with such weights as `_with_errors_of`."""
        del types
        kwargs = kwargs or {}
        if func is not F.linear:
            return func(*args, **kwargs)
        features, weight, *bias = (*args, *kwargs.values())
        back = self.feedback.get(id(weight))
        if back is None:
            return func(*args, **kwargs)
        return _with_errors_of(func(features, back), func(features.detach(), weight, *bias))


def _linear(readout: Readout) -> dict[str, nn.Linear]:
    return {name: part for name, part in readout.named_modules() if isinstance(part, nn.Linear)}
