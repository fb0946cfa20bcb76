"""The network of Diehl and Cook, 400 units, while it learns: an image of 250 steps, against BindsNET."""

from functools import partial

import torch
from measure import Row, Work, Worker, alternate
from torch import Tensor

STEPS, UNITS, PIXELS = 250, 400, 784


def images(count: int) -> Tensor:
    """Grey values in [0, 1] of as many pixels and as much ink as digits have ``[count, 1, 28, 28]``."""
    generator = torch.Generator().manual_seed(0)
    ink = torch.rand(count, 1, 28, 28, generator=generator)
    return ink * (torch.rand(ink.shape, generator=generator) < 0.19)


def ours(batch: int) -> Work:
    """Present ``batch`` images, learn, merge and regulate; the constants of the recipe ``diehl_cook``."""
    import lightning_snn as snn
    from lightning_snn.development.development import Development
    from lightning_snn.plasticity import Streams
    from lightning_snn.stimuli import Scene

    wiring = partial(
        snn.Dense,
        gain=1.58198,
        rule=snn.PostsynapticSTDP(w_max=0.5, initial_range=(0.0, 0.0765)),
        homeostasis=[snn.WeightNormalisation(30.0), snn.TargetRate(0.05, 1.0)],
    )
    units = snn.SpikingLayer(snn.Square(UNITS, 28.0), snn.ConductanceLIF(), projection=wiring)
    inhibition = snn.Connection("units", "units", snn.UniformInhibition(76.2448), input="inhibition")
    layers = {"input": snn.SpikingLayer(snn.Maps(1, 28, 28), snn.Relay()), "units": units}
    stimulus = snn.Images(snn.Poisson(STEPS, max_rate=128.0, amplitude=1.0, seed=None))
    shown = images(64)
    stimulus.attach(Scene(shown.__getitem__, len(shown), {"input": snn.Poisson(STEPS)}, batch))
    network = snn.SpikingNetwork(layers, {"inhibition": inhibition})
    development = Development(network, "units", stimulus, Streams(batch))
    numbers = iter(range(10**9))

    def work() -> Tensor:
        activity = development.round(STEPS, next(numbers))
        return torch.tensor(activity.share * STEPS * UNITS)

    return work


def bindsnet() -> Work:
    """BindsNET's DiehlAndCook2015, one image after another as its example shows them."""
    from bindsnet.encoding import poisson
    from bindsnet.models import DiehlAndCook2015
    from bindsnet.network.monitors import Monitor

    network = DiehlAndCook2015(
        n_inpt=PIXELS, n_neurons=UNITS, exc=22.5, inh=120.0, dt=1.0, norm=78.4, theta_plus=0.05,
        inpt_shape=(1, 28, 28),
    )  # fmt: skip
    monitor = Monitor(network.layers["Ae"], ["s"], time=STEPS)
    network.add_monitor(monitor, name="Ae")
    shown, numbers = images(64), iter(range(10**9))

    def work() -> Tensor:
        datum = 128.0 * shown[next(numbers) % len(shown)]
        spikes = poisson(datum=datum, time=STEPS, dt=1.0)
        network.run(inputs={"X": spikes.view(STEPS, 1, 1, 28, 28)}, time=STEPS)
        total: Tensor = monitor.get("s").float().sum()
        network.reset_state_variables()
        return total

    return work


def rows(repeats: int) -> list[Row]:
    """One image at a time, and 32 at once; times are those of an image."""
    found = []
    for batch in (1, 32):
        mine, theirs = Worker("diehl_cook", "ours", batch), Worker("diehl_cook", "bindsnet")
        pair = alternate(mine, theirs, max(3, repeats // 2))
        mine.close()
        theirs.close()
        work = f"Diehl & Cook, {UNITS} units, an image of {STEPS} steps, learning, {batch} at once"
        note = f"spikes an image {pair.value[0]:.1f} / {pair.value[1]:.1f}"
        times = (pair.seconds[0] / batch, pair.seconds[1])
        found.append(Row(work, "BindsNET DiehlAndCook2015", *times, 20.0, pair.memory, note))
    return found
