"""Controls go through the phase too: with their own fixed weights, and the homeostasis of the network."""

from collections.abc import Callable, Iterator, Mapping

from lightning.pytorch import LightningModule, Trainer
from torch import nn

from lightning_snn.development.controls import ControlNetwork
from lightning_snn.development.development import Development
from lightning_snn.network import SpikingStack
from lightning_snn.plasticity import Streams
from lightning_snn.stimuli import Stimulus
from lightning_snn.trainer.progress import PhaseProgress
from lightning_snn.trainer.queries import is_trial


def unsettled(pl_module: LightningModule) -> list[tuple[ControlNetwork, str]]:
    """Controls of a module and the layers in which homeostasis is to set their thresholds, bottom first."""
    return [
        (control, name)
        for control in _controls(pl_module)
        for name in control.unwired
        if control.projections[name].threshold_rise is not None
    ]


def settle_controls(
    trainer: Trainer,
    pl_module: LightningModule,
    stack: SpikingStack,
    drive: Callable[[str], tuple[Stimulus, Streams]],
    *,
    chunk: int,
    steps: Mapping[str, int],
    otherwise: int,
    between_rounds: Callable[[], None],
) -> None:
    """Rewire the controls' layers and let homeostasis set their thresholds, as long as the network learned.

    Args:
        trainer: The Trainer, for its progress bar; a trial settles nothing.
        pl_module: The module with the controls.
        stack: Its wired stack.
        drive: What drives the network when a layer is wired, shown from its first round on, and the streams.
        chunk: Steps of a round that the user asked for.
        steps: Steps, summed over the streams, that each layer was wired for.
        otherwise: The same for layers that were wired earlier.
        between_rounds: Called before each round.
    """
    for control, name in [] if is_trial(trainer) else unsettled(pl_module):
        control.rewire(stack, name)
        stimulus, streams = drive(name)
        development = Development(
            stack, name, stimulus, streams, projections=control.projections, plastic=False
        )
        total, done, number = steps.get(name, otherwise), 0, 0
        with PhaseProgress(trainer, f"settle {control.kind} {name}", total) as bar:
            while done < total:
                between_rounds()
                size = development.round_steps(chunk, total - done)
                development.round(size, number)
                number += 1
                done += size * streams.total
                development.check_finite(done)
                bar.update(min(done, total), "")
        development.conclude(keep=True)


def _controls(pl_module: LightningModule) -> Iterator[ControlNetwork]:
    found = getattr(pl_module, "controls", None)
    for module in found.values() if isinstance(found, nn.ModuleDict) else ():
        if isinstance(module, ControlNetwork):
            yield module
