"""The constants of a neuron model: numbers, one a neuron, or learned."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from lightning_snn.core import checks
from lightning_snn.neurons.declared import Declared
from lightning_snn.neurons.fields import Constant
from lightning_snn.neurons.parameters import Parameter, entry
from lightning_snn.neurons.values import Values, exact


class WithConstants(Declared):
    """A module whose constants are fields of its class, each a number, one a neuron, or a parameter."""

    def take_constants(self, given: Mapping[str, Any]) -> None:
        """Take the values of the constants by name: check them, and make those to learn parameters."""
        self.numbers, self.learned = {}, nn.ParameterDict()
        for name, field in self.constants_declared().items():
            value = given[name]
            self.numbers[name] = field.checked(self.default_of(name) if value is None else value)
        self._begin_learning(given["learn"])
        for name, field in self.constants_declared().items():
            if field.stored and name in self.numbers:
                self._buffers[name] = torch.as_tensor(self.numbers.pop(name)).float()

    @classmethod
    def constants_declared(cls) -> dict[str, Constant]:
        """Its constants, by name."""
        return {name: field for name, field in cls.fields.items() if isinstance(field, Constant)}

    def default_of(self, name: str) -> Parameter:
        """The value of a constant that is given none."""
        raise ValueError(f"{name} must be given")

    def check(self) -> None:
        """Raise ``ValueError`` unless the constants fit each other; a model with rules overrides this."""

    def value_of(self, name: str) -> Any:
        """A constant: a number, or float64 ``[N]``; of one that is learned the value of now."""
        if name in self.learned:
            return self.constants_declared()[name].bound(self.learned[name])
        return self._buffers[name] if name in self._buffers else self.numbers[name]

    def set_constant(self, name: str, value: Any) -> None:
        """Change a constant; it acts at once.

        Raises:
            ValueError: if it is not allowed.
        """
        field = self.constants_declared()[name]
        checked = field.checked(value)
        before: Any = self.numbers.get(name)
        if name in self.learned:
            before, number = self.learned[name].detach().clone(), torch.as_tensor(checked)
            checked = field.free(number.reshape(()) if number.numel() == 1 else number)
            if checked.ndim and checked.shape != before.shape:
                raise ValueError(
                    f"{name} must hold 1 or {before.numel()} values, as many as are learned, got "
                    f"{checked.numel()}"
                )
        elif name in self._buffers:
            before = self._buffers[name]
            checked = torch.as_tensor(checked).to(before)
        self._put(name, checked)
        try:
            self.check()
        except ValueError:
            self._put(name, before)
            raise

    def _put(self, name: str, value: Any) -> None:
        if name in self.learned:
            with torch.no_grad():
                self.learned[name].copy_(value)
        elif name in self._buffers:
            self._buffers[name] = value
        else:
            self.numbers[name] = value
        self._known: dict[Any, Any] = {}

    def _begin_learning(self, names: Sequence[str]) -> None:
        known = self.constants_declared()
        if not isinstance(names, Collection):
            raise ValueError(f"learn must be a list of names of constants, got {names!r}")
        for name in dict.fromkeys([names] if isinstance(names, str) else names):
            if not known:
                raise ValueError(f"learn must be none: {type(self).__name__} has no constants, got {name!r}")
            checks.one_of("learn", name, known)
            value = torch.as_tensor(self.numbers.pop(name), dtype=torch.float64)
            self.learned[name] = nn.Parameter(known[name].free(value).float())

    def values(self) -> Values:
        """The declared constants in float64."""
        return Values({name: exact(self.value_of(name)) for name in self.constants_declared()})

    def parameters_of(self, index: int) -> dict[str, float]:
        """The constants of one neuron by name."""
        return {
            name: entry(torch.as_tensor(self.value_of(name)), index) for name in self.constants_declared()
        }
