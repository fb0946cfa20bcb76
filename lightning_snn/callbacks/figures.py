"""Figures of what self-organisation did, and how well the classifier does."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor

from lightning_snn import viz
from lightning_snn.callbacks.curves import accuracy_figures
from lightning_snn.callbacks.publishing import publish, run_folder
from lightning_snn.callbacks.self_organization import SelfOrganization
from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.modules import SpikingClassifier
from lightning_snn.modules.few_labels import LabelledSource
from lightning_snn.network import SpikingNetwork, graph
from lightning_snn.presentation.stages import as_list
from lightning_snn.stimuli import SpontaneousWaves, Stimulus
from lightning_snn.synapses import Conv2d, WeightedProjection
from lightning_snn.synapses.gathered import Gathered
from lightning_snn.synapses.lateral import Coupling
from lightning_snn.trainer.queries import find_callback, is_trial

_SETTLING_ROUNDS = 6


class Figures(Callback):
    """Draws the network when training starts, and confusion matrix and curves of accuracy after testing.

    Figures go to ``figures/`` in the run folder as PNG, and to the loggers that take images. One that
    cannot be drawn is a warning; it never ends a run.

    Args:
        wave_steps: Steps of activity that the wave frames and the raster show.

    Raises:
        ValueError: if ``wave_steps`` is not positive.
    """

    def __init__(self, wave_steps: int = 300) -> None:
        checks.count("figures.wave_steps", wave_steps)
        self.wave_steps = wave_steps

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw node layout, receptive fields, features, wave frames and raster of the wired network."""

        def figures(network: SpikingNetwork) -> Iterator[tuple[str, Callable[[], Figure]]]:
            return _network_figures(network, _stimuli(trainer, network), self.wave_steps)

        _draw(trainer, pl_module, figures)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the filters that gradients made."""
        _draw(trainer, pl_module, _trained_filters)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the confusion matrix of a classifier."""
        if is_trial(trainer) or not isinstance(pl_module, SpikingClassifier):
            return
        if not pl_module.confusion.update_called:
            return  # no test on the images as they are
        folder = run_folder(trainer) / "figures"
        matrix = pl_module.confusion.compute().cpu()
        if trainer.is_global_zero:
            publish(trainer, folder, "confusion_matrix", lambda: viz.confusion_matrix(matrix))

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw a classifier's accuracy against labels, and against the strength of each perturbation."""
        if is_trial(trainer) or not isinstance(pl_module, SpikingClassifier):
            return
        folder = run_folder(trainer) / "figures"
        if not trainer.is_global_zero:
            return
        data = getattr(trainer, "datamodule", None)
        drawings = accuracy_figures(
            list(pl_module.readouts),
            {name: float(value) for name, value in trainer.callback_metrics.items()},
            as_list(trainer.test_dataloaders),
            list(pl_module.few_labels.counts.values()),
            len(data.labelled()) if isinstance(data, LabelledSource) else None,
        )
        for name, draw in drawings:
            publish(trainer, folder, name, draw)


def _draw(
    trainer: Trainer,
    module: LightningModule,
    figures: Callable[[SpikingNetwork], Iterator[tuple[str, Callable[[], Figure]]]],
) -> None:
    """Publish figures of a module's network, if it has one; in a trial none."""
    network = getattr(module, "network", None)
    if is_trial(trainer) or not isinstance(network, SpikingNetwork):
        return
    folder = run_folder(trainer) / "figures"
    if trainer.is_global_zero:
        for name, draw in figures(network):
            publish(trainer, folder, name, draw)


def _trained_filters(network: SpikingNetwork) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name and drawing of the filters of each convolution that gradients train."""
    for name, projection in network.weighted.items():
        if isinstance(projection, Conv2d) and projection.trainable:
            yield f"filters_{name}", partial(viz.filters, projection.filters)


def _network_figures(
    network: SpikingNetwork, stimuli: Mapping[str, Stimulus], steps: int
) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name and drawing of each figure; ``stimuli`` are those of connections."""
    positions, dt = {name: network.layer(name).positions for name in network.names}, network.dt
    yield "node_layout", partial(viz.node_layout, positions)
    for name, projection in network.weighted.items():
        if isinstance(projection, Conv2d):
            if projection.trainable and projection.rule is None:
                continue  # drawn once gradients have made them
            yield f"filters_{name}", partial(viz.filters, projection.filters)
        elif name in network.learned and projection.has_fields and projection.groups is None:
            source = network.connection(name).source
            yield f"receptive_fields_{name}", partial(_fields, projection, positions[source])
        elif name in network.learned and isinstance(projection, Gathered):
            sheet = network.layer(network.connection(name).source).geometry
            yield f"features_{name}", partial(_features, projection, sheet)
    for name, stimulus in list(stimuli.items())[:1]:
        activity = cache(partial(_activity, network, name, stimulus, steps))
        driven = stimulus.drives(network, name)[0]
        yield "waves", partial(_waves, activity, driven, positions[driven], dt)
        yield "raster", partial(_raster, activity, dt)


def _waves(activity: Callable[[], dict[str, Tensor]], layer: str, positions: Tensor, dt: float) -> Figure:
    return viz.wave_frames(positions, activity()[layer], dt=dt)


def _raster(activity: Callable[[], dict[str, Tensor]], dt: float) -> Figure:
    return viz.raster(activity(), dt=dt)


def _fields(projection: WeightedProjection, positions: Tensor) -> Figure:
    return viz.receptive_fields(projection.initial_weight(), projection.weight.detach(), positions)


def _features(projection: Gathered, sheet: Sheet) -> Figure:
    return viz.preferred_features(projection.weight, projection.nodes, sheet.positions, period=sheet.period)


@torch.no_grad()
def _activity(network: SpikingNetwork, connection: str, stimulus: Stimulus, steps: int) -> dict[str, Tensor]:
    """Spikes ``[T, N]`` of the layers that the stimulus reaches, after the waves have built up."""
    stimulus.check(network, connection)
    driven, state = stimulus.drives(network, connection), None
    for number in range(_SETTLING_ROUNDS + 1):
        currents = stimulus.currents(network, connection, steps=steps, streams=[0], round_number=number)
        last = number == _SETTLING_ROUNDS
        spikes, state = network.run(
            currents, state, layers=graph.reachable(driven, network.edges) if last else driven,
            developing=stimulus.spontaneous, noise=False,
        )  # fmt: skip
    return {name: sent[:, 0] for name, sent in spikes.items()}


def _stimuli(trainer: Trainer, network: SpikingNetwork) -> dict[str, Stimulus]:
    """What wires each connection that a rule wires, by name; of a network without any, waves in a sheet."""
    phase = find_callback(trainer, SelfOrganization)
    sheets = [name for name, projection in network.projections.items() if isinstance(projection, Coupling)]
    found = {}
    for name in network.learned or sheets[:1]:
        stimulus = SpontaneousWaves() if phase is None else phase.stimulus_of(name)
        stimulus.draw(int(network.seed), name)
        found[name] = stimulus
    return found
