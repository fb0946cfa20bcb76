"""What a presentation to a network records, beside the presentation itself."""

from collections.abc import Mapping
from typing import Any

import torch

from lightning_snn.core import batches
from lightning_snn.encoders import Encoder
from lightning_snn.network import Recorded, Recording, SpikingNetwork
from lightning_snn.presentation.present import by_layer, currents_of


@torch.no_grad()
def record_input(
    input: Any,
    network: SpikingNetwork,
    encoders: Mapping[str, Encoder],
    recording: Recording,
    *,
    samples: int = 1,
) -> Recorded:
    """Show some samples of an input to the network, and record.

    What is drawn at random is what a presentation of them would draw here, and is drawn again by the next.

    Args:
        input: What the encoders take.
        network: The network.
        encoders: Those of the input layers, by name.
        recording: What to record; names of what does not run are left out.
        samples: Samples to show, the first ones.

    Raises:
        RecordingTooLargeError: if it would take more memory than its limit.
    """
    device = network.seed.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        targets = {name: connection.target for name, connection in network.connections.items()}
        layers = network.needed_for(recording.ends(network.names, targets))
        names = [name for name in network.inputs if name in layers]
        given = by_layer(batches.split(input, samples)[0], names, known=network.inputs)
        currents = currents_of(given, network, encoders)
        acting = [name for name in network.acting() if network.connection(name).target in layers]
        steps = len(next(iter(currents.values())))
        _, _, recorded = network.run(
            currents, layers=layers, record=recording.among(layers, acting).within(steps)
        )
    return recorded
