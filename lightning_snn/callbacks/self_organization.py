"""The phase in which waves wire a network, before the supervised epochs."""

import os
import signal
import time
from functools import partial
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning_utilities.core.rank_zero import rank_zero_info, rank_zero_warn
from torch import Tensor

from lightning_snn.core import checks, settings
from lightning_snn.core.config import to_config
from lightning_snn.development.controls import controls_of
from lightning_snn.development.development import Development, NotFiniteError, RoundActivity
from lightning_snn.development.report import describe, is_wired, wiring_report
from lightning_snn.development.scene import scene_of
from lightning_snn.development.settling import settle, unsettled
from lightning_snn.development.watch import ActivityWatch
from lightning_snn.network import SpikingStack
from lightning_snn.plasticity import Streams
from lightning_snn.stimuli import SpontaneousWaves, Stimulus
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.phase_log import PREFIX, declare_step, log_phase
from lightning_snn.trainer.progress import PhaseProgress
from lightning_snn.trainer.queries import (
    check_precision,
    check_same_seed,
    checkpoint_dir,
    is_trial,
    warn_if_skipped,
)
from lightning_snn.trainer.signals import SignalFlag, held
from lightning_snn.trainer.streams import DistributedStreams


class SelfOrganization(Callback):
    """Wires every projection that has a learning rule and is not wired yet, bottom first.

    Runs in ``on_train_start``, on a LightningModule with a `SpikingStack` named ``stack``. The result
    depends on ``num_streams`` but not on the number of processes that share them. An interrupted phase
    resumes from its checkpoint (``ckpt_path``), also on another number of processes.

    Args:
        stimulus: What drives the first layer; spontaneous waves by default. Where layers are to be wired by
            different ones: stimuli by the name of the layer.
        num_streams: Independent streams; a multiple of the number of processes.
        chunk: Steps that a stream runs on its own before the streams merge: one round.
        max_steps: Steps, summed over the streams, after which a projection counts as wired in any case.
            (With images a presentation is as many steps as the encoder's.)
        target_share: A unit is localised only if its field has less than this share of the nodes below.
        stop_at: Share of localised units at which a projection is wired, where its rule has no measure of
            convergence of its own.
        check_every_n_rounds: Rounds between measurements of the fields.
        every_n_rounds: Rounds between checkpoints of the phase; 0: only at its end.

    Raises:
        ValueError: if a count is not positive or a share does not lie in [0, 1].
    """

    def __init__(
        self,
        stimulus: Stimulus | dict[str, Stimulus] | None = None,
        *,
        num_streams: int = 8,
        chunk: int = 250,
        max_steps: int = 100_000,
        target_share: float = 0.15,
        stop_at: float = 0.9,
        check_every_n_rounds: int = 4,
        every_n_rounds: int = 0,
    ) -> None:
        for name, value in {
            "num_streams": num_streams,
            "chunk": chunk,
            "max_steps": max_steps,
            "check_every_n_rounds": check_every_n_rounds,
        }.items():
            checks.count(f"{PREFIX}.{name}", value)
        checks.positive(f"{PREFIX}.target_share", target_share)
        checks.between(f"{PREFIX}.target_share", target_share, 0, 1)
        checks.between(f"{PREFIX}.stop_at", stop_at, 0, 1)
        checks.whole(f"{PREFIX}.every_n_rounds", every_n_rounds)
        self.stimulus = stimulus or SpontaneousWaves()
        self.num_streams = num_streams
        self.chunk = chunk
        self.max_steps = max_steps
        self.target_share = target_share
        self.stop_at = stop_at
        self.check_every_n_rounds = check_every_n_rounds
        self.every_n_rounds = every_n_rounds
        self.seconds, self._round, self._steps = 0.0, 0, 0
        self._taken: dict[str, int] = {}
        self._saved_streams: list[Tensor] = []
        self._running: Development | None = None
        self._sigterm = SignalFlag()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the module and the number of streams before anything runs."""
        check_precision(trainer)
        use_whole_files(trainer)
        if stage != "fit":
            return
        _check_names(self.stimulus, _stack_of(pl_module))
        DistributedStreams(self.num_streams, trainer)
        self._settings()  # what no checkpoint can hold is refused before anything runs
        check_same_seed(trainer, int(_stack_of(pl_module).seed))
        warn_if_skipped(trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wire what is not wired yet."""
        stack = _stack_of(pl_module)
        pending = stack.unwired
        if not pending and (is_trial(trainer) or not unsettled(controls_of(pl_module))):
            return
        start = time.perf_counter()
        declare_step(trainer)
        with held(signal.SIGTERM) as self._sigterm:
            for name in pending:
                self._running = Development(stack, name, *self._drive(trainer, pl_module, name))
                if self._saved_streams:
                    self._running.restore(self._saved_streams)
                    self._saved_streams = []
                self._wire(trainer, name, self._running)
            with held(signal.SIGINT):  # nothing would be saved between the two
                self._running, self._round = None, 0
                self._save(trainer)
            if not is_trial(trainer):
                self._settle_controls(trainer, pl_module)
        self.seconds += time.perf_counter() - start
        self._save(trainer)

    def _settle_controls(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Rewire the controls, and let homeostasis set their thresholds as long as the network learned."""
        stack = _stack_of(pl_module)
        for control, name in unsettled(controls_of(pl_module)):
            control.rewire(stack, name)
            stimulus, streams = self._drive(trainer, pl_module, name)
            development = Development(
                stack, name, stimulus, streams, projections=control.projections, plastic=False
            )
            steps = self._taken.get(name, self.max_steps)  # unknown where it was wired in an earlier run
            with PhaseProgress(trainer, f"settle {control.kind} {name}", steps) as bar:
                settle(
                    development,
                    max_steps=steps,
                    chunk=self.chunk,
                    before_round=partial(self._poll_sigterm, trainer),
                    report=bar.update,
                )

    def _drive(self, trainer: Trainer, pl_module: LightningModule, name: str) -> tuple[Stimulus, Streams]:
        """The stimulus of a layer, with what it may show, and the streams that it drives."""
        stimulus = self.stimulus_of(name)
        stimulus.draw(int(_stack_of(pl_module).seed), name)
        if stimulus.needs_scene:
            stimulus.attach(scene_of(trainer, pl_module, self.num_streams))
        return stimulus, DistributedStreams(self.num_streams, trainer)

    def stimulus_of(self, name: str) -> Stimulus:
        """The stimulus that wires a layer."""
        if isinstance(self.stimulus, dict):
            return self.stimulus.get(name) or SpontaneousWaves()
        return self.stimulus

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save an interrupted phase, where one process can do so without the others."""
        del pl_module
        known = isinstance(exception, SIGTERMException | NotFiniteError)  # saved before, or not worth it
        if self._running is not None and trainer.world_size == 1 and not known:
            self._save(trainer)
        self._running, self._round, self._steps = None, 0, 0

    def state_dict(self) -> dict[str, Any]:
        """Round, steps, steps of the layers that are wired, and the state of all streams by global number."""
        return {
            "round": self._round,
            "steps": self._steps,
            "taken": self._taken,
            "num_streams": self.num_streams,
            "streams": self._saved_streams,
            "settings": self._settings(),
        }

    def _settings(self) -> dict[str, Any]:
        """What an interrupted phase must go on with; a stimulus of the user's own is the user's affair."""
        given = self.stimulus if isinstance(self.stimulus, dict) else {"stimulus": self.stimulus}
        known = {
            name: one for name, one in given.items() if type(one).__module__.startswith("lightning_snn.")
        }
        return {
            "chunk": self.chunk,
            **{name: to_config(one, key=f"{PREFIX}.{name}") for name, one in known.items()},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over an interrupted phase.

        Raises:
            ValueError: if it ran with another number of streams, stimulus or chunk.
        """
        if state_dict["streams"] and state_dict["num_streams"] != self.num_streams:
            raise ValueError(
                f"{PREFIX}.num_streams must be {state_dict['num_streams']} as in the checkpoint's unfinished "
                f"phase, got {self.num_streams}"
            )
        if state_dict["streams"] and "settings" in state_dict:
            theirs, ours = state_dict["settings"], self._settings()
            if theirs.keys() == ours.keys():
                settings.check_same_settings(theirs, ours, of=PREFIX, free=())
        self._round = state_dict["round"]
        self._steps = state_dict["steps"]
        self._taken = dict(state_dict["taken"])
        self._saved_streams = state_dict["streams"]

    def _wire(self, trainer: Trainer, name: str, development: Development) -> None:
        """Rounds until enough units are localised, or ``max_steps``."""
        max_steps = min(self.max_steps, 20 * self.num_streams) if is_trial(trainer) else self.max_steps
        watch, last, note = ActivityWatch(development), None, ""
        with PhaseProgress(trainer, f"self-organise {name}", max_steps) as bar:
            while True:
                if self._is_check_due(max_steps):
                    report = self._check(trainer, name, development, last)
                    note = describe(development, report)
                    if not is_trial(trainer):
                        watch.check(self._steps, last=self._steps >= max_steps)
                    if self._agree_to_stop(trainer, development, report) or self._steps >= max_steps:
                        break
                self._poll_sigterm(trainer)
                steps = development.round_steps(self.chunk, max_steps - self._steps)
                with held(signal.SIGINT):  # what is saved is a whole round
                    last = development.round(steps, self._round)
                    watch.add(last)
                    self._round += 1
                    self._steps += steps * self.num_streams
                development.check_finite(self._steps)
                bar.update(min(self._steps, max_steps), note)
                if self.every_n_rounds and self._round % self.every_n_rounds == 0:
                    self._save(trainer)
            bar.update(max_steps, note)
        self._conclude(trainer, name, development, report)
        with held(signal.SIGINT):
            development.conclude(keep=not is_trial(trainer))
            self._taken[name], self._steps = self._steps, 0

    def _is_check_due(self, max_steps: int) -> bool:
        """Asked before a round, so that a check that was interrupted is made up for."""
        return self._steps > 0 and (self._round % self.check_every_n_rounds == 0 or self._steps >= max_steps)

    def _check(
        self, trainer: Trainer, name: str, development: Development, last: RoundActivity | None
    ) -> dict[str, float]:
        """Measure how far the wiring is and log it, with the activity of the last round if it ran here."""
        report = wiring_report(development, target_share=self.target_share)
        log_phase(trainer, name, report | ({} if last is None else development.activity(last)), self._steps)
        return report

    def _agree_to_stop(self, trainer: Trainer, development: Development, report: dict[str, float]) -> bool:
        return trainer.strategy.reduce_boolean_decision(
            is_wired(development, report, stop_at=self.stop_at) and not is_trial(trainer)
        )

    def _conclude(
        self, trainer: Trainer, name: str, development: Development, report: dict[str, float]
    ) -> None:
        summary = f"layers.{name}: {describe(development, report)} after {self._steps} steps"
        if is_wired(development, report, stop_at=self.stop_at) or is_trial(trainer):
            rank_zero_info(summary)
        elif report:
            rank_zero_warn(
                f"{summary}; it stops at {PREFIX}.stop_at = {self.stop_at:.0%}. "
                f"Raise {PREFIX}.max_steps (now {self.max_steps}) if that matters."
            )

    def _poll_sigterm(self, trainer: Trainer) -> None:
        """Lightning's loops do this between batches; here it is between rounds."""
        received = self._sigterm.raised or trainer.received_sigterm
        if trainer.strategy.reduce_boolean_decision(received, all=False):
            self._save(trainer)
            raise SIGTERMException

    def _save(self, trainer: Trainer) -> None:
        """A checkpoint of the phase, written by all processes together."""
        directory = checkpoint_dir(trainer)
        if directory is None or is_trial(trainer):
            return
        self._saved_streams = [] if self._running is None else self._running.state()
        trainer.save_checkpoint(os.path.join(directory, f"{PREFIX}.ckpt"))
        self._saved_streams = []


def _stack_of(pl_module: LightningModule) -> SpikingStack:
    """The module's stack; raises ``ValueError`` if it has none."""
    stack = getattr(pl_module, "stack", None)
    if not isinstance(stack, SpikingStack):
        raise ValueError(
            "SelfOrganization needs a module with a SpikingStack named `stack`, "
            f"got {type(pl_module).__name__}"
        )
    return stack


def _check_names(stimulus: Stimulus | dict[str, Stimulus], stack: SpikingStack) -> None:
    """Raise ``ValueError`` if stimuli are given for layers that have no projection."""
    if isinstance(stimulus, dict) and set(stimulus) - set(stack.projections):
        raise ValueError(
            f"{PREFIX}.stimulus must name layers of {sorted(stack.projections)}, got {sorted(stimulus)}"
        )
