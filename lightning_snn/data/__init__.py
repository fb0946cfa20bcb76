"""Data: digits in memory, their splits, loaders that resume in the middle of an epoch; padded sequences."""

from lightning_snn.core.batches import Batch, Sequences
from lightning_snn.data.augmentation import Augmentation
from lightning_snn.data.evidence import EvidenceAccumulation
from lightning_snn.data.fashion_mnist import FashionMNIST
from lightning_snn.data.grey_images import GreyImages
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.loader import BatchLoader
from lightning_snn.data.mnist import MNIST
from lightning_snn.data.pattern import Pattern
from lightning_snn.data.perturbations import (
    Affine,
    Flip,
    GaussianNoise,
    Occlusion,
    Perturbation,
    SaltAndPepper,
    Shift,
)
from lightning_snn.data.perturbed import PerturbedSet
from lightning_snn.data.randman import Randman
from lightning_snn.data.sequences import pad_sequences
from lightning_snn.data.xor import XOR

__all__ = [
    "MNIST",
    "XOR",
    "Affine",
    "Augmentation",
    "Batch",
    "BatchLoader",
    "EvidenceAccumulation",
    "FashionMNIST",
    "Flip",
    "GaussianNoise",
    "GreyImages",
    "ImageDataset",
    "Occlusion",
    "Pattern",
    "Perturbation",
    "PerturbedSet",
    "Randman",
    "SaltAndPepper",
    "Sequences",
    "Shift",
    "pad_sequences",
]
