"""What is around a phase, and what an interrupted one goes on from."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from lightning_snn.development.development import RoundActivity
from lightning_snn.network import Recording
from lightning_snn.stimuli import Scene


class Bar(Protocol):
    """A progress bar."""

    def update(self, completed: int, note: str = "") -> None:
        """Show that ``completed`` steps are done, and a note."""


class Surroundings(Protocol):
    """What is around a phase: a Trainer, or nothing but a terminal."""

    trial: bool
    """Whether this is a mere try of a few rounds, which leaves no trace."""

    def scene(self) -> Scene:
        """What stimuli may show."""

    def bar(self, description: str, total: int) -> AbstractContextManager[Bar]:
        """A progress bar."""

    def before_round(self) -> None:
        """Where a signal may stop the phase."""

    def recording(self, name: str, number: int) -> Recording | None:
        """What to record of a round of the connection ``name``; None: nothing."""

    def take(self, name: str, number: int, activity: RoundActivity) -> None:
        """Take what was recorded of it."""

    def after_round(self, rounds: int) -> None:
        """Where the phase may be saved; it is whole after each round."""

    def log(self, name: str, report: dict[str, float], steps: int) -> None:
        """Take note of a report."""

    def tell(self, message: str, *, warning: bool = False) -> None:
        """Tell the user how it ended."""


@dataclass
class Done:
    """How far a phase is, and what an interrupted one goes on from.

    Args:
        round: Rounds of all connections so far.
        steps: Steps, summed over the streams, of the connection that is being wired.
        taken: Steps of the connections that are wired, by name.
        streams: State of all streams of the connection that is being wired, see `Development.state`.
    """

    round: int = 0
    steps: int = 0
    taken: dict[str, int] = field(default_factory=dict)
    streams: list[Tensor] = field(default_factory=list)
