"""Arguments of the command line before Lightning's CLI sees them."""

from functools import reduce
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from yaml import YAMLError

from lightning_snn.cli.errors import NO_TRAINER_LOGGER
from lightning_snn.cli.parser import merged, read_yaml
from lightning_snn.cli.recipes import find_recipe
from lightning_snn.cli.wording import unknown_key
from lightning_snn.core.config import dotted, entries
from lightning_snn.core.upgrade import upgraded_options

CONFIG_OPTIONS = ("--config", "-c")


def replace_seeds(config: Any, seed: int) -> None:
    """Set every value called ``seed``, at any depth."""
    items = vars(config) if isinstance(config, Namespace) else config
    for key, value in items.items():
        if key == "seed" and isinstance(value, int):
            items[key] = seed
        elif isinstance(value, Namespace | dict):
            replace_seeds(value, seed)


def resolve_configs(args: list[str]) -> list[str]:
    """``--config NAME`` and ``--config=NAME`` as ``--config FILE``, where NAME may be a recipe's.

    >>> from pathlib import Path
    >>> [Path(arg).name for arg in resolve_configs(["-c=mnist", "--config", "xor_reward", "--seed=1"])]
    ['--config', 'mnist.yaml', '--config', 'xor_reward.yaml', '--seed=1']
    """
    resolved = []
    rest = iter(upgraded_options(args))
    for arg in rest:
        option, given, value = arg.partition("=")
        if option not in CONFIG_OPTIONS:
            resolved.append(arg)
        else:
            name = value if given else next(rest, None)
            if name is None:
                raise ValueError(f"{option} needs a value: the name of a recipe or a YAML file")
            resolved += ["--config", str(find_recipe(name))]
    return resolved


def as_given(args: list[str]) -> Any:
    """Files and dotted options laid over each other, as they were given.

    >>> as_given(["--model.layers.lgn.neuron", "LIF", "--model.layers.lgn.noise=1"])
    {'model': {'layers': {'lgn': {'neuron': 'LIF', 'noise': 1}}}}
    """
    given: Any = {}
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        option, there, value = arg.partition("=")
        if option in CONFIG_OPTIONS:
            tree = read_yaml(Path(following).read_text(encoding="utf-8"))
        elif option.startswith("--"):
            names = option.removeprefix("--").split(".")
            read = _read(value if there else following)
            tree = reduce(lambda inner, name: {name: inner}, reversed(names), read)
        else:
            continue
        given = merged(given, tree)
    return given


def _read(value: str) -> Any:
    try:
        return read_yaml(value)
    except YAMLError:
        return value


def check_groups(config: Namespace) -> None:
    """Raise ``ValueError`` for what the parser lets pass at the top of a configuration."""
    for group in ("trainer", "self_organization"):
        if not isinstance(config[group], Namespace):
            raise ValueError(f"{group} must hold arguments by name, got {config[group]}")
    if config.trainer.logger is not None:
        raise ValueError(NO_TRAINER_LOGGER)
    for name in ("seed", "seed_everything"):
        value = config[name]
        if value is not None and not 0 <= value < 2**32:
            raise ValueError(f"{name} must lie between 0 and {2**32 - 1}, got {value}")


def check_empty_groups(given: Any, config: Namespace) -> None:
    """Raise ``ValueError`` for an unknown key that holds ``{}``, which the parser drops without a word.

    Args:
        given: What the user gave; see `as_given`.
        config: What the parser made of it.
    """
    known = {dotted(path) for path, _ in entries(config)}
    for path, value in entries(given):
        if value == {} and dotted(path) not in known:
            raise ValueError(unknown_key(dotted(path)))


def value_of(args: list[str], option: str) -> str:
    """The value of an option given as ``option value`` or ``option=value``."""
    for i, arg in enumerate(args):
        if arg.startswith(f"{option}="):
            return arg.split("=", 1)[1]
        if arg == option and i + 1 < len(args):
            return args[i + 1]
    raise ValueError(f"{option} needs a value")


def check_model_is_free(args: list[str]) -> None:
    """Raise ``ValueError`` if an option of the model stands beside ``--ckpt_path``, which holds the model."""
    names = [arg.split("=")[0] for arg in args]
    changed = [name for name in names if name.startswith("--model")]
    if "--ckpt_path" in names and changed:
        raise ValueError(f"{changed[0]} has no effect beside --ckpt_path: the checkpoint holds the model")


def without_model(args: list[str]) -> list[str]:
    """The arguments without those of the model, which a checkpoint holds.

    >>> without_model(["--model.cache", "false", "--seed", "1", "--model.readout=MLP"])
    ['--seed', '1']
    """
    kept: list[str] = []
    dropping = False
    for arg in args:
        if arg.startswith("--"):
            dropping = arg.startswith("--model")
        if not dropping:
            kept.append(arg)
        dropping = dropping and "=" not in arg
    return kept


def take(args: list[str], option: str) -> tuple[str | None, list[str]]:
    """The value of an option, None if it is not given, and the other arguments.

    >>> take(["a", "--seeds", "3", "b"], "--seeds")
    ('3', ['a', 'b'])
    """
    for i, arg in enumerate(args):
        if arg.startswith(f"{option}="):
            return arg.split("=", 1)[1], args[:i] + args[i + 1 :]
        if arg == option:
            return value_of(args, option), args[:i] + args[i + 2 :]
    return None, args


def take_count(args: list[str], option: str, *, default: int, least: int) -> tuple[int, list[str]]:
    """As `take`, for a whole number.

    Raises:
        ValueError: if the value is no whole number, or below ``least``.

    >>> take_count(["mnist", "--seeds=5"], "--seeds", default=3, least=1)
    (5, ['mnist'])
    """
    value, others = take(args, option)
    if value is None:
        return default, others
    if not value.isdecimal() or int(value) < least:
        raise ValueError(f"{option} must be a whole number, {least} or above, got {value!r}")
    return int(value), others
