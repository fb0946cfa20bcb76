"""Unlabelled images, one in each stream and round."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, rerouted, stream_of
from lightning_snn.encoders import Encoder
from lightning_snn.network import LayerState, SpikingLayer
from lightning_snn.stimuli.stimulus import Scene, Stimulus


class Images(Stimulus):
    """Shows the training images without their labels; each round starts from rest and shows one a stream.

    The images come in an order that a seed and the number of the pass fix, so the result does not depend on
    how the streams are spread over processes. A round lasts as long as the encoder's presentation.

    Args:
        encoder: Grey values to the first layer's input; the network's own by default.
        num_images: Images to draw from, the first of the order; None: all.
        seed: Of the order and of random encoders; by default the network's.

    Raises:
        ValueError: if ``num_images`` is not positive.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.6 (presentation).
    """

    continues = False
    needs_scene = True
    stream: RandomStream

    def __init__(
        self, encoder: Encoder | None = None, *, num_images: int | None = None, seed: int | None = None
    ) -> None:
        if num_images is not None:
            checks.count("num_images", num_images)
        self.encoder = encoder
        self.num_images = num_images
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
        """Show the images of ``scene``, with its encoder where this has none of its own.

        Raises:
            ValueError: if it holds fewer images than ``num_images``.
        """
        if self.num_images is not None and self.num_images > scene.num_images:
            raise ValueError(
                f"num_images must be at most the number of training images, {scene.num_images}, "
                f"got {self.num_images}"
            )
        self._scene, self._order = scene, None

    def check(self, layer: SpikingLayer) -> None:
        """Raise ``ValueError`` if there are no images."""
        del layer
        _ = self.scene

    def steps(self, chunk: int) -> int:
        """Those of a presentation."""
        del chunk
        return self._encoder().num_steps

    def run(
        self, layer: SpikingLayer, state: LayerState, *, steps: int, streams: Iterable[int], round_number: int
    ) -> tuple[Tensor, LayerState]:
        """The response of the first layer to one image a stream; see `Stimulus.run`."""
        numbers, encoder = list(streams), self._encoder()
        images = self.scene.images(self.shown(numbers, round_number)).to(layer.positions.device)
        values = layer.geometry.sample(images)
        if encoder.repeatable:
            current = encoder(values, dt=layer.dt)
        else:
            draws = [self.stream.torch(number, round_number) for number in numbers]
            parts = zip(torch.split(values, 1), draws, strict=True)
            current = torch.cat([encoder(v, dt=layer.dt, generator=draw) for v, draw in parts], dim=1)
        spikes, state = layer(current[:steps], state)
        return spikes, state

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
                "the SelfOrganization callback runs, or those given to attach()"
            )
        return self._scene

    def _encoder(self) -> Encoder:
        return self.encoder or self.scene.encoder
