"""What networks do while they learn, recorded into files of the run folder."""

from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning_utilities.core.rank_zero import rank_zero_warn

from lightning_snn.callbacks.publishing import publish, run_folder
from lightning_snn.callbacks.recorded_arrays import Arrays, arrays_of, drawings
from lightning_snn.core import batches, checks
from lightning_snn.development.development import RoundActivity
from lightning_snn.modules.presenting import PresentingModule
from lightning_snn.network import Recording, RecordingTooLargeError, SpikingNetwork
from lightning_snn.presentation.recording import record_input
from lightning_snn.trainer.queries import is_trial


class Recorder(Callback):
    """Records variables of a network now and then: in training, in validation, and while it wires itself.

    Each recording is a file ``recordings/<phase>_<number>.npz`` of the run folder, where the phase is
    ``train``, ``validate`` or the name of the connection that is wired, and the number that of the batch or
    round. It holds ``<layer>/<variable>`` ``[T', samples, n]`` with ``.../times`` in ms and ``.../neurons``.
    Those of rounds hold ``units`` too: how often each unit has spiked, or won, in the round, over all
    streams; and ``units/spikes`` ``[T, samples, N]`` where the layer's own neurons spike while they learn.
    ``figures/recording_<phase>_raster.png`` and ``_traces.png`` show the first sample of the last one.

    What of ``record`` does not run in a phase is left out there. A batch is shown a second time to be
    recorded, which changes nothing that training draws. The first process records, of several.

    Args:
        record: What to record, by layer or connection: names of variables, or arguments of a `Record`.
        every_n_batches: Batches from one recording to the next; 0: none.
        every_n_rounds: The same for rounds of the self-organisation.
        samples: Samples, or streams, that are kept.
        most: Recordings of each phase; later ones are left out.
        limit_mb: Most MB of all files together, and of a recording in memory.

    Raises:
        ValueError: if a number is out of range; before anything runs, if the network has no such layer,
            connection, variable or neuron.
    """

    def __init__(
        self,
        record: dict[str, Any],
        *,
        every_n_batches: int = 100,
        every_n_rounds: int = 20,
        samples: int = 1,
        most: int = 20,
        limit_mb: float = 256.0,
    ) -> None:
        checks.whole("recorder.every_n_batches", every_n_batches)
        checks.whole("recorder.every_n_rounds", every_n_rounds)
        checks.count("recorder.samples", samples)
        checks.count("recorder.most", most)
        checks.positive("recorder.limit_mb", limit_mb)
        self.asked = Recording(record, limit_mb)
        self.every_n_batches, self.every_n_rounds = every_n_batches, every_n_rounds
        self.samples, self.most, self.limit_mb = samples, most, limit_mb
        self.seen: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.megabytes = 0.0
        self.is_full = False
        self.folder: Path | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Look whether the network has what is to be recorded."""
        del trainer, stage
        network = getattr(pl_module, "network", None)
        if isinstance(network, SpikingNetwork):
            network.check_record(self.asked)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Agree on the folder."""
        del pl_module
        self._settle(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Agree on the folder."""
        del pl_module
        self._settle(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Record a batch now and then, before the network learns from it."""
        del batch_idx
        self._batch(trainer, pl_module, batch, "train")

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Record a batch now and then."""
        del batch_idx, dataloader_idx
        if not trainer.sanity_checking:
            self._batch(trainer, pl_module, batch, "validate")

    def of_round(self, name: str, number: int) -> Recording | None:
        """What to record of a round of the self-organisation."""
        return None if not self.every_n_rounds or number % self.every_n_rounds else self._wanted(name)

    def take_round(self, trainer: Trainer, name: str, number: int, activity: RoundActivity) -> None:
        """Write what was recorded of a round."""
        if activity.recorded is None:
            self._stop(f"a round would take more than recorder.limit_mb = {self.limit_mb:g} MB of memory")
            return
        arrays = arrays_of(activity.recorded, self.samples)
        if activity.units is not None:
            arrays["units"] = activity.units.cpu().numpy()
        if activity.post is not None:
            arrays["units/spikes"] = activity.post[:, : self.samples].cpu().numpy()
        self._write(trainer, name, number, arrays)

    def state_dict(self) -> dict[str, Any]:
        """How many batches have been seen and files written."""
        return {"seen": self.seen, "written": self.written, "megabytes": self.megabytes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting, so that a run that goes on records what it would have without the interruption."""
        self.seen, self.written = dict(state_dict["seen"]), dict(state_dict["written"])
        self.megabytes = state_dict["megabytes"]

    def _batch(self, trainer: Trainer, module: LightningModule, batch: Any, phase: str) -> None:
        if is_trial(trainer) or not isinstance(module, PresentingModule):
            return
        number = self.seen[phase] = self.seen.get(phase, -1) + 1
        due = self.every_n_batches and number % self.every_n_batches == 0
        recording = self._wanted(phase) if due else None
        if recording is None:
            return
        given = batches.parts(batch).input
        try:
            recorded = record_input(given, module.network, module.encoders, recording, samples=self.samples)
        except RecordingTooLargeError as error:
            self._stop(str(error))
            return
        self._write(trainer, phase, number, arrays_of(recorded, self.samples))

    def _wanted(self, phase: str) -> Recording | None:
        """What to record now; on the first process only, and until the limits are reached."""
        if self.is_full or self.folder is None or self.written.get(phase, 0) >= self.most:
            return None
        return self.asked

    def _write(self, trainer: Trainer, phase: str, number: int, arrays: Arrays) -> None:
        assert self.folder is not None
        needed = sum(array.nbytes for array in arrays.values()) / 1e6
        if self.megabytes + needed > self.limit_mb:
            self._stop(f"{self.megabytes:.3g} of recorder.limit_mb = {self.limit_mb:g} MB are written")
            return
        path = self.folder / "recordings" / f"{phase}_{number:06d}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)  # type: ignore[arg-type]
        self.megabytes += needed
        self.written[phase] = self.written.get(phase, 0) + 1
        for kind, draw in drawings(arrays).items():
            publish(trainer, self.folder / "figures", f"recording_{phase}_{kind}", draw)

    def _stop(self, why: str) -> None:
        self.is_full = True
        rank_zero_warn(f"nothing more is recorded: {why}")

    def _settle(self, trainer: Trainer) -> None:
        """Where files go; all processes ask, and the first one writes."""
        folder = run_folder(trainer)
        self.folder = folder if trainer.is_global_zero and not is_trial(trainer) else None
