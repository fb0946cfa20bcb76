"""What a self-organising phase is asked to do, connection by connection."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lightning_snn.core import checks
from lightning_snn.development.report import Until
from lightning_snn.stimuli import SpontaneousWaves, Stimulus

Value = TypeVar("Value")

MAX_STEPS = 100_000
TARGET_SHARE = 0.15
STOP_AT = 0.9


@dataclass(frozen=True)
class PhaseSettings:
    """What a phase is asked to do; stimulus, end and limits for all connections, or by connection name.

    Args:
        stimulus: What drives the network; spontaneous waves by default.
        num_streams: Independent streams over all processes.
        chunk: Steps that a stream runs on its own before the streams merge: one round.
        max_steps: Steps, summed over the streams, after which a connection counts as wired in any case.
        target_share: A unit is localised only if its field has less than this share of the nodes.
        stop_at: Share of localised units at which a connection is wired, where that decides.
        until: What decides; by default what suits rule and projection, see `end_of`.
        check_every_n_rounds: Rounds between measurements.
        key: What stands before the names of the arguments in messages.

    Raises:
        ValueError: if a count is not positive or a share does not lie in [0, 1].
    """

    stimulus: Stimulus | Mapping[str, Stimulus] = field(default_factory=SpontaneousWaves)
    num_streams: int = 8
    chunk: int = 250
    max_steps: int | Mapping[str, int] = MAX_STEPS
    target_share: float | Mapping[str, float] = TARGET_SHARE
    stop_at: float | Mapping[str, float] = STOP_AT
    until: Until | Mapping[str, Until] | None = None
    check_every_n_rounds: int = 4
    key: str = ""

    def __post_init__(self) -> None:
        """Check all numbers."""
        checks.count(f"{self.key}num_streams", self.num_streams)
        checks.count(f"{self.key}chunk", self.chunk)
        for key, steps in self._each("max_steps"):
            checks.count(key, steps)
        checks.count(f"{self.key}check_every_n_rounds", self.check_every_n_rounds)
        for key, share in self._each("target_share"):
            checks.positive(key, share)
            checks.between(key, share, 0, 1)
        for key, share in self._each("stop_at"):
            checks.between(key, share, 0, 1)

    def check_names(self, connections: Collection[str]) -> None:
        """Raise ``ValueError`` if something is given for connections that no rule wires."""
        for name in ("stimulus", "max_steps", "target_share", "stop_at", "until"):
            given = getattr(self, name)
            if isinstance(given, Mapping) and set(given) - set(connections):
                raise ValueError(
                    f"{self.key}{name} must name connections that a rule wires, {sorted(connections)}, "
                    f"got {sorted(given)}"
                )

    def stimulus_of(self, name: str) -> Stimulus:
        """The stimulus that wires a connection."""
        if isinstance(self.stimulus, Mapping):
            return self.stimulus.get(name) or SpontaneousWaves()
        return self.stimulus

    def max_steps_of(self, name: str) -> int:
        """Most steps of a connection, summed over the streams."""
        return _of(self.max_steps, name, MAX_STEPS)

    def target_share_of(self, name: str) -> float:
        """The share of nodes below which a field of a connection is localised."""
        return _of(self.target_share, name, TARGET_SHARE)

    def stop_at_of(self, name: str) -> float:
        """The share of localised units at which a connection is wired."""
        return _of(self.stop_at, name, STOP_AT)

    def until_of(self, name: str) -> Until | None:
        """What decides when a connection is wired, as the user said."""
        return _of(self.until, name, None)

    def key_of(self, argument: str, name: str) -> str:
        """Where the user said so for a connection."""
        by_name = isinstance(getattr(self, argument), Mapping)
        return f"{self.key}{argument}{f'.{name}' if by_name else ''}"

    def _each(self, argument: str) -> list[tuple[str, Any]]:
        given = getattr(self, argument)
        if isinstance(given, Mapping):
            return [(f"{self.key}{argument}.{name}", value) for name, value in given.items()]
        return [(f"{self.key}{argument}", given)]


def _of(given: Value | Mapping[str, Value], name: str, otherwise: Value) -> Value:
    return given.get(name, otherwise) if isinstance(given, Mapping) else given
