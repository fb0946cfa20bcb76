"""Images that a small network can tell apart."""

import torch
from lightning.pytorch import LightningDataModule

from lightning_snn.data import BatchLoader, ImageDataset


class Quadrants(LightningDataModule):
    """8 x 8 images of four classes, each bright in another quadrant; 60 to train, 30 to validate and test.

    Several processes share the batches to train.
    """

    def __init__(self, batch_size=20):
        super().__init__()
        self.batch_size = batch_size
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(120) % 4
        images = torch.randint(0, 100, (120, 1, 8, 8), generator=generator)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = 4 * (label // 2), 4 * (label % 2)
            image[0, row : row + 4, column : column + 4] += 100
        whole = ImageDataset(images.to(torch.uint8), labels=labels, sample=torch.arange(120))
        parts = torch.arange(120).split([60, 30, 30])
        self.train_set, self.val_set, self.test_set = (whole.subset(part) for part in parts)

    def train_dataloader(self):
        place = {} if self.trainer is None else {
            "rank": self.trainer.global_rank, "world_size": self.trainer.world_size,
            "limit": self.trainer.limit_train_batches,
        }  # fmt: skip
        return BatchLoader(self.train_set, batch_size=self.batch_size, shuffle=True, seed=1, **place)

    def val_dataloader(self):
        return BatchLoader(self.val_set, batch_size=20, shuffle=False)

    def test_dataloader(self):
        return BatchLoader(self.test_set, batch_size=20, shuffle=False)

    predict_dataloader = test_dataloader
