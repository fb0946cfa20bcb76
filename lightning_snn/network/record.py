"""What to record of a run, and what was recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops.tap import When

LIMIT_MB = 512.0
"""Memory in MB (of 10^6 bytes) that a recording may take unless it says so."""


@dataclass(frozen=True)
class Record:
    """Variables of a layer or connection to record.

    Of a layer: ``spikes``, ``current`` (what its neurons are given: input, noise and all connections;
    further inputs as ``input_<name>``) and any variable of its neurons' state, such as ``v``. Of a
    connection: ``current``, what it delivers, and any variable of its kinetics as ``kinetics_<name>``.

    Args:
        variables: Their names.
        when: Whether the neurons' state is seen ``after`` spikes have reset it, as the next step finds it,
            or ``before``.
        every: Steps from one record to the next; the first is that of the first step.
        neurons: Numbers of the neurons; all by default.

    Raises:
        ValueError: if there is no variable or no neuron, a number is out of range or ``when`` unknown.
    """

    variables: list[str]
    when: When = "after"
    every: int = 1
    neurons: list[int] | None = None

    def __post_init__(self) -> None:  # noqa: D105
        if isinstance(self.variables, str) or not self.variables:
            raise ValueError(f"record.variables must be a list of names, got {self.variables!r}")
        checks.one_of("record.when", self.when, get_args(When))
        checks.count("record.every", self.every)
        if self.neurons is not None and not self.neurons:
            raise ValueError("record.neurons must hold at least one number, or be left out for all, got none")
        for number in self.neurons or []:
            checks.whole("record.neurons", number)


Wanted = Mapping[str, Any]
"""What to record by layer or connection: names of variables, or `Record` objects that say more.

As in a file, the arguments of a `Record` may stand for it: ``{"lgn": {"variables": ["v"], "every": 10}}``.
"""


@dataclass(frozen=True)
class Recording:
    """What to record of a run, and how much memory that may take.

    Args:
        wanted: By name of a layer, or of a connection where no layer is called so; ``connections.<name>`` is
            always a connection.
        limit_mb: Most memory in MB. It is compared with what the recording will take before anything runs.

    Raises:
        ValueError: if the limit is not positive, or a variable is named twice.

    >>> Recording({"retina": ["spikes", "v"]}).records["retina"]
    [Record(variables=['spikes', 'v'], when='after', every=1, neurons=None)]
    """

    wanted: Wanted
    limit_mb: float = LIMIT_MB
    records: dict[str, list[Record]] = field(init=False)

    def __post_init__(self) -> None:  # noqa: D105
        checks.positive("record.limit_mb", self.limit_mb)
        object.__setattr__(self, "records", {name: _records(name, one) for name, one in self.wanted.items()})
        for name, records in self.records.items():
            seen = [variable for record in records for variable in record.variables]
            twice = sorted({variable for variable in seen if seen.count(variable) > 1})
            if twice:
                raise ValueError(f"record.{name} must name a variable once, got {', '.join(twice)} twice")

    def among(self, layers: Collection[str], connections: Collection[str]) -> "Recording":
        """What of it is about these layers and connections."""
        kept = {
            name: records
            for name, records in self.records.items()
            if name in layers or name.removeprefix("connections.") in connections
        }
        return Recording(kept, self.limit_mb)

    def within(self, steps: int) -> "Recording":
        """The same in a run of so many steps, with one record at least."""
        return Recording(
            {
                name: [replace(record, every=min(record.every, steps)) for record in records]
                for name, records in self.records.items()
            },
            self.limit_mb,
        )

    def ends(self, layers: Collection[str], targets: Mapping[str, str]) -> set[str]:
        """The layers that it is about: recorded ones, and ``targets`` of connections that are."""
        found = {name for name in self.records if name in layers}
        others = (name.removeprefix("connections.") for name in self.records if name not in layers)
        return found | {targets[name] for name in others if name in targets}


class RecordingTooLargeError(ValueError):
    """A recording would take more memory than its limit."""


def _records(name: str, one: Any) -> list[Record]:
    """What was asked for under a name, as records."""
    parts = [one] if isinstance(one, str | Record | Mapping) else list(one)
    names = [part for part in parts if isinstance(part, str)]
    return ([Record(names)] if names else []) + [
        part if isinstance(part, Record) else _record(name, part)
        for part in parts
        if not isinstance(part, str)
    ]


def _record(name: str, options: Any) -> Record:
    """A record from its arguments, as they stand in a file.

    Raises:
        ValueError: if they are none.
    """
    known = [one.name for one in fields(Record)]
    if not isinstance(options, Mapping) or not {"variables"} <= set(options) <= set(known):
        raise ValueError(
            f"record.{name} must hold names of variables, or variables with {', '.join(known[1:])}, "
            f"got {options}"
        )
    return Record(**options)


@dataclass(frozen=True)
class Recorded:
    """What was recorded, without gradients: ``recorded["lgn"]["v"]`` is ``[T', B, n]``.

    Args:
        tensors: ``[T', B, n]`` by name as it was asked for, and variable.
        times: When each record was taken ``[T']``, likewise: the beginning of its step, in ms from the
            beginning of the run.
        neurons: Numbers of the neurons ``[n]``, likewise.
    """

    tensors: dict[str, dict[str, Tensor]]
    times: dict[str, dict[str, Tensor]]
    neurons: dict[str, dict[str, Tensor]]

    def __getitem__(self, name: str) -> dict[str, Tensor]:
        """The variables of a layer or connection, by name."""
        return self.tensors[name]
