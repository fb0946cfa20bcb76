"""Small networks that waves wire."""

from functools import partial

from lightning_snn import (
    LIF,
    STDP,
    Dense,
    Izhikevich,
    LateralKernel,
    SpikingLayer,
    SpikingNetwork,
    Torus,
)

KERNEL = LateralKernel(inhibition_range=3.0)
SIDE = 12.0
RULE = STDP(0.3, threshold=3.0, threshold_jump=0.5)


def retina(nodes=160, **options):
    """A sheet that makes waves."""
    options = {"lateral": KERNEL, "lateral_active": "development"} | options
    return SpikingLayer(Torus(nodes, side=SIDE), Izhikevich("heterogeneous"), **options)


def units(number, rule=RULE, *, gain=40.0, projection=Dense, homeostasis=(), sheet=Torus, **options):
    """A layer whose projection a rule wires."""
    wiring = partial(projection, rule=rule, gain=gain, homeostasis=list(homeostasis))
    return SpikingLayer(sheet(number, SIDE), LIF(10.0), projection=wiring, **options)


def chain(*above, connections=None, seed=6, **options):
    """A retina, and layers above it: ``lgn``, ``cortex`` and so on."""
    names = ("lgn", "cortex", "third")
    layers = {"retina": retina(**options)} | dict(zip(names, above, strict=False))
    return SpikingNetwork(layers, connections, seed=seed)
