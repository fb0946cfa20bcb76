"""Objects written down as plain ``{class_path, init_args}`` dictionaries: checkpoints hold no code."""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import PurePath
from types import FunctionType
from typing import Any, ClassVar, Self

from jsonargparse import Namespace
from torch import Tensor


class Configurable:
    """Base of the classes that remember the arguments they were built with.

    >>> class Wheel(Configurable):
    ...     def __init__(self, spokes: int = 8) -> None: ...
    >>> to_config(Wheel(12))["init_args"]
    {'spokes': 12}
    """

    _init_args: dict[str, Any]

    _functions: ClassVar[tuple[str, ...]] = ()
    """Arguments that may be functions: they are written down as dotted paths, which they must take too."""

    _settled: ClassVar[tuple[str, ...]] = ()
    """Arguments of the base class that a class with ``**options`` does not take, since it gives them."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Record the arguments under their names; ``__init__`` still reports the wrong ones."""
        self = super().__new__(cls)
        found = kwargs
        with suppress(TypeError):
            found = named_arguments(cls.__mro__, args, kwargs)
        object.__setattr__(self, "_init_args", found)
        return self

    def again(self, **changes: Any) -> Self:
        """Another one of the same arguments, but for ``changes``."""
        return type(self)(**(self._init_args | changes))


def named_arguments(mro: Sequence[type], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor under their names; those in ``*args`` have the names of the next class.

    Args:
        mro: The class and its bases, in the order in which constructors are looked for.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Raises:
        TypeError: if the class does not take them.

    >>> class Wheel:
    ...     def __init__(self, spokes: int = 8, *, hub: str = "steel") -> None: ...
    >>> class Bright(Wheel):
    ...     def __init__(self, *args, colour: str = "red", **kwargs) -> None: ...
    >>> named_arguments(Bright.__mro__, [12], {"hub": "wood", "colour": "blue"})
    {'colour': 'blue', 'spokes': 12, 'hub': 'wood'}
    """
    own = next(place for place, base in enumerate(mro) if "__init__" in vars(base))
    signature = inspect.signature(mro[own].__init__)  # type: ignore[misc]
    found = dict(list(signature.bind_partial(None, *args, **kwargs).arguments.items())[1:])
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found |= found.pop(name, {})
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL and name in found:
            if mro[own] is object:
                raise TypeError("there are more arguments than names")
            found |= named_arguments(mro[own + 1 :], found.pop(name), {})
    return found


def all_arguments(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of a constructor by name; those in ``*args`` and ``**kwargs`` are the next class's.

    >>> class Wheel:
    ...     def __init__(self, spokes: int = 8, *, hub: str = "steel") -> None: ...
    >>> class Bright(Wheel):
    ...     def __init__(self, *, spokes: int = 12, **kwargs) -> None: ...
    >>> [f"{name}={p.default}" for name, p in all_arguments(Bright).items()]
    ['spokes=12', 'hub=steel']
    """
    found: dict[str, inspect.Parameter] = {}
    settled = getattr(cls, "_settled", ())
    for base in (base for base in cls.__mro__ if "__init__" in vars(base)):
        own = list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
        passed_on = [p for p in own if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        found |= {p.name: p for p in own if p not in passed_on and p.name not in {*found, *settled}}
        if not passed_on:
            break
    return found


def all_defaults(cls: type) -> dict[str, Any]:
    """The defaults of all arguments of a constructor that have one; see `all_arguments`."""
    return {n: p.default for n, p in all_arguments(cls).items() if p.default is not inspect.Parameter.empty}


def to_config(value: Any, *, key: str = "value") -> Any:
    """Turn ``value`` into numbers, strings, lists and dictionaries.

    Args:
        value: A plain value, a path, a `Configurable`, a class, a ``functools.partial`` of a class (also the
            kind that jsonargparse makes of a ``class_path``), or a collection of these.
        key: What ``value`` is called in the error message.

    Raises:
        ValueError: if ``value`` holds something that cannot be written down, such as a lambda.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: to_config(item, key=f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_config(item, key=f"{key}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Configurable):
        return _class_config(type(value), value._init_args, key)
    if isinstance(value, type):
        return _class_config(value, {}, key)
    if isinstance(value, partial) and (cls := made_by(value)) is not None:
        return _class_config(cls, value.keywords, key)
    raise ValueError(
        f"{key} cannot be stored in a checkpoint: {value!r}. Give a class, "
        "functools.partial(Class, name=value, ...), an object of this package or plain values."
    )


def made_by(factory: Any) -> type | None:
    """The class whose objects a factory makes, where it is a class or a ``functools.partial`` of one.

    jsonargparse's own partials carry the class as last argument.
    """
    if isinstance(factory, type):
        return factory
    if not isinstance(factory, partial):
        return None
    if isinstance(factory.func, type):
        return None if factory.args else factory.func
    return next((item for item in reversed(factory.args) if isinstance(item, type)), None)


def entries(config: Any, path: Sequence[str] = ()) -> Iterator[tuple[Sequence[str], Any]]:
    """Steps to every value, and the value, at any depth; ``init_args`` is no step, ``[0]`` one into a list.

    >>> [dotted(path) for path, _ in entries({"rule": {"init_args": {"rate": 1}}, "parts": [{"a": 2}]})]
    ['rule', 'rule.rate', 'parts', 'parts[0]', 'parts[0].a']
    """
    if isinstance(config, Namespace):
        config = vars(config)
    parts: Sequence[tuple[str, Any]] = []
    if isinstance(config, dict):
        parts = [(str(name), part) for name, part in config.items()]
    elif isinstance(config, list):
        parts = [(f"[{i}]", part) for i, part in enumerate(config) if isinstance(part, Namespace | dict)]
    for name, part in parts:
        if name == "init_args":
            yield from entries(part, path)
        else:
            yield (*path, name), part
            yield from entries(part, (*path, name))


def dotted(path: Sequence[str]) -> str:
    """The steps to a value as one key."""
    return ".".join(path).replace(".[", "[")


def public_path(cls: type | FunctionType) -> str:
    """Where a class or a function is meant to be imported from: the outermost package that offers it.

    A file that moves inside a package changes nothing.

    >>> from torch.optim import Adam
    >>> Adam.__module__, public_path(Adam)
    ('torch.optim.adam', 'torch.optim.Adam')
    """
    parts = cls.__module__.split(".")
    packages = [".".join(parts[: i + 1]) for i in range(len(parts))]
    offers = (p for p in packages if getattr(sys.modules.get(p), cls.__qualname__, None) is cls)
    return f"{next(offers, cls.__module__)}.{cls.__qualname__}"


def class_at(path: str) -> type | None:
    """The class at a path; None where nothing can be imported, such as a class inside a function."""
    package, _, name = path.rpartition(".")
    try:
        return getattr(import_module(package), name, None)
    except (ImportError, ValueError):
        return None


def _class_config(cls: type, init_args: Mapping[str, Any], key: str) -> dict[str, Any]:
    paths = {
        name: _path_of_function(init_args[name], key=f"{key}.{name}")
        for name in getattr(cls, "_functions", ())
        if isinstance(init_args.get(name), FunctionType)
    }
    return {"class_path": public_path(cls), "init_args": to_config({**init_args, **paths}, key=key)}


def _path_of_function(function: FunctionType, key: str) -> str:
    path = public_path(function)
    found: object = class_at(path)
    if found is not function:
        raise ValueError(
            f"{key} cannot be stored in a checkpoint: {function!r}. Give a function that can be imported, "
            "which no lambda and none inside another is, or its dotted path."
        )
    return path
