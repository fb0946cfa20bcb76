"""The phase in which connections are wired, before the supervised epochs."""

import os
import signal
import time
from typing import Any, Literal

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning_utilities.core.rank_zero import rank_zero_info, rank_zero_warn

from lightning_snn.callbacks.recorder import Recorder
from lightning_snn.core import checks, settings
from lightning_snn.core.config import to_config
from lightning_snn.development.controls import controls_of
from lightning_snn.development.development import NotFiniteError, RoundActivity
from lightning_snn.development.phase import Phase
from lightning_snn.development.scene import scene_of
from lightning_snn.development.settings import PhaseSettings
from lightning_snn.development.surroundings import Done
from lightning_snn.network import Recording, SpikingNetwork
from lightning_snn.stimuli import Scene, SpontaneousWaves, Stimulus
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.phase_log import PREFIX, declare_step, log_phase
from lightning_snn.trainer.progress import PhaseProgress
from lightning_snn.trainer.queries import (
    check_precision,
    check_same_seed,
    checkpoint_dir,
    find_callback,
    is_trial,
    warn_if_skipped,
)
from lightning_snn.trainer.signals import SignalFlag, held
from lightning_snn.trainer.streams import ProcessStreams


class SelfOrganization(Callback):
    """Wires every connection that has a learning rule and is not wired yet, in the order of the network.

    Runs in ``on_train_start``, on a LightningModule with a `SpikingNetwork` named ``network``; without a
    Trainer `self_organize` does the same. The result depends on ``num_streams`` but not on the number of
    processes that share them. An interrupted phase resumes from its checkpoint (``ckpt_path``), also on
    another number of processes.

    What is given by connection name holds for these, the default for others.

    Args:
        stimulus: What drives the network; spontaneous waves by default. One, or stimuli by the name of the
            connection that they wire.
        num_streams: Independent streams; a multiple of the number of processes.
        chunk: Steps that a stream runs on its own before the streams merge: one round.
        max_steps: Steps, summed over the streams, after which a connection counts as wired in any case; one
            number, or by connection name. (With images a presentation is as many steps as the encoder's.)
        target_share: A unit is localised only if its field has less than this share of the nodes below; one
            number, or by connection name.
        stop_at: Share of localised units at which a connection is wired, where that decides; one number, or
            by connection name.
        until: What decides when a connection is wired: ``localised`` fields, ``convergence`` of its rule, or
            ``steps`` (all of them); one, or by connection name. By default the rule's own measure of
            convergence where it has one, else localised fields where the rule itself decides which unit
            responds and chooses its inputs, else the steps.
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
        max_steps: int | dict[str, int] = 100_000,
        target_share: float | dict[str, float] = 0.15,
        stop_at: float | dict[str, float] = 0.9,
        until: Literal["localised", "convergence", "steps"]
        | dict[str, Literal["localised", "convergence", "steps"]]
        | None = None,
        check_every_n_rounds: int = 4,
        every_n_rounds: int = 0,
    ) -> None:
        self.settings = PhaseSettings(
            stimulus=stimulus or SpontaneousWaves(),
            num_streams=num_streams,
            chunk=chunk,
            max_steps=max_steps,
            target_share=target_share,
            stop_at=stop_at,
            until=until,
            check_every_n_rounds=check_every_n_rounds,
            key=f"{PREFIX}.",
        )
        checks.whole(f"{PREFIX}.every_n_rounds", every_n_rounds)
        self.every_n_rounds = every_n_rounds
        self.seconds = 0.0
        self._done = Done()
        self._phase: Phase | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the module and the number of streams before anything runs."""
        check_precision(trainer)
        use_whole_files(trainer)
        if stage != "fit":
            return
        network = _network_of(pl_module)
        self.settings.check_names(network.learned)
        ProcessStreams(self.settings.num_streams)
        self._kept_settings()  # what no checkpoint can hold is refused before anything runs
        check_same_seed(trainer, int(network.seed))
        warn_if_skipped(trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wire what is not wired yet."""
        network, controls = _network_of(pl_module), controls_of(pl_module)
        waiting = not is_trial(trainer) and any(c.needs_activity for c in controls.values())
        if not network.unwired and not waiting:
            return
        start = time.perf_counter()
        declare_step(trainer)
        with held(signal.SIGTERM) as sigterm:
            around = _InTrainer(self, trainer, pl_module, sigterm)
            phase = self._phase = Phase(
                network, self.settings, lambda: ProcessStreams(self.settings.num_streams), around, self._done
            )
            phase.wire()
            self.save(trainer)
            if not is_trial(trainer):
                phase.wire_controls(controls)
        self.seconds += time.perf_counter() - start
        self.save(trainer)
        self._phase = None

    def stimulus_of(self, name: str) -> Stimulus:
        """The stimulus that wires a connection."""
        return self.settings.stimulus_of(name)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save an interrupted phase, where one process can do so without the others."""
        del pl_module
        known = isinstance(exception, SIGTERMException | NotFiniteError)  # saved before, or not worth it
        worth_it = self._phase is not None and self._phase.is_worth_saving
        if worth_it and trainer.world_size == 1 and not known:
            self.save(trainer)
        self._phase, self._done = None, Done(taken=self._done.taken)

    def state_dict(self) -> dict[str, Any]:
        """Round, steps, steps of the connections that are wired, and all streams by global number."""
        done = self._done
        return {
            "round": done.round,
            "steps": done.steps,
            "taken": done.taken,
            "num_streams": self.settings.num_streams,
            "streams": done.streams,
            "settings": self._kept_settings(),
        }

    def _kept_settings(self) -> dict[str, Any]:
        """What an interrupted phase must go on with; a stimulus of the user's own is the user's affair."""
        stimulus = self.settings.stimulus
        given = {"stimulus": stimulus} if isinstance(stimulus, Stimulus) else dict(stimulus)
        known = {
            name: one for name, one in given.items() if type(one).__module__.startswith("lightning_snn.")
        }
        return {
            "chunk": self.settings.chunk,
            **{name: to_config(one, key=f"{PREFIX}.{name}") for name, one in known.items()},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over an interrupted phase.

        Raises:
            ValueError: if it ran with another number of streams, stimulus or chunk.
        """
        ours = self.settings.num_streams
        if state_dict["streams"] and state_dict["num_streams"] != ours:
            raise ValueError(
                f"{PREFIX}.num_streams must be {state_dict['num_streams']} as in the checkpoint's unfinished "
                f"phase, got {ours}"
            )
        if state_dict["streams"] and "settings" in state_dict:
            theirs, kept = state_dict["settings"], self._kept_settings()
            if theirs.keys() == kept.keys():
                settings.check_same_settings(theirs, kept, of=PREFIX, free=())
        self._done = Done(
            state_dict["round"], state_dict["steps"], dict(state_dict["taken"]), state_dict["streams"]
        )

    def save(self, trainer: Trainer) -> None:
        """A checkpoint of the phase, written by all processes together."""
        directory = checkpoint_dir(trainer)
        if directory is None or is_trial(trainer) or self._phase is None:
            return
        done, self._done = self._done, self._phase.state()
        trainer.save_checkpoint(os.path.join(directory, f"{PREFIX}.ckpt"))
        self._done = done


class _InTrainer:
    """A phase inside a Trainer; see `Surroundings`."""

    def __init__(
        self, callback: SelfOrganization, trainer: Trainer, module: LightningModule, sigterm: SignalFlag
    ) -> None:
        self.callback, self.trainer, self.module, self.sigterm = callback, trainer, module, sigterm
        self.trial = is_trial(trainer)
        self.recorder = None if self.trial else find_callback(trainer, Recorder)

    def scene(self) -> Scene:
        """The training data."""
        return scene_of(self.trainer, self.module, self.callback.settings.num_streams)

    def bar(self, description: str, total: int) -> PhaseProgress:
        """Lightning's bar."""
        return PhaseProgress(self.trainer, description, total)

    def before_round(self) -> None:
        """Lightning's loops look for SIGTERM between batches; here it is between rounds."""
        received = self.sigterm.raised or self.trainer.received_sigterm
        if self.trainer.strategy.reduce_boolean_decision(received, all=False):
            self.callback.save(self.trainer)
            raise SIGTERMException

    def recording(self, name: str, number: int) -> Recording | None:
        """What the Trainer's `Recorder` asks for."""
        return None if self.recorder is None else self.recorder.of_round(name, number)

    def take(self, name: str, number: int, activity: RoundActivity) -> None:
        """To the Trainer's `Recorder`."""
        if self.recorder is not None:
            self.recorder.take_round(self.trainer, name, number, activity)

    def after_round(self, rounds: int) -> None:
        """A checkpoint now and then."""
        every = self.callback.every_n_rounds
        if every and rounds % every == 0:
            self.callback.save(self.trainer)

    def log(self, name: str, report: dict[str, float], steps: int) -> None:
        """To all loggers."""
        log_phase(self.trainer, name, report, steps)

    def tell(self, message: str, *, warning: bool = False) -> None:
        """On the first process."""
        (rank_zero_warn if warning else rank_zero_info)(message)


def _network_of(pl_module: LightningModule) -> SpikingNetwork:
    """The module's network; raises ``ValueError`` if it has none."""
    network = getattr(pl_module, "network", None)
    if not isinstance(network, SpikingNetwork):
        raise ValueError(
            "SelfOrganization needs a module with a SpikingNetwork named `network`, "
            f"got {type(pl_module).__name__}"
        )
    return network
