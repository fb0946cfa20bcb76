"""A callback that narrows the Gaussians through which delays are learned."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_snn.core import checks
from lightning_snn.synapses import DelayedDense


class NarrowDelays(Callback):
    """Lets the width of the Gaussians of each `DelayedDense` shrink, by the same factor every epoch.

    It is a function of the epoch alone, so a resumed run goes on as it would have.

    Args:
        end: Width in ms at the end.
        epochs: Epochs after which it is reached; by default the last one of the Trainer.

    Raises:
        ValueError: if a number is out of range, no delay is learned, or the Trainer has no last epoch and
            ``epochs`` is not given.

    Source: Hammouamri et al., Learning delays in spiking neural networks using dilated convolutions with
    learnable spacings, ICLR (2024), section 3.3.
    """

    def __init__(self, end: float = 0.5, epochs: int | None = None) -> None:
        checks.positive("end", end)
        if epochs is not None:
            checks.count("epochs", epochs)
        self.end = end
        self.epochs = epochs

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check that there is something to do."""
        if stage != "fit":
            return
        if not self._learned(pl_module):
            raise ValueError("NarrowDelays needs a DelayedDense whose delays are trained, and there is none")
        if self.epochs is None and (trainer.max_epochs or -1) < 0:
            raise ValueError("NarrowDelays needs epochs, as the Trainer has no max_epochs")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the widths of this epoch."""
        last = self.epochs if self.epochs is not None else max((trainer.max_epochs or 1) - 1, 1)
        done = min(trainer.current_epoch / last, 1.0)
        for projection in self._learned(pl_module):
            start = projection.first_sigma
            projection.narrow(start * (self.end / start) ** done)

    @staticmethod
    def _learned(module: Any) -> list[DelayedDense]:
        return [p for p in module.modules() if isinstance(p, DelayedDense) and p.own_delay.requires_grad]
