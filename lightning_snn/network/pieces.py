"""Runs in pieces of time: memory of one piece, by computing again, and gradients that end at cuts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Unpack

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lightning_snn.core import checks
from lightning_snn.core.tensors import leaves, rebuilt
from lightning_snn.network.network import NetworkState, RunOptions, SpikingNetwork

Step = Callable[[dict[str, Tensor], Any, torch.Generator | None], tuple[Any, Any]]
"""From inputs ``[S, B, N]`` of a piece by name, a state and a generator to results and the state after it."""


@dataclass(frozen=True)
class Pieces:
    """How a run over time is cut.

    A piece keeps nothing for its gradients but the state before it: it is run again when these are computed,
    with the same random numbers. So the memory of a training step is that of one piece, the states between
    pieces, and what the run gives. The last piece is not run again.

    Args:
        truncate_steps: Steps after each of which gradients end: none of a later one reaches an earlier one.
            None: they go back to the first step.
        checkpoint_steps: Steps of a piece; by default as many as ``truncate_steps``.

    Raises:
        ValueError: if a number is not positive.

    Source: Chen et al., Training deep nets with sublinear memory cost (2016); Williams and Peng, An efficient
    gradient-based algorithm for on-line training of recurrent network trajectories, Neural Comput. 2 (1990).

    >>> Pieces(truncate_steps=4, checkpoint_steps=3).cuts(10)
    [0, 3, 4, 6, 8, 9, 10]
    """

    truncate_steps: int | None = None
    checkpoint_steps: int | None = None

    def __post_init__(self) -> None:  # noqa: D105
        for name, value in self.given.items():
            checks.count(name, value)

    def __bool__(self) -> bool:
        """Whether anything is cut."""
        return bool(self.given)

    @property
    def given(self) -> dict[str, int]:
        """The numbers that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def check(self, network: SpikingNetwork) -> None:
        """Raise ``ValueError`` if a connection of the network must see a whole sequence at once."""
        for name, projection in network.projections.items():
            if self and projection.whole_sequences:
                norm = projection.norm
                kind = norm if norm is not None and norm.whole_sequences else projection
                raise ValueError(
                    f"{' and '.join(self.given)} must be none beside {network.key(name)}: "
                    f"{type(kind).__name__} sees whole sequences at once, which pieces of them do not give"
                )

    def cuts(self, steps: int) -> list[int]:
        """Where pieces of a run of so many steps begin, and the end."""
        inner = {step for size in self.given.values() for step in range(size, steps, size)}
        return sorted({0, *inner, steps})

    def through(
        self,
        run: Step,
        inputs: Mapping[str, Tensor],
        state: Any = None,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[list[Any], Any]:
        """Run over ``inputs`` ``[T, B, N]`` by name; returns the results of the pieces, and the state after.

        Args:
            run: What is run on a piece; ``None`` is the state at rest.
            inputs: The inputs.
            state: State to go on from.
            generator: Source of random numbers; torch's global one by default.
        """
        steps = len(next(iter(inputs.values())))
        cuts, found = self.cuts(steps), []
        for first, end in pairwise(cuts):
            piece = {name: x[first:end] for name, x in inputs.items()}
            if self.truncate_steps and first and first % self.truncate_steps == 0:
                state = detached(state)
            if end == steps or not torch.is_grad_enabled():
                result, state = run(piece, state, generator)
            else:
                before = None if generator is None else generator.get_state()
                result, state, after = checkpoint(
                    _drawing, run, piece, state, generator, before, use_reentrant=False
                )
                if generator is not None and after is not None:
                    generator.set_state(after)
            found.append(result)
        return found, state


def run_in_pieces(
    network: SpikingNetwork,
    inputs: Mapping[str, Tensor],
    state: NetworkState | None = None,
    *,
    truncate_steps: int | None = None,
    checkpoint_steps: int | None = None,
    keep: Collection[str] | None = None,
    **options: Unpack[RunOptions],
) -> tuple[dict[str, Tensor], NetworkState]:
    """As `SpikingNetwork.run`, in pieces of time; see `Pieces`.

    Spikes are those of a run at once. Where a layer has noise of its own, it is drawn piece by piece: other
    numbers than in a run at once.

    Args:
        network: The network.
        inputs: Input ``[T, B, N]`` of layers by name.
        state: State to continue from; rest by default.
        truncate_steps: As `Pieces` has it.
        checkpoint_steps: As `Pieces` has it.
        keep: Names of the layers whose spikes are returned, by default all; the others' take no memory.
        **options: Those of `SpikingNetwork.run`, but ``known``.

    Returns:
        Spikes ``[T, B, N]`` by layer name, and the state after the last step.

    Raises:
        ValueError: if a number is not positive, a connection must see whole sequences, or as
            `SpikingNetwork.run`.

    >>> from lightning_snn import LIF, SpikingLayer, Square
    >>> alone = SpikingNetwork({"a": SpikingLayer(Square(5, side=2.0), LIF())})
    >>> spikes, _ = run_in_pieces(alone, {"a": torch.full((20, 1, 5), 2.0)}, checkpoint_steps=6)
    >>> torch.equal(spikes["a"], alone(torch.full((20, 1, 5), 2.0))[0]["a"])
    True
    """
    pieces = Pieces(truncate_steps, checkpoint_steps)
    pieces.check(network)
    if options.get("known"):
        raise ValueError("known must be none in a run in pieces: run all layers that lead to those asked for")

    def run(piece: dict[str, Tensor], state: Any, generator: torch.Generator | None) -> tuple[Any, Any]:
        given: RunOptions = {**options, "generator": generator}
        spikes, after = network.run(piece, state, **given)
        return {name: sent for name, sent in spikes.items() if keep is None or name in keep}, after

    found, after = pieces.through(run, inputs, state, generator=options.get("generator"))
    return {name: torch.cat([spikes[name] for spikes in found]) for name in found[0]}, after


def detached(state: Any) -> Any:
    """A state through which no gradient goes back."""
    return None if state is None else rebuilt(state, (part.detach() for part in leaves(state)))


def _drawing(
    run: Step, piece: dict[str, Tensor], state: Any, generator: torch.Generator | None, before: Tensor | None
) -> tuple[Any, Any, Tensor | None]:
    """Run with a generator as it was before, and return its state after: run again, it draws the same."""
    if generator is None or before is None:
        return *run(piece, state, None), None
    again = torch.Generator(generator.device).set_state(before)
    return *run(piece, state, again), again.get_state()
