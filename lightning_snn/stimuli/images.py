"""Unlabelled images, one in each stream and round."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.batches import mapped, split
from lightning_snn.core.random import RandomStream, rerouted, stream_of
from lightning_snn.encoders import Encoder, ImageEncoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.stimuli.stimulus import Scene, Stimulus


class Images(Stimulus):
    """Shows the training images without their labels; each round starts from rest and shows one a stream.

    The images come in an order that a seed and the number of the pass fix, so the result does not depend on
    how the streams are spread over processes. A round lasts as long as the encoder's presentation does.

    Args:
        encoder: Images to the input of the layers that are driven; by default the network's own of each.
        num_images: Images to draw from, the first of the order; None: all.
        layer: Name of the layer that sees them; by default all input layers that lead to the connection.
        seed: Of the order and of random encoders; by default the network's.

    Raises:
        ValueError: if ``num_images`` is not positive.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.6 (presentation).
    """

    continues = False
    needs_scene = True
    stream: RandomStream

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        num_images: int | None = None,
        layer: str | None = None,
        seed: int | None = None,
    ) -> None:
        if num_images is not None:
            checks.count("num_images", num_images)
        self.encoder = encoder
        self.num_images = num_images
        self.layer = layer
        self.stream = stream_of("images", seed)
        self._scene: Scene | None = None
        self._order: tuple[int, Tensor] | None = None

    def draw(self, seed: int, name: str) -> None:
        """See `Stimulus.draw`; an encoder of its own draws likewise."""
        super().draw(seed, name)
        self._order = None
        if self.encoder is not None:
            self.encoder = rerouted(self.encoder, seed, name)

    def attach(self, scene: Scene) -> None:
        """Show the images of ``scene``, with its encoders where this has none of its own.

        Raises:
            ValueError: if it holds fewer images than ``num_images``.
        """
        if self.num_images is not None and self.num_images > scene.num_images:
            raise ValueError(
                f"num_images must be at most the number of training images, {scene.num_images}, "
                f"got {self.num_images}"
            )
        self._scene, self._order = scene, None

    def check(self, network: SpikingNetwork, connection: str) -> None:
        """Raise ``ValueError`` if there are no images, or no encoder of a layer."""
        super().check(network, connection)
        for name in self.drives(network, connection):
            self._encoder(name)

    def steps(self, network: SpikingNetwork, connection: str, *, chunk: int, round_number: int) -> int:
        """Those of the longest presentation in any stream."""
        del chunk
        encoders = {name: self._encoder(name) for name in self.drives(network, connection)}
        given: Any = None
        if not all(isinstance(encoder, ImageEncoder) for encoder in encoders.values()):
            given = self.scene.images(self.shown(range(self.scene.num_streams), round_number))
        return max(encoder.steps(_of(given, name), dt=network.dt) for name, encoder in encoders.items())

    def currents(
        self,
        network: SpikingNetwork,
        connection: str,
        *,
        steps: int,
        streams: Iterable[int],
        round_number: int,
    ) -> dict[str, Tensor]:
        """One image a stream; see `Stimulus.currents`."""
        numbers = list(streams)
        given = self.scene.images(self.shown(numbers, round_number))
        found = {}
        for name in self.drives(network, connection):
            layer = network.layer(name)
            like = layer.positions
            shown = mapped(partial(Tensor.to, device=like.device), _of(given, name))
            encode = partial(self._encoder(name).encode, sheet=layer.geometry, dt=network.dt)
            if self._encoder(name).repeatable:
                current = encode(shown)
            else:
                draws = [self.stream.torch(number, round_number) for number in numbers]
                parts = zip(split(shown, 1), draws, strict=True)
                current = torch.cat([encode(part, generator=draw) for part, draw in parts], dim=1)
            found[name] = _lasting(current.to(like.dtype), steps)
        return found

    def shown(self, streams: Iterable[int], round_number: int) -> Tensor:
        """Numbers of the images ``[S]`` that the streams see in a round."""
        scene = self.scene
        size = self.num_images or scene.num_images
        places = [round_number * scene.num_streams + stream for stream in streams]
        return torch.stack([self._pass(place // size)[place % size] for place in places])

    def _pass(self, number: int) -> Tensor:
        """The order of the images in one pass; the first ``num_images`` are the same in all of them."""
        if self._order is None or self._order[0] != number:
            size = self.num_images or self.scene.num_images
            stream = self.stream.of("order")
            chosen = stream.numpy(0).permutation(self.scene.num_images)[:size]
            order = stream.numpy(1, number).permutation(size)
            self._order = number, torch.from_numpy(chosen[order])
        return self._order[1]

    @property
    def scene(self) -> Scene:
        """What was attached.

        Raises:
            ValueError: if nothing was.
        """
        if self._scene is None:
            raise ValueError(
                "the stimulus Images has no images yet: it takes those of the Trainer's training data when "
                "the SelfOrganization callback runs, or those given to self_organize() or attach()"
            )
        return self._scene

    def _encoder(self, layer: str) -> Encoder:
        encoder = self.encoder or self.scene.encoders.get(layer)
        if encoder is None:
            raise ValueError(
                f"the stimulus Images drives layers.{layer}, and there are encoders of "
                f"{sorted(self.scene.encoders)} only: give it an `encoder` of its own"
            )
        return encoder


def _of(given: Any, layer: str) -> Any:
    """The part of an input that is for a layer."""
    return given[layer] if isinstance(given, Mapping) else given


def _lasting(current: Tensor, steps: int) -> Tensor:
    """The first ``steps`` steps of a current ``[T, S, N]``, and nothing after its end."""
    missing = steps - len(current)
    return F.pad(current, (0, 0, 0, 0, 0, missing)) if missing > 0 else current[:steps]
