"""Learning rules of older checkpoints, with the arguments that make them learn as they did."""

from typing import Any

from lightning_snn.core.config import class_at, named_arguments

PAIRS = ("lightning_snn.PairSTDP", "lightning_snn.TripletSTDP", "lightning_snn.RewardSTDP")
"""Rules in which a coincidence potentiated."""

COMPETING = ("lightning_snn.STDP", "lightning_snn.CompetitiveHebbian")
"""Rules whose units competed in every step, however short it was."""


def as_they_learned(settings: Any, *, dt: float = 1.0) -> Any:
    """Settings with a ``coincidence`` or a ``window`` in the rules of which an older version had none.

    Args:
        settings: Nested dictionaries and lists of a checkpoint, with classes by their public paths; not
            modified.
        dt: Step of the network in ms.

    >>> as_they_learned({"rule": {"class_path": "lightning_snn.TripletSTDP"}})["rule"]["init_args"]
    {'coincidence': 'potentiate'}
    """
    if isinstance(settings, list):
        return [as_they_learned(item, dt=dt) for item in settings]
    if not isinstance(settings, dict):
        return settings
    found = {key: as_they_learned(value, dt=dt) for key, value in settings.items()}
    path, arguments = found.get("class_path"), found.get("init_args") or {}
    step = arguments.get("dt") or dt
    former: dict[str, Any] = {}
    if _is_one(path, PAIRS, "coincidence"):
        former = {"coincidence": "potentiate"}
    elif step < 1 and _is_one(path, COMPETING, "window"):
        former = {"window": step}
    return found | {"init_args": former | arguments} if former else found


def _is_one(path: Any, rules: tuple[str, ...], argument: str) -> bool:
    """Whether a class is one of ours, or one of a user's that hands the argument on to one of ours."""
    if path in rules:
        return True
    if not isinstance(path, str) or path.startswith("lightning_snn."):
        return False
    try:
        cls = class_at(path)
        ours = tuple(found for rule in rules if (found := class_at(rule)) is not None)
        return (
            cls is not None
            and issubclass(cls, ours)
            and bool(named_arguments(cls.__mro__, (), {argument: 0}))
        )
    except Exception:  # whatever importing somebody's module raises is reported where the class is built
        return False
