"""Constructors made from what a class declares."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, dataclass_transform

from torch import nn

from lightning_snn.core.config import Configurable
from lightning_snn.neurons.fields import Constant, Field, TimeStep, constant, option


@dataclass_transform(field_specifiers=(constant, option, TimeStep))
class Declared(Configurable, nn.Module):
    """A module whose arguments are fields of its class: `constant` and `option`.

    A class that declares some gets a constructor with a signature and an Args section in its docstring; one
    that writes its own constructor keeps it.
    """

    fields: dict[str, Field]
    _arguments: inspect.Signature

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the constructor of a class that declares fields."""
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        inherited: Mapping[str, Field] = getattr(cls, "fields", {})
        for name in own.keys() - inherited:
            if any(hasattr(base, name) for base in cls.__bases__):
                raise TypeError(f"{cls.__name__}.{name} needs another name: every neuron model has a {name}")
        cls.fields = cls.taken({**inherited, **own})
        cls._arguments = _signature(cls)
        made = cls.__init__ is nn.Module.__init__ or hasattr(cls.__init__, "__signature__")
        if cls.fields != inherited and made and "__init__" not in vars(cls):
            cls.__init__ = _constructor(cls)  # type: ignore[method-assign]
            lines = "".join(f"\n    {field.text}" for field in _ordered(cls.fields).values())
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__ or cls.__name__)}\n\nArgs:{lines}\n"

    @classmethod
    def taken(cls, fields: dict[str, Field]) -> dict[str, Field]:
        """Those of the fields that are arguments."""
        return fields

    def accept(self, given: dict[str, Any]) -> None:
        """Take the arguments, by name."""
        raise NotImplementedError


def _ordered(fields: Mapping[str, Field]) -> dict[str, Field]:
    """What may be given by place, then what must be named, that of every model at the end."""
    rank = {name: (field.kw_only, field.common) for name, field in fields.items()}
    return {name: fields[name] for name in sorted(fields, key=rank.__getitem__)}


def _signature(cls: type[Declared]) -> inspect.Signature:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    types: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        types |= _annotations(base)
    types |= {name: float | None for name, field in cls.fields.items() if isinstance(field, TimeStep)}
    parameters = [inspect.Parameter("self", kinds[0])]
    parameters += [
        inspect.Parameter(name, kinds[field.kw_only], default=field.default, annotation=types.get(name, Any))
        for name, field in _ordered(cls.fields).items()
    ]
    return inspect.Signature(parameters, return_annotation=None)


def _constructor(cls: type[Declared]) -> Callable[..., None]:
    def __init__(self: Declared, *args: Any, **kwargs: Any) -> None:
        signature = type(self)._arguments  # a class with a constructor of its own may have more fields
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            takes = ", ".join([*signature.parameters][1:])
            raise TypeError(f"{type(self).__name__}: {error}; it takes {takes}") from None
        given = dict([*bound.arguments.items()][1:])
        object.__setattr__(self, "_init_args", given | self._init_args)
        bound.apply_defaults()
        self.accept(dict([*bound.arguments.items()][1:]))

    signature = cls._arguments
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    __init__.__annotations__ = {x.name: x.annotation for x in [*signature.parameters.values()][1:]}
    __init__.__annotations__["return"] = None
    __init__.__module__, __init__.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    return __init__


def _annotations(cls: type) -> dict[str, Any]:
    try:
        return inspect.get_annotations(cls, eval_str=True)
    except NameError:  # a name that only a type checker sees
        return inspect.get_annotations(cls)


__all__ = ["Constant", "Declared", "Field", "constant", "option"]
