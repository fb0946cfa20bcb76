"""The phase in which connections are wired, one after another: rounds, checks, and when it is enough."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from lightning_snn.development.controls import ControlNetwork
from lightning_snn.development.development import Development, RoundActivity
from lightning_snn.development.report import Until, describe, end_of, is_wired, wiring_report
from lightning_snn.development.settings import PhaseSettings
from lightning_snn.development.surroundings import Done, Surroundings
from lightning_snn.development.trend import Trend
from lightning_snn.development.watch import ActivityWatch
from lightning_snn.network import SpikingNetwork
from lightning_snn.plasticity import Streams
from lightning_snn.trainer.signals import held


class Phase:
    """Wires all connections of a network that are not wired yet, and the controls after it.

    Args:
        network: The network.
        settings: What it is asked to do.
        streams: Makes the streams, and says which of them run here.
        around: What is around it.
        done: Where it starts, and how far it is.

    Raises:
        ValueError: if settings name connections that no rule wires.
    """

    def __init__(
        self,
        network: SpikingNetwork,
        settings: PhaseSettings,
        streams: Callable[[], Streams],
        around: Surroundings,
        done: Done | None = None,
    ) -> None:
        settings.check_names(network.learned)
        self.network, self.settings, self.around = network, settings, around
        self.make_streams = streams
        self.done = done or Done()
        self.reports: dict[str, dict[str, float]] = {}
        self.running: Development | None = None

    def wire(self) -> None:
        """Wire the connections of the network, in their order; a trial leaves no trace."""
        tried = []
        for name in self.network.unwired:
            development = self._develop(name)
            if self.done.streams:
                development.restore(self.done.streams)
            self.running, self.done.streams = development, []
            self._run(development, name)
            with held(signal.SIGINT):  # the next begins with steps of its own
                development.conclude()
                self.done.taken[name], self.done.steps = self.done.steps, 0
                self.running = None
            self.reports[name] |= {"steps": float(self.done.taken[name])}
            tried.append(development)
        self.done.round = 0
        if self.around.trial:
            for development in reversed(tried):
                development.undo()

    @property
    def is_worth_saving(self) -> bool:
        """Whether anything has been learned here."""
        return self.running is not None or bool(self.reports)

    def state(self) -> Done:
        """How far it is, with the state of all streams, which all processes gather together."""
        return self.done if self.running is None else replace(self.done, streams=self.running.state())

    def wire_controls(self, controls: Mapping[str, ControlNetwork]) -> None:
        """Wire the controls: by chance or by hand what they replace, by their rule what comes after it.

        With their own fixed weights, they get thresholds by the homeostasis of the network, in as many steps
        as the network learned for.
        """
        for label, control in controls.items():
            for name in control.unwired:
                control.rewire(self.network, name)
                plastic = name not in control.rewired
                if not plastic and control.projections[name].threshold_rise is None:
                    control.projections[name].wired.fill_(True)
                    continue
                development = self._develop(name, control, plastic=plastic)
                if plastic:
                    self._run(development, name, control=label, done=Done())
                else:
                    self._settle(development, f"settle {label} {name}", name)
                development.conclude()

    def _develop(
        self, name: str, control: ControlNetwork | None = None, *, plastic: bool = True
    ) -> Development:
        stimulus = self.settings.stimulus_of(name)
        stimulus.draw(int(self.network.seed), name)
        if stimulus.needs_scene:
            stimulus.attach(self.around.scene())
        projections = None if control is None else control.projections
        return Development(
            self.network, name, stimulus, self.make_streams(), projections=projections, plastic=plastic
        )

    def _run(
        self, development: Development, name: str, *, control: str | None = None, done: Done | None = None
    ) -> None:
        """Rounds until the end has come, or ``max_steps``."""
        settings, done = self.settings, done or self.done
        end = end_of(development, settings.until_of(name), key=settings.key_of("until", name))
        max_steps, streams = self._max_steps(name), development.streams
        label = name if control is None else f"{control}/{name}"
        watch, trend, note = ActivityWatch(development), Trend(max_steps), ""
        last: RoundActivity | None = None
        report: dict[str, float] = {}
        with self.around.bar(f"self-organise {label}", max_steps) as bar:
            while True:
                if self._is_check_due(done, max_steps):
                    report = wiring_report(development, end, target_share=settings.target_share_of(name))
                    trend.add(done.steps, report)
                    active = {} if last is None else development.activity(last)
                    self.around.log(label, report | active, done.steps)
                    note = describe(development, end, report)
                    if not self.around.trial:
                        watch.check(done.steps, last=done.steps >= max_steps)
                    wired = is_wired(development, end, report, stop_at=settings.stop_at_of(name))
                    if _all_agree(streams, wired and not self.around.trial) or done.steps >= max_steps:
                        break
                self.around.before_round()
                steps = development.round_steps(settings.chunk, max_steps - done.steps, done.round)
                with held(signal.SIGINT):  # what is saved is a whole round
                    recording = None if control else self.around.recording(name, done.round)
                    last = development.round(steps, done.round, recording)
                    watch.add(last)
                    if recording is not None:
                        self.around.take(name, done.round, last)
                    done.round += 1
                    done.steps += steps * streams.total
                development.check_finite(done.steps)
                bar.update(min(done.steps, max_steps), note)
                if control is None:
                    self.around.after_round(done.round)
            bar.update(max_steps, note)
        if control is None:
            self.reports[name] = report
        self._conclude(development, end, report, trend, done.steps, label)

    def _settle(self, development: Development, description: str, name: str) -> None:
        """Rounds that change thresholds only, as many as the network learned for."""
        most = self.done.taken.get(name, self._max_steps(name))  # unknown if it was wired in an earlier run
        steps, number = 0, 0
        with self.around.bar(description, most) as bar:
            while steps < most:
                self.around.before_round()
                length = development.round_steps(self.settings.chunk, most - steps, number)
                development.round(length, number)
                number += 1
                steps += length * development.streams.total
                development.check_finite(steps)
                bar.update(min(steps, most))

    def _max_steps(self, name: str) -> int:
        most = self.settings.max_steps_of(name)
        return min(most, 20 * self.settings.num_streams) if self.around.trial else most

    def _is_check_due(self, done: Done, max_steps: int) -> bool:
        """Asked before a round, so that a check that was interrupted is made up for."""
        every = self.settings.check_every_n_rounds
        return done.steps > 0 and (done.round % every == 0 or done.steps >= max_steps)

    def _conclude(
        self,
        development: Development,
        end: Until,
        report: dict[str, float],
        trend: Trend,
        steps: int,
        label: str,
    ) -> None:
        name, settings = development.name, self.settings
        control = label.removesuffix(name).rstrip("/")
        where = f"{development.key} of the control {control}" if control else development.key
        summary = f"{where}: {describe(development, end, report)} after {steps} steps"
        stop_at = settings.stop_at_of(name)
        if end == "steps" or self.around.trial or is_wired(development, end, report, stop_at=stop_at):
            self.around.tell(summary)
            return
        if end == "localised":
            summary += f"; it stops at {settings.key_of('stop_at', name)} = {stop_at:.0%}"
        advice = trend.advice(
            end, f"Raise {settings.key_of('max_steps', name)} (now {self._max_steps(name)}) if that matters."
        )
        self.around.tell(f"{summary}. {advice}", warning=True)


def _all_agree(streams: Streams, decision: bool) -> bool:
    """Whether all processes have decided so."""
    against = streams.sum(torch.tensor([int(not decision)]))
    return not int(against)
