"""Readouts that learn from a few of the training samples only, beside those that learn from all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.modules.kinds import learners, trained
from lightning_snn.readout import Readout

Readouts = ModuleDictOf[Readout]


@runtime_checkable
class LabelledSource(Protocol):
    """A loader, or data, that can say which samples have labels where only few have."""

    def labelled(self, count: int | None = None) -> Tensor:
        """Their numbers ``[count]``, those of smaller counts among them; None: of all."""


class FewLabels(nn.Module):
    """Readouts of every network that see the labels of a few training samples.

    Args:
        counts: How many.
        readouts: A count to a readout for each network.

    Attributes:
        readouts: By ``labels_<count>``, then by network.
        known: Numbers of the samples with labels, by ``labels_<count>``; there once they are chosen.
    """

    def __init__(self, counts: Sequence[int], readouts: Callable[[int], Readouts]) -> None:
        super().__init__()
        self.counts = {f"labels_{count}": count for count in counts}
        self.readouts = ModuleDictOf[Readouts]({key: readouts(count) for key, count in self.counts.items()})
        self.known: dict[str, Tensor] = {}

    def choose(self, source: LabelledSource, device: torch.device) -> None:
        """Take the samples that have labels.

        Raises:
            ValueError: if there are fewer.
        """
        most = len(source.labelled())
        for key, count in self.counts.items():
            if count > most:
                raise ValueError(f"model.few_labels must be at most {most}, the training images, got {count}")
            self.known[key] = source.labelled(count).to(device)

    def scores(self, features: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
        """Scores by ``labels_<count>`` and network, of features ``[B, F]`` by network."""
        return {
            key: {name: readout(features[name]) for name, readout in readouts.items()}
            for key, readouts in self.readouts.items()
        }

    def losses(
        self,
        features: Mapping[str, Tensor],
        target: Tensor,
        sample: Tensor | None,
        loss: Callable[[Tensor, Tensor], Tensor],
        combine: Callable[[Tensor], Tensor],
        processes: int,
    ) -> list[Tensor]:
        """The loss of each readout, whose gradient's mean over the processes is that of all samples' mean.

        Args:
            features: Features ``[B, F]`` by network.
            target: What is to be learned ``[B]``.
            sample: Numbers of the samples ``[B]``.
            loss: Mean loss of scores and target.
            combine: Sums a tensor over all processes; each calls it as often.
            processes: Their number.

        Raises:
            ValueError: if the samples have no numbers.
        """
        found = []
        for key, readouts in self.readouts.items():
            by_gradients = trained(readouts)
            if not by_gradients:
                continue
            rows, total = self._rows(key, sample, combine)
            for name, readout in by_gradients.items():
                if not total:
                    found.append(_nothing(readout))
                    continue
                scores = readout(features[name][rows])  # also where there are no rows: statistics are shared
                some = loss(scores, target[rows]) if len(rows) else scores.sum()
                found.append(some * (len(rows) * processes / total))
        return found

    def learn(
        self,
        features: Mapping[str, Tensor],
        target: Tensor,
        sample: Tensor | None,
        combine: Callable[[Tensor], Tensor],
        *,
        epoch: int,
    ) -> None:
        """Let readouts that need no gradients learn in an epoch; the rest as of `losses`."""
        for key, readouts in self.readouts.items():
            local = learners(readouts, epoch)
            if not local:
                continue
            rows, total = self._rows(key, sample, combine)
            for name, readout in local.items() if total else ():
                readout.learn(features[name][rows], target[rows], combine=combine)

    def _rows(
        self, key: str, sample: Tensor | None, combine: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, int]:
        """Which samples of a batch have labels, and how many do on all processes."""
        if sample is None:
            raise ValueError(
                "few_labels needs the numbers of the samples: batches must be (input, target, sample)"
            )
        rows = torch.isin(sample, self.known[key]).nonzero()[:, 0]
        return rows, int(combine(torch.tensor(len(rows), device=sample.device)))


def counts_of(few_labels: int | Sequence[int] | None) -> list[int]:
    """Numbers of labels as the user gave them, in order.

    Raises:
        ValueError: if one is no whole number above 0, or there twice.
    """
    if few_labels is None:
        return []
    counts = list(few_labels) if isinstance(few_labels, Sequence) else [few_labels]
    for count in counts:
        checks.count("few_labels", count)
    if len(set(counts)) < len(counts):
        raise ValueError(f"few_labels must differ, got {counts}")
    return counts


def _nothing(readout: Readout) -> Tensor:
    """A loss of 0 whose gradient is 0 for every parameter: several processes need one for each."""
    return torch.stack([0.0 * p.sum() for p in readout.parameters() if p.requires_grad]).sum()
