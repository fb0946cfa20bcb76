"""Learning signals: what tells a neuron how its spike changes the loss."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from lightning_snn.core.charge import current_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.network import SpikingNetwork
from lightning_snn.network.wire import Wire
from lightning_snn.training.online.local import Local
from lightning_snn.training.online.shown import Shown
from lightning_snn.training.online.walk import Block, wires_of


class Signals(nn.Module, ABC):
    """Where the learning signals of neurons come from."""

    def layers(self, network: SpikingNetwork, shown: Shown, trained: Sequence[str]) -> list[str]:
        """The layers whose local derivatives are needed, where those of ``trained`` learn."""
        del network, shown
        return list(trained)

    @property
    def readers(self) -> list[tuple[nn.Parameter, str]]:
        """What learns as if it were weights ``[C, N]`` of the output, and the layer whose neurons it has."""
        return []

    @abstractmethod
    def forward(
        self,
        network: SpikingNetwork,
        shown: Shown,
        block: Block,
        local: Mapping[str, Local],
        output: Tensor | None,
        sums: Tensors,
    ) -> Tensors:
        """Learning signals ``[S, B, N]`` of some steps, by the name of the layers that learn.

        Args:
            network: The network.
            shown: What is read of it.
            block: The steps.
            local: Their local derivatives, by layer.
            output: Gradient ``[S, B, C]`` of the loss by the outputs, where there are any.
            sums: Gradients ``[S, B, N]`` of the loss by the spikes of layers, as far as their sums are read.
        """


class Feedback(Signals):
    """Signals straight from the output, ``L = B' dE/dy`` with a matrix B for each layer, and from the sums.

    Args:
        matrices: B ``[C, N]`` by layer; of one that is missing, and is read, the weights of the output.
        adaptive: Whether the matrices learn, as if they were weights of the output.

    Source: Bellec et al., Nat. Commun. 11 (2020), eq. 4 and section "Learning signals"; random matrices:
    Lillicrap et al., Nat. Commun. 7 (2016).
    """

    def __init__(self, matrices: Mapping[str, Tensor], *, adaptive: bool = False) -> None:
        super().__init__()
        self.adaptive = adaptive
        self.matrices = nn.Module()  # whose names are those of layers, and clash with nothing
        for name, matrix in matrices.items():
            if adaptive:
                self.matrices.register_parameter(name, nn.Parameter(matrix))
            else:
                self.matrices.register_buffer(name, matrix)

    def forward(
        self,
        network: SpikingNetwork,
        shown: Shown,
        block: Block,
        local: Mapping[str, Local],
        output: Tensor | None,
        sums: Tensors,
    ) -> Tensors:
        """See `Signals`."""
        del network, block
        return direct(shown, local, output, sums, matrices=dict(self._own()))

    @property
    def readers(self) -> list[tuple[nn.Parameter, str]]:
        """See `Signals`."""
        return [(parameter, name) for name, parameter in self.matrices.named_parameters()]

    def _own(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.matrices.named_parameters()
        yield from self.matrices.named_buffers()


def direct(
    shown: Shown,
    local: Mapping[str, Local],
    output: Tensor | None,
    sums: Tensors,
    *,
    matrices: Mapping[str, Tensor],
) -> Tensors:
    """What reaches each layer straight from the loss ``[S, B, N]``; arguments as `Signals` has them.

    ``matrices`` ``[C, N]`` bring it back from the output, by layer; of one that is missing, and is read, the
    weights of the output.
    """
    if shown.output is not None:
        matrices = {shown.read_from: shown.output, **matrices}
    found = {name: sums.get(name, torch.zeros_like(step.derivatives[0, 0])) for name, step in local.items()}
    if output is not None:
        for name in found.keys() & matrices.keys():
            found[name] = found[name] + output @ matrices[name].detach().to(output)
    return found


class Spatial(Signals):
    """Signals by backpropagation through the layers within one step; what came from earlier steps is dropped.

    Source: Xiao et al., Online training through time for spiking neural networks, NeurIPS (2022), eq. 8.
    """

    def layers(self, network: SpikingNetwork, shown: Shown, trained: Sequence[str]) -> list[str]:
        """Those that learn, and those that they lead to within a step."""
        found = set(trained)
        wires = [w for w in wires_of(network, shown.names) if not w.steps]
        for name in shown.names:
            if any(w.target == name and w.source in found for w in wires):
                found.add(name)
        return [name for name in shown.names if name in found]

    def forward(
        self,
        network: SpikingNetwork,
        shown: Shown,
        block: Block,
        local: Mapping[str, Local],
        output: Tensor | None,
        sums: Tensors,
    ) -> Tensors:
        """See `Signals`."""
        found = direct(shown, local, output, sums, matrices={})
        wires = [w for w in wires_of(network, shown.names) if not w.steps]
        for name in reversed(list(local)):
            for wire in wires:
                if wire.target != name or wire.source not in local:
                    continue
                by, _ = local[name].by(("input", wire.input))
                with torch.enable_grad():
                    arrived = block.arrived[wire.name].detach().requires_grad_()
                    charge, _ = wire.projection.charge(arrived, block.synapses[wire.name])
                    share = self._at_once(wire, charge.detach(), network.dt)
                    (back,) = torch.autograd.grad(charge, arrived, found[name] * by * share)
                found[wire.source] = found[wire.source] + back
        return found

    def _at_once(self, wire: Wire, charge: Tensor, dt: float) -> Tensor | float:
        """The current in the step in which a charge of 1 arrives."""
        kinetics = wire.projection.kinetics
        if kinetics is None:
            return current_of(1.0, dt)
        one = torch.ones_like(charge[:1])
        return kinetics.run(one, kinetics.rest(one.shape[1], one.shape[2], one), dt=dt)[0]
