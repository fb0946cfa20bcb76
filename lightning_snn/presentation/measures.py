"""What a module is measured by in one stage: scores of its networks, activity of its layers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric

from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.presentation.present import NETWORK, Presentation

MetricsOf = ModuleDictOf[Metric]


class StageMeasures(nn.Module):
    """Scores of every network, mean rate (Hz) and sparsity of every layer.

    Layers that send graded values have no rate; their mean is measured instead.

    Args:
        stage: Prefix of the names, such as ``val``.
        networks: Names of the networks; a control's scores carry its name.
        layers: Names of the layers as listed.
        metrics: Makes the metrics of one network by name.
        graded: Names of the layers that send graded values.
    """

    def __init__(
        self,
        stage: str,
        networks: Sequence[str],
        layers: Sequence[str],
        metrics: Callable[[], Mapping[str, Metric]],
        *,
        graded: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.graded = set(graded)
        self.stage = stage
        self.layers = list(layers)
        self.scores = ModuleDictOf[MetricsOf]({name: MetricsOf(metrics()) for name in networks})
        self.rate = MetricsOf({name: MeanMetric() for name in layers})
        self.sparsity = MetricsOf({name: MeanMetric() for name in layers})

    def reset(self) -> None:
        """Forget all samples."""
        for metric in self.modules():
            if isinstance(metric, Metric):
                metric.reset()

    def update(self, compared: Mapping[str, tuple[Tensor, Tensor]], shown: Presentation) -> None:
        """Take in scores and target by network, and the evoked activity."""
        for name, pair in compared.items():
            for metric in self.scores[name].values():
                metric.update(*pair)
        for i, name in enumerate(self.layers):
            self.rate[name].update(shown.rate[:, i])
            self.sparsity[name].update(shown.sparsity[:, i])

    def named(self) -> dict[str, Any]:
        """The metrics by the name that they are logged under."""
        kinds = list(next(iter(self.scores.values()), ()))
        found: dict[str, Any] = {
            f"{self.stage}/{score_name(kind, network)}": metrics[kind]
            for kind in kinds
            for network, metrics in self.scores.items()
        }
        for name, metric in self.rate.items():
            kind = "mean_activity" if name in self.graded else "rate"
            found[f"{self.stage}/{kind}_{name}"] = metric
        return found | {f"{self.stage}/sparsity_{name}": m for name, m in self.sparsity.items()}


def score_name(kind: str, network: str) -> str:
    """The name of a score: the kind, and of a control its name.

    >>> score_name("accuracy", "network"), score_name("accuracy", "random")
    ('accuracy', 'accuracy_random')
    """
    return kind if network == NETWORK else f"{kind}_{network}"
