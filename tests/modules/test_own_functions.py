"""A function of the user's, given to a neuron model, comes back from a checkpoint."""

import pytest
import torch

from lightning_snn import LIF, ConstantCurrent, Dense, Linear, SpikingClassifier, SpikingLayer, Square
from lightning_snn.dynamics.surrogate import Surrogate, resolve


def bump(x):
    return 1 / (1 + x.abs())


class Bumped(LIF):
    _functions = ("bump",)

    def __init__(self, tau_mem: float = 20.0, *, bump: Surrogate = "atan", **others):
        super().__init__(tau_mem, **others)
        self.bump = resolve(bump)


def build(bump):
    layers = {
        "retina": SpikingLayer(Square(64, side=8.0), LIF(7.0)),
        "lgn": SpikingLayer(Square(9, side=8.0), Bumped(7.0, bump=bump), projection=Dense),
    }
    return SpikingClassifier(layers, ConstantCurrent(5), Linear, num_classes=4, image_size=(8, 8), seed=0)


@pytest.mark.parametrize("given", [bump, f"{__name__}.bump", "triangle"])
def test_a_function_of_the_distance_comes_back(trainer, tmp_path, given):
    model = build(given)
    run = trainer()
    run.strategy.connect(model)
    run.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert again.network.layer("lgn").neuron.bump is resolve(given)
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(again.eval()(images), model.eval()(images))


def test_a_lambda_is_refused_at_once():
    with pytest.raises(ValueError, match=r"lgn\.neuron\.bump cannot be stored .* or its dotted path"):
        build(lambda x: x)
