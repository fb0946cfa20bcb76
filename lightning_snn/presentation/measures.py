"""What a classifier is measured by in one stage: scores of its networks, activity of its layers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.presentation.present import NETWORK, Presentation

MetricsOf = ModuleDictOf[Metric]


class StageMeasures(nn.Module):
    """Accuracy and macro F1 of every network, mean rate (Hz) and sparsity of every layer.

    Layers that send graded values have no rate; their mean is measured instead.

    Args:
        stage: Prefix of the names, such as ``val``.
        networks: Names of the networks; a control's scores carry its name.
        layers: Names of the layers, bottom first.
        num_classes: Number of classes.
        graded: Names of those that send graded values.
    """

    def __init__(
        self,
        stage: str,
        networks: Sequence[str],
        layers: Sequence[str],
        num_classes: int,
        *,
        graded: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.graded = set(graded)
        self.stage = stage
        self.layers = list(layers)
        self.accuracy = MetricsOf({n: MulticlassAccuracy(num_classes, average="micro") for n in networks})
        self.macro_f1 = MetricsOf({n: MulticlassF1Score(num_classes, average="macro") for n in networks})
        self.rate = MetricsOf({name: MeanMetric() for name in layers})
        self.sparsity = MetricsOf({name: MeanMetric() for name in layers})

    def update(self, scores: Mapping[str, Tensor], label: Tensor, shown: Presentation) -> None:
        """Take in class scores ``[B, C]`` by network, labels ``[B]`` and the evoked activity."""
        for name, values in scores.items():
            self.accuracy[name].update(values, label)
            self.macro_f1[name].update(values, label)
        for i, name in enumerate(self.layers):
            self.rate[name].update(shown.rate[:, i])
            self.sparsity[name].update(shown.sparsity[:, i])

    def named(self) -> dict[str, Any]:
        """The metrics by the name that they are logged under."""
        found: dict[str, Any] = {}
        for kind, by_network in {"accuracy": self.accuracy, "macro_f1": self.macro_f1}.items():
            found |= {f"{self.stage}/{score_name(kind, name)}": m for name, m in by_network.items()}
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
