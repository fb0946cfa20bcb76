"""A classifier exported or traced gives the scores that it gives itself, also for other numbers of images."""

from functools import partial

import pytest
import torch

from lightning_snn import (
    Columns,
    Conv2d,
    IntegrateFire,
    Latency,
    Maps,
    Pool2d,
    RoundFields,
    SpikingLayer,
    Torus,
)

BATCH = ({0: torch.export.Dim("batch", min=2, max=64)},)
RECORDED = {
    "export": lambda model, images: torch.export.export(model, images, dynamic_shapes=BATCH).module(),
    "strict export": lambda model, images: torch.export.export(
        model, images, dynamic_shapes=BATCH, strict=True
    ).module(),
    "trace": torch.jit.trace,
}


def columns(retina):
    fields = partial(Columns, fields=RoundFields(3.0, 4))
    return {"retina": retina(), "columns": SpikingLayer(Torus(12, 12.0), IntegrateFire(), projection=fields)}


def convolution(_):
    conv = partial(Conv2d, in_shape=(1, 8, 8), kernel_size=3)
    pool = partial(Pool2d, in_shape=(3, 6, 6), kernel_size=2)
    return {
        "pixels": SpikingLayer(Maps(1, 8, 8), IntegrateFire(0.5)),
        "conv": SpikingLayer(Maps(3, 6, 6), IntegrateFire(), projection=conv),
        "pool": SpikingLayer(Maps(3, 3, 3), IntegrateFire(), projection=pool),
    }


NETWORKS = {"waves": lambda _: None, "columns": columns, "convolution": convolution}


@pytest.mark.filterwarnings("ignore")  # torch's tracers warn of themselves
@pytest.mark.parametrize(
    ("way", "with_gradients"),
    [("export", False), ("strict export", True), ("trace", False), ("trace", True)],
)
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_scores_are_the_same(kind, way, with_gradients, classifier, retina):
    options = {"encoder": Latency(6)} if kind == "convolution" else {}
    model = classifier(NETWORKS[kind](retina), **options).eval()
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.set_grad_enabled(with_gradients):
        expected = model(images)
        recorded = RECORDED[way](model, (images[:3],))
        torch.testing.assert_close(recorded(images[:3]), expected[:3])
        torch.testing.assert_close(recorded(images), expected)
    assert expected.std() > 0
