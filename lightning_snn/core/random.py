"""Random numbers by name: the seed, and what the numbers are for, give a stream of their own.

Two things never draw the same numbers because their seeds are equal: a sheet called ``retina`` draws from
(seed, "geometry/retina"), the weights of a layer ``lgn`` from (seed, "weights/lgn").
"""

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable

PLAIN = -1
"""What `root_seed` makes of ``plain``, the seed of a network of before there were names.

Each part of such a network draws from its own seed alone, 0 by default.
"""

RootSeed = int | Literal["plain"] | None


class RandomStream(NamedTuple):
    """A source of random numbers that always gives the same.

    Args:
        seed: Whole number, 0 or above.
        name: What the numbers are for; empty: the seed alone decides, see `PLAIN`.
        kind: The name without that of the place in a network.
        own: The seed that the part itself was given, if any.
    """

    seed: int
    name: str
    kind: str = ""
    own: int | None = None

    def torch(self, *numbers: int) -> torch.Generator:
        """A generator on the CPU at its start; another for each list of ``numbers``.

        >>> one, other = RandomStream(0, "weights/lgn"), RandomStream(0, "geometry/lgn")
        >>> torch.equal(torch.rand(9, generator=one.torch()), torch.rand(9, generator=one.torch()))
        True
        >>> torch.equal(torch.rand(9, generator=one.torch()), torch.rand(9, generator=other.torch()))
        False
        """
        if not self.name and not numbers:
            return torch.Generator().manual_seed(self.seed)
        word = np.random.SeedSequence(self._entropy(numbers)).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(word >> np.uint64(1)))

    def numpy(self, *numbers: int) -> np.random.Generator:
        """As `torch`, for numpy."""
        return np.random.default_rng(self._entropy(numbers))

    def of(self, part: str) -> "RandomStream":
        """The stream of a part of what this one is for; a plain one is its own part."""
        return self._replace(name=f"{self.name}/{part}") if self.name else self

    def under(self, seed: int, name: str) -> "RandomStream":
        """The stream of the same part in a network of another seed, under ``name``."""
        with drawing(seed, name):
            return stream_of(self.kind, self.own)

    def _entropy(self, numbers: tuple[int, ...]) -> list[int]:
        digest = hashlib.sha256(self.name.encode()).digest()[:16] if self.name else b""
        words = [int(word) for word in np.frombuffer(digest, dtype="<u4")]
        return [self.seed, *words, *numbers]


class _Place(NamedTuple):
    seed: int
    name: str


_place: ContextVar[_Place | None] = ContextVar("place", default=None)
_run_seed: ContextVar[int | None] = ContextVar("run_seed", default=None)


@contextmanager
def drawing(seed: int, name: str) -> Iterator[None]:
    """What is built inside draws from ``seed``, or its own where it has one, under ``name``."""
    token = _place.set(_Place(seed, name))
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def run_seed(seed: int | None) -> Iterator[None]:
    """What `root_seed` finds inside; None: torch's generator decides."""
    token = _run_seed.set(seed)
    try:
        yield
    finally:
        _run_seed.reset(token)


def root_seed(seed: RootSeed) -> int:
    """The seed of a network or a data set: the one given, else the run's, else one by torch's generator.

    Raises:
        ValueError: if it is no whole number, 0 or above.
    """
    if seed == "plain":
        return PLAIN
    checks.seed("seed", seed)
    chosen = _run_seed.get() if seed is None else seed
    return fresh_seed() if chosen is None else chosen


def is_drawn(seed: RootSeed) -> bool:
    """Whether `root_seed` draws, as neither ``seed`` nor the run names a number."""
    return seed is None and _run_seed.get() is None


def fresh_seed() -> int:
    """A seed drawn from torch's generator, which `seed_everything` seeds."""
    return int(torch.randint(2**31, (), dtype=torch.int64, device="cpu"))


def stream_of(kind: str, seed: int | None) -> RandomStream:
    """The stream of a part that is being built.

    Args:
        kind: What the part draws, such as ``weights``.
        seed: Its own seed. None: in a network the network's, else one by torch's generator.

    Raises:
        ValueError: if the seed is no whole number, 0 or above.
    """
    checks.seed("seed", seed)
    place = _place.get()
    if place is None:
        return RandomStream(fresh_seed() if seed is None else seed, kind, kind, seed)
    if place.seed == PLAIN:
        return RandomStream(seed or 0, "", kind, seed)
    return RandomStream(place.seed if seed is None else seed, f"{kind}/{place.name}", kind, seed)


class Drawn(Protocol):
    """A part that draws from ``stream``, or draws nothing."""

    stream: RandomStream | None


Part = TypeVar("Part", bound=Drawn)
Built = TypeVar("Built", bound=Configurable)


def network_stream(seed: int | Tensor, name: str) -> RandomStream:
    """The stream of a network of this ``seed`` for what is called ``name``; of `PLAIN` that of seed 0."""
    return RandomStream(max(int(seed), 0), name)


def redrawn(part: Built, seed: int, name: str) -> Built:
    """A part that draws when it is built, as a network has it: built again under ``name``.

    Itself where it draws nothing.
    """
    if getattr(part, "stream", None) is None:
        return part
    with drawing(seed, name):
        return part.again()


def drawn_here(part: Built) -> Built:
    """A part of a part that is being built: in a network built again, as the network's; else itself."""
    return part if _place.get() is None or getattr(part, "stream", None) is None else part.again()


def rerouted(part: Part, seed: int, name: str) -> Part:
    """A part that draws when it is called, as a network has it: a shallow copy that draws under ``name``.

    Itself where it draws nothing.
    """
    if part.stream is None:
        return part
    copied = copy.copy(part)
    copied.stream = part.stream.under(seed, name)
    return copied


@contextmanager
def torch_seeded(stream: RandomStream) -> Iterator[None]:
    """Inside, torch's own generator of the CPU draws from ``stream``; afterwards it goes on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(stream.torch().get_state())
        yield
