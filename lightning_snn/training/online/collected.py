"""Gradients that are collected while a network runs, step by step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lightning_snn.core.charge import current_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.network import SpikingNetwork
from lightning_snn.network.wire import Wire
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.online.eligibility import Eligibility
from lightning_snn.training.online.local import Local, Name, Structure, local_steps, structure_of
from lightning_snn.training.online.shown import Shown, read
from lightning_snn.training.online.signals import Signals
from lightning_snn.training.online.walk import Block, walk, wires_of


def collected(network: SpikingNetwork, shown: Shown, signals: Signals) -> tuple[Tensor | None, list[Tensor]]:
    """The output ``[T, B, C]``, if any, and the sums ``[B, N]``; their gradients are collected online.

    The gradient of a loss by these is known when all of it has been seen. Then the run is repeated, and what
    each step adds to the gradients of weights is added while it is there: the memory does not depend on the
    length, but for that of the input and the output.

    Args:
        network: The network.
        shown: The input, and what is read.
        signals: Where the learning signals of neurons come from.

    Raises:
        RuntimeError: in the backward pass, if a weight has been changed in place since.
    """
    output = [] if shown.output is None else [shown.output]
    parameters = [*trained(network, shown.names), *signals.parameters(), *output]
    found: tuple[Tensor, ...] = _Collected.apply(network, shown, signals, *parameters)
    return (None, [*found]) if shown.output is None else (found[0], [*found[1:]])


def trained(network: SpikingNetwork, names: Sequence[str]) -> Iterator[nn.Parameter]:
    """The weights, and constants of neurons, of these layers that gradients are to reach."""
    for wire in _trained_wires(network, names):
        yield _weighted(wire).weight
    for name in names:
        yield from (p for p in network.layer(name).neuron.learned.values() if p.requires_grad)


def trained_layers(network: SpikingNetwork, names: Sequence[str]) -> list[str]:
    """Those of these layers whose neurons, or connections to them, are trained."""
    reached = {wire.target for wire in _trained_wires(network, names)}
    own = {
        name for name in names if any(p.requires_grad for p in network.layer(name).neuron.learned.values())
    }
    return [name for name in names if name in reached | own]


def _trained_wires(network: SpikingNetwork, names: Sequence[str]) -> list[Wire]:
    return [
        wire
        for wire in wires_of(network, names)
        if isinstance(wire.projection, WeightedProjection) and wire.projection.weight.requires_grad
    ]


def _weighted(wire: Wire) -> WeightedProjection:
    assert isinstance(wire.projection, WeightedProjection)
    return wire.projection


class _Collected(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, network: SpikingNetwork, shown: Shown, signals: Signals, *parameters: Tensor
    ) -> Any:
        ctx.network, ctx.shown, ctx.signals = network, shown, signals
        ctx.save_for_backward(*parameters)  # torch refuses them if they have changed before the backward pass
        with torch.autocast(network.seed.device.type, enabled=False):
            return tuple(read(network, shown))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        with torch.autocast(ctx.network.seed.device.type, enabled=False):
            found = _Collecting(ctx.network, ctx.shown, ctx.signals).over(grads)
        return None, None, None, *(found.get(id(p)) for p in ctx.saved_tensors)


class _Collecting:
    """A run that adds up gradients; arguments as of `collected`."""

    def __init__(self, network: SpikingNetwork, shown: Shown, signals: Signals) -> None:
        self.network, self.shown, self.signals = network, shown, signals
        like = next(iter(shown.currents.values()))[0]
        self.wires = _trained_wires(network, shown.names)
        self.constants = {
            name: found for name in shown.names if (found := learned_constants(network, name, like))
        }
        needed = signals.layers(network, shown, trained_layers(network, shown.names))
        self.structures = {name: self._structure(name, like) for name in needed}
        self.kinetics: dict[str, Tensors] = {}
        self.by_wire = {w.name: Eligibility(("input", w.input), _weighted(w).units) for w in self.wires}
        self.by_constant = {
            (name, key): Eligibility(("constant", key), _alone)
            for name, found in self.constants.items()
            for key in found
        }
        output = shown.output
        self.readers = [] if output is None else [(output, shown.read_from), *signals.readers]

    def _structure(self, name: str, like: Tensor) -> Structure:
        layer = self.network.layer(name)
        wires = [w for w in wires_of(self.network, self.shown.names) if w.target == name]
        sources: list[Name] = [*dict.fromkeys(("input", wire.input) for wire in wires)]
        sources += [("constant", key) for key in self.constants.get(name, {})]
        return structure_of(layer.neuron, sources, like.new_zeros(1, layer.num_nodes))

    def over(self, grads: Sequence[Tensor]) -> dict[int, Tensor]:
        """Gradients by the ``id`` of the parameter, where ``grads`` are those of what was read."""
        network, shown = self.network, self.shown
        output, sums = (grads[0], grads[1:]) if shown.output is not None else (None, grads)
        found: dict[int, Tensor] = {}
        for block in walk(
            network, shown.currents, shown.names, seed=shown.seed, within=list(self.structures)
        ):
            local = {
                name: local_steps(
                    network.layer(name).neuron, block.inputs[name], block.before[name], structure
                )
                for name, structure in self.structures.items()
            }
            now = None if output is None else output[block.steps]
            by_sum: Tensors = {}
            for (layer, weights), grad in zip(shown.sums, sums, strict=True):
                by_sum[layer] = by_sum.get(layer, 0.0) + weights[block.steps, :, None] * grad
            self._advance(block, local, self.signals(network, shown, block, local, now, by_sum))
            for parameter, layer in self.readers:
                assert now is not None
                _add(found, parameter, now.flatten(0, 1).t() @ block.spikes[layer].flatten(0, 1).to(now))
        return found | self._of_weights() | self._of_constants()

    def _advance(self, block: Block, local: Mapping[str, Local], signals: Tensors) -> None:
        for wire in self.wires:
            self.by_wire[wire.name].advance(
                local[wire.target], self._arrived(wire, block), signals[wire.target]
            )
        for (name, _), eligibility in self.by_constant.items():
            signal = signals[name]
            eligibility.advance(local[name], signal.new_ones(*signal.shape[:2], 1, 1), signal)

    def _arrived(self, wire: Wire, block: Block) -> Tensor:
        """What a weight of 1 makes of what arrives at each place ``[S, B, P, F]``."""
        projection, kinetics = _weighted(wire), wire.projection.kinetics
        fields = projection.fields(projection.kept(block.arrived[wire.name], block.synapses[wire.name]))
        if kinetics is None:
            return current_of(fields, self.network.dt)
        flat = fields.flatten(2)
        state = self.kinetics.get(wire.name) or kinetics.rest(flat.shape[1], flat.shape[2], flat)
        current, self.kinetics[wire.name] = kinetics.run(flat, state, dt=self.network.dt)
        return current.reshape(fields.shape)

    def _of_weights(self) -> dict[int, Tensor]:
        found: dict[int, Tensor] = {}
        for wire in self.wires:
            projection = _weighted(wire)
            with torch.enable_grad():
                efficacy = projection.efficacy()
                grad = self.by_wire[wire.name].collected().to(efficacy)
                grad = grad.sum(0) if projection.groups is None else grad
                (own,) = torch.autograd.grad(efficacy, projection.weight, grad)
            _add(found, projection.weight, own)
        return found

    def _of_constants(self) -> dict[int, Tensor]:
        found: dict[int, Tensor] = {}
        for name, values in self.constants.items():
            grads = [self.by_constant[name, key].collected().sum((0, 2)) for key in values]
            grads = [g.sum_to_size(x.shape).to(x) for g, x in zip(grads, values.values(), strict=True)]
            own = list(self.network.layer(name).neuron.learned.values())
            for p, grad in zip(
                own, torch.autograd.grad([*values.values()], own, grads, allow_unused=True), strict=True
            ):
                if grad is not None:
                    _add(found, p, grad)
        return found


def learned_constants(network: SpikingNetwork, name: str, like: Tensor) -> Tensors:
    """The constants of a layer's step that follow from what is learned, with their graph."""
    with torch.enable_grad():
        return {key: x for key, x in network.layer(name).neuron.constants_at(like).items() if x.requires_grad}


def _alone(values: Tensor) -> Tensor:
    """Values ``[..., B, N]`` of neurons as those of units ``[..., B, P, K]`` at one place."""
    return values[..., None, :]


def _add(found: dict[int, Tensor], parameter: Tensor, grad: Tensor) -> None:
    """Add a gradient to that of a parameter."""
    key = id(parameter)
    found[key] = found[key] + grad.to(parameter) if key in found else grad.to(parameter)
