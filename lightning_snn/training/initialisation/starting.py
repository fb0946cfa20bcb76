"""The initialisation of a module's network: at once, or when there are data."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from lightning_snn.core import checks
from lightning_snn.core.batches import mapped
from lightning_snn.core.random import RandomStream, network_stream, torch_seeded
from lightning_snn.development.scene import scene
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import by_layer, currents_of
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.initialisation.initialisation import Initialisation


class Start(nn.Module):
    """Starts a network once, and remembers it in the checkpoint.

    Args:
        initialisation: How; one that looks at no data does so here.
        network: The network.

    Attributes:
        done: Whether it has been started.

    Raises:
        ValueError: see `Initialisation.check`.
    """

    done: Tensor

    def __init__(self, initialisation: Initialisation, network: SpikingNetwork) -> None:
        super().__init__()
        checks.instance("initialisation", initialisation, Initialisation, such="FluctuationDriven()")
        initialisation.check(network)
        self.initialisation = initialisation
        self.register_buffer("done", torch.tensor(not initialisation.needs_data))
        if not initialisation.needs_data:
            initialisation.start(network, projections={})

    def on_data(
        self,
        trainer: Trainer,
        network: SpikingNetwork,
        encoders: Mapping[str, Encoder],
        controls: Iterable[Mapping[str, WeightedProjection]],
    ) -> None:
        """Start the network and its controls on training samples; nothing if that has been done.

        All processes see the same samples, which the seed of the network chooses, and agree on what they
        measure: their weights are the same.

        Raises:
            ValueError: if there are none that can be numbered.
        """
        if self.done:
            return
        stream = network_stream(network.seed, "initialisation/samples")
        agree = partial(trainer.strategy.reduce, reduce_op="mean")
        with trainer.precision_plugin.forward_context():
            with torch.no_grad(), torch_seeded(stream):
                inputs = self._inputs(trainer, network, encoders, stream)
            for projections in ({}, *controls):
                self.initialisation.start(network, projections=projections, inputs=inputs, agree=agree)
        self.done.fill_(True)

    def _inputs(
        self,
        trainer: Trainer,
        network: SpikingNetwork,
        encoders: Mapping[str, Encoder],
        stream: RandomStream,
    ) -> dict[str, Tensor]:
        """Input ``[T, B, N]`` of the input layers, of samples by chance."""
        dataset: Any = getattr(trainer.train_dataloader, "dataset", None)
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
            raise ValueError(
                f"initialisation: {type(self.initialisation).__name__} looks at training samples by their "
                f"number, and the training loader has no indexable `dataset`, got {type(dataset).__name__}"
            )
        shown = scene(dataset, encoders, 1)
        count = min(self.initialisation.num_samples, shown.num_images)
        chosen = torch.from_numpy(stream.numpy().permutation(shown.num_images)[:count])
        given = mapped(partial(Tensor.to, device=network.seed.device), shown.images(chosen))
        names = network.inputs
        return currents_of(by_layer(given, names, known=names), network, encoders)
