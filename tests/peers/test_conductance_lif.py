"""`ConductanceLIF` against Brian2, by Runge-Kutta at .01 ms."""

from functools import cache

import pytest
import torch
from helpers.peers import STEPS, course, driven_times, each_ms, lateness, one_synapse, stored, worst

from lightning_snn import ConductanceLIF

GIVEN, FOUND = stored("conductance_lif")
NEVER = -1.0
"""A threshold in mV that nothing reaches here."""

TAU_MEM, V_REST = 100.0, -65.0
LASTING = 40
"""Ms after which conductances are gone."""

inputs = pytest.mark.parametrize(("input", "first"), [("current", 0), ("inhibition", 2)])


@cache
def change(input, dt):
    """Change of v ``[T, 2]`` at the end of each step, after a spike of either weight."""
    network = one_synapse(ConductanceLIF(threshold=NEVER), 1.0, dt=dt, input=input)
    return course(network, LASTING, GIVEN["weights"]) - V_REST


@pytest.mark.parametrize("dt", STEPS)
@inputs
def test_the_area_of_a_potential(input, first, dt):
    v = change(input, dt)
    areas = dt * (v.sum(0) - v[-1] / 2) + TAU_MEM * v[-1]  # trapezoids, and what decays after them
    assert areas.tolist() == pytest.approx(FOUND["areas"][first : first + 2], rel=0.01)


@inputs
def test_the_course_of_a_potential_converges(input, first):
    expected = torch.tensor(FOUND["potentials"][first : first + 2], dtype=torch.float64).T[:LASTING]
    for weight in (0, 1):
        errors = [worst(each_ms(change(input, dt), dt)[:, weight], expected[:, weight]) for dt in STEPS]
        assert all(error < bound for error, bound in zip(errors, (6e-3, 3e-3, 1.5e-3, 6e-4), strict=True)), (
            errors
        )
        assert errors[-1] < errors[0] / 5


@pytest.mark.parametrize("dt", STEPS)
def test_1000_inputs_of_15_hz(dt):
    found = driven_times(one_synapse(ConductanceLIF(adaptation=0.0), GIVEN["weight"], dt=dt))
    expected = FOUND["spike_times"]
    assert len(expected) == 58
    assert abs(len(found) - len(expected)) <= 1
    late = lateness(found, expected)
    assert (late.abs() <= dt * torch.arange(1, len(late) + 1) + 1).all()  # each interval by a step at most
