"""A small network that is trained in phases, and what watches it."""

from functools import partial

import torch
from lightning.pytorch import Callback

from lightning_snn import (
    LIF,
    Connection,
    ConstantCurrent,
    Dense,
    Linear,
    SpikingClassifier,
    SpikingLayer,
    Square,
    TrainingPhase,
)

PHASES = {
    "readout": TrainingPhase(1, ["readout"]),
    "top": TrainingPhase(1, ["top"], lr=0.02),
    "finetune": TrainingPhase(lr={"low": 0.01, "readout": 0.005}, schedule="cosine", warmup=0.5),
}
PARTS = {
    "low": ["network.connections.low.projection.weight"],
    "top": ["network.connections.top.projection.weight"],
    "hidden": ["network.layers.hidden.neuron.learned.tau_mem"],
    "readout": ["readouts.network.output.weight", "readouts.network.output.bias"],
}


def phased(phases=PHASES, *, learned=("tau_mem",), trainable=True, **changes):
    """64 pixels, 16 neurons that learn their time constant, 12 more, and the 4 classes of `Quadrants`."""
    torch.manual_seed(0)
    dense = partial(Dense, gain=20.0, trainable=trainable)
    layers = {
        "pixels": SpikingLayer(Square(64, 8.0), LIF(5.0)),
        "hidden": SpikingLayer(Square(16, 8.0), LIF(5.0, learn=list(learned))),
        "last": SpikingLayer(Square(12, 8.0), LIF(5.0)),
    }
    options = {
        "encoder": ConstantCurrent(6, gain=5.0),
        "readout": Linear,
        "connections": {
            "low": Connection("pixels", "hidden", dense),
            "top": Connection("hidden", "last", dense),
        },
        "num_classes": 4,
        "image_size": (8, 8),
        "optimizer": partial(torch.optim.Adam, lr=0.05),
        "seed": 0,
    } | changes
    return SpikingClassifier(layers, phases=phases, **options)


def state_of(model):
    """The model's tensors, as they are now."""
    return {name: value.clone() for name, value in model.state_dict().items()}


class Watch(Callback):
    """Keeps the model's tensors at the start and after each epoch, and the rates of each step."""

    def __init__(self):
        self.epochs, self.rates, self.kept = [], [], []

    def on_train_start(self, trainer, pl_module):
        self.epochs.append(state_of(pl_module))

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.rates.append({g["name"]: g["lr"] for g in trainer.optimizers[0].param_groups})
        self.kept.append(pl_module._table is not None)

    def on_train_epoch_end(self, trainer, pl_module):
        self.epochs.append(state_of(pl_module))

    def changed(self):
        """Names of the tensors that each epoch changed, but for those of measures."""
        pairs = zip(self.epochs, self.epochs[1:], strict=False)
        return [{name for name in one if not torch.equal(one[name], two[name])} for one, two in pairs]
