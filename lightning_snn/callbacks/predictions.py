"""Predictions written to a file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from lightning_snn.core.batches import Prediction


class WritePredictions(BasePredictionWriter):
    """Writes each `Prediction` to ``predictions.csv``; with several processes, a file each.

    Args:
        folder: Where to write.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(write_interval="epoch")
        self.folder = Path(folder)

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],
    ) -> None:
        """Write all predictions of this process."""
        del pl_module, batch_indices
        if not all(isinstance(batch, Prediction) for batch in predictions):
            return
        suffix = f"_{trainer.global_rank}" if trainer.world_size > 1 else ""
        path = self.folder / f"predictions{suffix}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Prediction._fields)
            for batch in predictions:
                writer.writerows(zip(*(column.tolist() for column in batch), strict=True))
        print(f"Predictions: {path}")
