"""How long a silent layer is waited for: a time, whatever the step is."""

from types import SimpleNamespace

import pytest
import torch

from lightning_snn.development.development import RoundActivity
from lightning_snn.development.watch import ActivityWatch


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_a_second_of_silence_ends_a_phase(dt):
    watch = ActivityWatch(SimpleNamespace(below="retina", target="lgn", network=SimpleNamespace(dt=dt)))
    quiet = RoundActivity(torch.zeros(round(250 / dt), 1, 3), 0.1, 0.0, torch.zeros(2))
    for step in range(3):
        watch.add(quiet)
        watch.check(step)
    watch.add(quiet)
    message = rf"layers.lgn: no neuron spiked in the {round(1000 / dt)} steps of every stream"
    with pytest.raises(ValueError, match=message):
        watch.check(3)


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_a_phase_that_ends_earlier_warns(dt):
    watch = ActivityWatch(SimpleNamespace(below="retina", target="lgn", network=SimpleNamespace(dt=dt)))
    watch.add(RoundActivity(torch.zeros(round(150 / dt), 1, 3), 0.1, 0.0, torch.zeros(2)))
    watch.check(1, last=True)
    watch.add(RoundActivity(torch.zeros(round(50 / dt), 1, 3), 0.1, 0.0, torch.zeros(2)))
    with pytest.warns(UserWarning, match=r"layers.lgn: no neuron spiked"):
        watch.check(2, last=True)
