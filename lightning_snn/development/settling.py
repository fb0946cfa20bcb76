"""Controls settle: with their own fixed weights, they get thresholds by the homeostasis of the network."""

from collections.abc import Callable, Iterable

from lightning_snn.development.controls import ControlNetwork
from lightning_snn.development.development import Development


def unsettled(controls: Iterable[ControlNetwork]) -> list[tuple[ControlNetwork, str]]:
    """Controls and the layers in which homeostasis is to set their thresholds, bottom first."""
    return [
        (control, name)
        for control in controls
        for name in control.unwired
        if control.projections[name].threshold_rise is not None
    ]


def settle(
    development: Development,
    *,
    max_steps: int,
    chunk: int,
    before_round: Callable[[], None],
    report: Callable[[int], None],
) -> None:
    """Run rounds of a development that is not plastic, as many as the network learned for.

    Args:
        development: Of a control's projection.
        max_steps: Steps, summed over the streams.
        chunk: Steps of a round that the user asked for.
        before_round: Called before each round.
        report: Told the steps so far after each round.
    """
    done, number = 0, 0
    while done < max_steps:
        before_round()
        steps = development.round_steps(chunk, max_steps - done)
        development.round(steps, number)
        number += 1
        done += steps * development.streams.total
        development.check_finite(done)
        report(min(done, max_steps))
    development.conclude(keep=True)
