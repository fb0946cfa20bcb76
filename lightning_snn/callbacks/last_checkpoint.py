"""The last state of a run, whatever ends it."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_snn.trainer.queries import is_fitting


class LastCheckpoint(ModelCheckpoint):
    """Writes ``last.ckpt`` at the end of every epoch, and at the batch at which SIGTERM ends a lone process.

    What Lightning makes depends on when there is a validation. Being a class of its own, it stands beside any
    `ModelCheckpoint` of the user's: Lightning takes two with the same arguments for one.

    After another exception the file stays as it is: Ctrl-C may come in the middle of an optimizer's step.
    """

    def __init__(self) -> None:
        super().__init__(
            filename=self.CHECKPOINT_NAME_LAST,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
            save_on_exception=True,
        )

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save what was not saved yet: a run that is resumed where it had ended has no epoch left."""
        self.on_train_epoch_end(trainer, pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save where SIGTERM ends the training: Lightning acts on it between batches.

        Of several processes none knows whether the others are at the same batch, and all must save together.
        """
        if isinstance(exception, SIGTERMException) and is_fitting(trainer) and trainer.world_size == 1:
            super().on_exception(trainer, pl_module, exception)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: each run writes to a folder of its own."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing is taken over."""
