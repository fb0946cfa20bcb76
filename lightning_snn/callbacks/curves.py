"""What the figures of accuracy against labels and against the strength of a perturbation show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from lightning_snn import viz
from lightning_snn.data import BatchLoader, PerturbedSet
from lightning_snn.presentation.measures import score_name
from lightning_snn.presentation.names import label
from lightning_snn.presentation.stages import TEST, stages_of

Axis = Mapping[float, str]
"""What is on the axis, and the stage that was measured there."""


def accuracy_figures(
    networks: Sequence[str],
    scores: Mapping[str, float],
    loaders: Sequence[Any],
    counts: Sequence[int],
    num_training: int | None,
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name and drawing of each figure.

    Args:
        networks: Names of the networks, the one that is compared with the others first.
        scores: What a test logged.
        loaders: Those of the test.
        counts: Numbers of labels that readouts learned from.
        num_training: Number of training samples, all of which have labels; None: unknown.
    """
    if counts:
        axis: dict[float, str] = {count: f"{TEST}_{count}_labels" for count in counts}
        axis |= {} if num_training is None else {num_training: TEST}
        lines, xlabel = _lines(networks, scores, axis), "training images with labels"
        yield "accuracy_against_labels", partial(viz.accuracy_curves, lines, xlabel=xlabel, log=True)
    for name, sets in _by_name(loaders).items():
        if len(sets) > 1:
            stages = {part.perturbation.strength: stage for stage, part in sets.items()}
            lines = _lines(networks, scores, {0: TEST} | stages)
            xlabel = next(iter(sets.values())).perturbation.axis
            yield f"accuracy_against_{name}", partial(viz.accuracy_curves, lines, xlabel=xlabel)


def _by_name(loaders: Sequence[Any]) -> dict[str, dict[str, PerturbedSet]]:
    """Perturbed test sets by name and stage."""
    found: dict[str, dict[str, PerturbedSet]] = {}
    for stage, loader in zip(stages_of(loaders), loaders, strict=True):
        if isinstance(loader, BatchLoader) and isinstance(loader.dataset, PerturbedSet):
            found.setdefault(loader.dataset.name, {})[stage] = loader.dataset
    return found


def _lines(networks: Sequence[str], scores: Mapping[str, float], axis: Axis) -> dict[str, dict[float, float]]:
    """Accuracy by label of the network and place on the axis, where it was measured."""
    keys = {
        network: {x: f"{stage}/{score_name('accuracy', network)}" for x, stage in axis.items()}
        for network in networks
    }
    return {
        label(network): {x: scores[key] for x, key in places.items() if key in scores}
        for network, places in keys.items()
    }
