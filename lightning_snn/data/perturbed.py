"""Test sets that are perturbed, by name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.perturbations import (
    GaussianNoise,
    Occlusion,
    Perturbation,
    PerturbationWord,
    SaltAndPepper,
    Shift,
)

Perturbations = Mapping[str, Perturbation | Sequence[Perturbation]] | Sequence[PerturbationWord]
"""Perturbations by name, several strengths of one in a list; or words, each the name of its own."""

_BY_WORD: dict[str, type[Perturbation]] = {
    "shifted": Shift,
    "noise": GaussianNoise,
    "salt_and_pepper": SaltAndPepper,
    "occluded": Occlusion,
}

_NUMBERED = re.compile(r"_\d+$")

_TAKEN = ("clean", "accuracy", "macro_f1")


class PerturbedSet(ImageDataset):
    """Images as a perturbation shows them.

    Args:
        clean: The images.
        perturbation: What is done to them.
        name: What it is called.
        first: Whether it is the one of its name that stands for all; the others are called by their strength.
        seed: Of what is drawn.
    """

    def __init__(
        self, clean: ImageDataset, perturbation: Perturbation, *, name: str, first: bool = True, seed: int = 0
    ) -> None:
        super().__init__(clean.images, labels=clean.labels, sample=clean.sample, scramble=clean.scramble)
        self.perturbation = perturbation
        self.name = name
        self.seed = seed
        self.test_name = _called(name, perturbation, first)

    def shown(self, image: Tensor, sample: Tensor) -> Tensor:
        """The images, perturbed."""
        return self.perturbation(image, sample, seed=self.seed)


def named_perturbations(
    given: Perturbations | None, *, size: tuple[int, int]
) -> dict[str, list[Perturbation]]:
    """Perturbations by name, each a list of strengths.

    Args:
        given: As the user gave them.
        size: Height and width of the images in pixels.

    Raises:
        ValueError: if there is no such word, a word or a strength is there twice, the strengths of one name
            are of several kinds, or images are too small.
    """
    if not isinstance(given, Mapping):
        given = _by_word([given] if isinstance(given, str) else list(given or []))
    found = {name: _strengths(name, one) for name, one in given.items()}
    for name, kinds in found.items():
        for kind in kinds:
            _check_size(kind, name, size)
    return found


def perturbed_sets(
    clean: ImageDataset, perturbations: Mapping[str, Sequence[Perturbation]], *, seed: int
) -> list[PerturbedSet]:
    """The images under each perturbation, in order.

    Args:
        clean: The images.
        perturbations: By name; the first of a list stands for all.
        seed: Of what is drawn.
    """
    return [
        PerturbedSet(clean, kind, name=name, first=number == 0, seed=seed)
        for name, kinds in perturbations.items()
        for number, kind in enumerate(kinds)
    ]


def _called(name: str, perturbation: Perturbation, first: bool) -> str:
    return name if first else f"{name}_{perturbation.strength:g}"


def _by_word(words: Sequence[str]) -> dict[str, Perturbation]:
    for word in words:
        checks.one_of("data.perturbations", word, _BY_WORD)
    if len(set(words)) < len(words):
        raise ValueError(f"data.perturbations must differ, got {words}: give them names to have two of one")
    return {word: _BY_WORD[word]() for word in words}


def _strengths(name: str, given: Perturbation | Sequence[Perturbation]) -> list[Perturbation]:
    if not isinstance(name, str) or not name.isidentifier() or name in _TAKEN or _NUMBERED.search(name):
        raise ValueError(
            "names of data.perturbations must be identifiers (letters, digits and _), none of "
            f"{', '.join(_TAKEN)}, and not end in _ and a number as those of strengths do, got {name!r}"
        )
    found: list[Any] = list(given) if isinstance(given, list | tuple) else [given]
    if not found or not all(isinstance(kind, Perturbation) for kind in found):
        raise ValueError(
            f"data.perturbations.{name} must be a Perturbation, such as Shift(2), or a list of several "
            f"strengths, got {given!r}"
        )
    kinds = list(dict.fromkeys(type(one).__name__ for one in found))
    strengths = [f"{one.strength:g}" for one in found]
    if len(kinds) > 1:
        raise ValueError(f"data.perturbations.{name} must be strengths of one kind, got {', '.join(kinds)}")
    if len(set(strengths)) < len(strengths):
        raise ValueError(f"data.perturbations.{name} must differ in strength, got {', '.join(strengths)}")
    return found


def _check_size(perturbation: Perturbation, name: str, size: tuple[int, int]) -> None:
    try:
        perturbation.check(*size)
    except ValueError as error:
        raise ValueError(f"data.perturbations.{name}.{error}") from error
