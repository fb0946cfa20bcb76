"""`LIF` with charges and exponential currents, against Brian2's exact integration at .01 ms."""

import pytest
import torch
from helpers.peers import STEPS, course, driven_times, each_ms, lateness, one_synapse, stored, worst

from lightning_snn import LIF, ExponentialCurrent

GIVEN, FOUND = stored("current_lif")
KINETICS = {"charge": None, "current": ExponentialCurrent(GIVEN["tau"])}
kinds = pytest.mark.parametrize("kind", list(KINETICS))


def network(kind, dt, weight=1.0, **options):
    return one_synapse(LIF(GIVEN["tau_mem"], **options), weight, dt=dt, kinetics=KINETICS[kind])


@kinds
def test_the_potential_of_a_spike_converges(kind):
    expected = torch.tensor(FOUND["potentials"][kind][:40], dtype=torch.float64)
    errors = [worst(each_ms(course(network(kind, dt), 40)[:, 0], dt), expected) for dt in STEPS]
    bounds = {"charge": [0.03, 0.015, 0.0075, 0.003], "current": [4e-3, 1e-3, 3e-4, 5e-5]}[kind]
    assert all(error < bound for error, bound in zip(errors, bounds, strict=True)), errors
    assert errors[-1] < errors[0] / 5


@pytest.mark.parametrize("dt", STEPS)
@kinds
def test_spikes_under_poisson_inputs(kind, dt):
    expected = FOUND["spike_times"][kind]
    found = driven_times(network(kind, dt, GIVEN["weights"][kind], refractory=GIVEN["refractory"]))
    assert abs(len(found) - len(expected)) <= 2
    assert abs(lateness(found[:5], expected)).max() <= 5 * dt
