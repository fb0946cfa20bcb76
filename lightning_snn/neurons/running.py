"""How a neuron model runs over time: compiled, or step by step in plain PyTorch, with the same results."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.neurons.stepping import Stepping
from lightning_snn.neurons.values import Prepared, kind_of, listed
from lightning_snn.ops import backend, compiler
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sequence import check_coupling, check_each, check_part, check_sequence, check_state
from lightning_snn.ops.sheet_scan import sheet_scan
from lightning_snn.ops.tap import Tap
from lightning_snn.ops.uniform_scan import uniform_scan

_programs: dict[tuple[Any, ...], compiler.Program] = {}


class Running(Stepping):
    """The time loops of a neuron model, made from its `step`."""

    def scan(
        self, current: Tensor, state: Any, *, tap: Tap | None = None, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """Spikes ``[T, B, N]`` and the last state for inputs ``[T, B, N]``; ``tap`` sees the states between.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with no empty dimension, the state, a constant or
                a further input does not fit it, or what the tap wants is no variable of the state.
        """
        return self._scan(current, state, others, tap=tap)

    def scan_held(
        self, current: Tensor, state: Any, steps: int, *, tap: Tap | None = None
    ) -> tuple[Tensor, Any]:
        """`scan` of an input ``[B, N]`` that stays the same for some ``steps``; its gradient is their sum.

        On a CPU it takes the memory of one step only, and so does its gradient.

        Raises:
            ValueError: as `scan`.
        """
        held = self.received(current, state[0].dtype)
        return self._scan(held.expand(steps, *held.shape), state, {}, held=held, tap=tap)

    def run_step(
        self, current: Tensor, state: Any, *, tap: Tap | None = None, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """`advance` in the faster way, for loops over steps ``[B, N]``; ``tap`` as in `scan`.

        A scan of one step where no gradient is needed: with gradients its operator takes longer.
        """
        parts = (current, *others.values(), *state, *self.parameters())
        if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in parts):
            return self.advance(current, state, tap=tap, **others)
        further = {name: x[None] for name, x in others.items()}
        spikes, state = self.scan(current[None], state, tap=tap, **further)
        return spikes[0], state

    def scan_sheet(
        self,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        rows: Tensor,
        *,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that send ``rows`` ``[N, N]`` to each other one step after a spike.

        Gradients pass through the spikes that neurons send.

        Args:
            current: Outer input ``[T, B, N]``.
            state: State before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            rows: Row j is what a spike of neuron j adds to the current of each.
            tap: As in `scan`.
            **others: Further inputs by name, each ``[T, B, N]``.
        """
        check_sequence(current)
        check_coupling(spikes, rows, current)
        return self._scan(current, state, others, before=spikes, coupling=rows, tap=tap)

    def scan_uniform(
        self,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        strength: float,
        *,
        input: str = "current",
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that add ``strength`` to an input of every other one step after a spike.

        Args:
            current: Outer input ``[T, B, N]``.
            state: State before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            strength: What a spike adds.
            input: Name of the input that it adds to.
            tap: As in `scan`.
            **others: Further inputs.
        """
        self.check_input(input)
        check_sequence(current)
        check_part("spikes", spikes, current.shape[1:], like=current)
        target = self.inputs.index(input)
        return self._scan(current, state, others, before=spikes, strength=strength, target=target, tap=tap)

    def _scan(
        self,
        current: Tensor,
        state: Any,
        others: Mapping[str, Tensor],
        *,
        before: Tensor | None = None,
        coupling: Tensor | None = None,
        strength: float = 0.0,
        target: int = 0,
        held: Tensor | None = None,
        tap: Tap | None = None,
    ) -> tuple[Tensor, Any]:
        check_sequence(current)
        check_state(current, state, self.State)
        self.check_inputs(current, others)
        if tap is not None:
            tap.check(self.state)
        like = state[0]
        given = {
            name: self.received(x, like.dtype) for name, x in {self.inputs[0]: current, **others}.items()
        }
        before, coupling = (None if x is None else x.to(like.dtype) for x in (before, coupling))
        constants = self._prepared(like).values
        check_each(constants, current)
        named = zip("isp", ([given.get(n) for n in self.inputs], state, constants.values()), strict=True)
        wanted = [
            f"{x}{k}" for x, group in named for k, v in enumerate(group) if v is not None and v.requires_grad
        ]
        wanted = wanted if torch.is_grad_enabled() else []
        if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (before, coupling)):
            wanted = wanted or ["i0"]
        if wanted and before is not None and "i0" not in wanted:
            wanted.append("i0")

        def plain() -> tuple[Tensor, Any]:
            first, *further = given.values()
            rest = dict(zip([*given][1:], further, strict=True))
            step = partial(self.advance, tap=tap)
            if before is None:
                return neuron_scan(step, first, state, **rest)
            if coupling is not None:
                return sheet_scan(step, first, state, before, coupling, **rest)
            to = self.inputs[target] if target else None
            return uniform_scan(step, first, state, before, strength, to, **rest)

        def fused() -> tuple[Tensor, Any]:
            absent = tuple(k for k, name in enumerate(self.inputs) if name not in given and k != target)
            silent = like.new_zeros(1).expand(current.shape)
            places = () if tap is None else tap.places(self.state)
            seen = None if torch.compiler.is_compiling() else like
            settings = (self._changes, self.training)
            forward, backward = self._program(absent, tuple(wanted), places, seen, like.dtype, settings)
            inputs = [given.get(name, silent) for name in self.inputs]
            sent = (before, coupling, strength, target)
            call = compiler.Call(
                inputs, [*state], listed(constants.values()), *sent, forward, backward, len(places)
            )
            if held is not None and compiler.differentiates(held, *state):
                call = call._replace(inputs=[inputs[0].detach(), *inputs[1:]], held=held)
            found = compiler.run(call)
            count = 1 + len(state)
            if tap is not None:
                tap.put(found[count:])
            return found[0], self.State(*found[1:count])

        operator = (
            f"{compiler.__name__}.{id(type(self))}.{type(self).__name__}"  # one fails, others stay fused
        )
        fits = coupling is not None and compiler.differentiates(*given.values(), *state, coupling)
        loop = before is not None and wanted and not fits
        if not self.compiled or loop or checks.is_transformed():
            return plain()
        return backend.run(operator, current.device, fused, plain)

    def program(self) -> compiler.Program:
        """The kernels that it is compiled to, with the gradient of its first input."""
        like = torch.empty(0)
        return compiler.Program(*self._program((), ("i0",), (), like, like.dtype))

    def _program(
        self,
        absent: tuple[int, ...],
        wanted: tuple[str, ...],
        record: tuple[tuple[int, bool], ...],
        like: Tensor | None,
        dtype: torch.dtype,
        settings: tuple[Any, ...] = (),
    ) -> tuple[str, str]:
        """Keys of the kernels for inputs that are absent, gradients that are wanted, and so on.

        A compiler and an exporter give nothing that it is ``like``: what they see has no values. They take
        the result for a constant as long as the ``settings`` are the same.
        """
        del settings
        with nullcontext() if like is not None else compiler.outside():
            constants = self._prepared(torch.empty(0, dtype=dtype) if like is None else like)
            if (absent, wanted, record) not in constants.programs:
                constants.programs[absent, wanted, record] = self._build(
                    constants, absent, wanted, record, dtype
                )
        return constants.programs[absent, wanted, record]

    def _build(
        self,
        constants: Prepared,
        absent: tuple[int, ...],
        wanted: tuple[str, ...],
        record: tuple[tuple[int, bool], ...],
        dtype: torch.dtype,
    ) -> tuple[str, str]:
        names, kinds = tuple(constants.values), tuple(kind_of(x) for x in constants.values.values())
        starts = tuple(x if isinstance(x, float) else None for x in self.state.values())
        case = compiler.Case(kinds, starts, absent, wanted, record, dtype)
        key = (type(self), type(self).step, self.settings, names, case)
        if key not in _programs:
            title = f"{type(self).__module__}.{type(self).__qualname__}"
            step = compiler.Step(self._flat(names), title, self.inputs, tuple(self.state), names)
            _programs[key] = compiler.build(step, case)
        return tuple(_programs[key])  # type: ignore[return-value]

    # what torch.compiler.assume_constant_result does, which would import torch's compiler here, for seconds
    _program._dynamo_marked_constant = True  # type: ignore[attr-defined]

    def _flat(self, names: Sequence[str]) -> Any:
        """`step` from tensors to tensors: inputs, variables and constants, in this order."""
        first, second = len(self.inputs), len(self.inputs) + len(self.state)

        def run(*args: Tensor) -> list[Tensor]:
            given = dict(zip(self.inputs, args, strict=False))
            constants = dict(zip(names, args[second:], strict=True))
            spikes, after, before = self._step(given, self.State(*args[first:second]), constants)
            return [spikes, *after, *before]

        return run
