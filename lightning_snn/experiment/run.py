"""The main job: self-organise, train, test, and one table beside the controls."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from rich.console import Console

from lightning_snn.callbacks import SelfOrganization
from lightning_snn.core.files import write_whole
from lightning_snn.development.composite import fields_of
from lightning_snn.development.report import field_measures
from lightning_snn.development.settings import PhaseSettings
from lightning_snn.experiment.tables import results_tables
from lightning_snn.experiment.tests import scores_of
from lightning_snn.modules import SpikingClassifier, SpikingModule
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import NETWORK
from lightning_snn.synapses import WeightedProjection
from lightning_snn.trainer.queries import find_callback, is_trial


def run_experiment(
    trainer: Trainer,
    model: LightningModule,
    data: LightningDataModule,
    *,
    ckpt_path: str | None = None,
    weights_only: bool | None = None,
) -> dict[str, dict[str, float]]:
    """Fit and test, then leave the results in the run folder and print them as a table.

    Args:
        trainer: A Trainer, with the `SelfOrganization` callback where a rule wires connections.
        model: A `SpikingModule`, or any LightningModule whose ``network`` is a `SpikingNetwork`.
        data: The data.
        ckpt_path: Checkpoint of an interrupted run to go on from.
        weights_only: As ``Trainer.fit`` has it.

    Returns:
        Scores and field measures of each network, without scores where nothing was tested
        (``limit_test_batches=0``); empty on all processes but the first.
    """
    start = time.perf_counter()
    trainer.fit(model, data, ckpt_path=ckpt_path, weights_only=weights_only)
    fitted = time.perf_counter()
    scores = {key: value for part in trainer.test(model, data, verbose=False) for key, value in part.items()}
    title = _title(model, scores)
    tested = time.perf_counter()
    phase = find_callback(trainer, SelfOrganization) or SelfOrganization()
    organising = phase.seconds
    encoding = model.encode_seconds if isinstance(model, SpikingModule) else 0.0
    seconds = {
        "self-organise": organising,
        "encode": encoding,
        "train": fitted - start - organising - encoding,
        "test": tested - fitted,
    }
    folder = Path(trainer.log_dir or trainer.default_root_dir)
    if not trainer.is_global_zero:
        return {}
    networks = _networks(model, scores, phase.settings)
    if not is_trial(trainer):
        results = json.dumps({"networks": networks, "seconds": seconds}, indent=2)
        write_whole(folder / "results.json", f"{results}\n".encode())
    console = Console()
    organised = bool(_network(model).learned)
    for table in results_tables(networks, _kinds(model, scores), seconds, title, organised=organised):
        console.print(table)
    if not is_trial(trainer):
        console.print(f"Run folder: {folder}", soft_wrap=True)
    return networks


def _title(model: LightningModule, scores: Mapping[str, float]) -> str:
    if not isinstance(model, SpikingClassifier):
        return "Test on held-out samples"
    if scores and not model.confusion.update_called:  # a test of several labels a sample
        return "Test on held-out samples"
    number = int(model.confusion.compute().sum()) if scores else 0
    return f"Test on {number:,} held-out samples"


def _network(model: LightningModule) -> SpikingNetwork:
    assert isinstance(model.network, SpikingNetwork)
    return model.network


def _networks(
    model: LightningModule, scores: Mapping[str, float], settings: PhaseSettings
) -> dict[str, dict[str, float]]:
    """Scores and, of connections that gradients do not wire, field measures by network."""
    network = _network(model)
    rows: dict[str, dict[str, float]] = {NETWORK: {}}
    wirings: dict[str, Mapping[str, WeightedProjection]] = {NETWORK: network.weighted}
    if isinstance(model, SpikingModule):
        rows = {name: {} for name in model.readouts}
        wirings |= {name: network.weighted | control.projections for name, control in model.controls.items()}
    for name, row in rows.items():
        row |= scores_of(scores, name, _kinds(model, scores))
        for key, projection in wirings.get(name, {}).items():
            if projection.has_fields and (projection.rule is not None or not projection.weight.requires_grad):
                fields = fields_of(network, key, wirings[name])
                measures = field_measures(fields, target_share=settings.target_share_of(key))
                row |= {f"{key}/{kind}": value for kind, value in measures.items()}
    return rows


def _kinds(model: LightningModule, scores: Mapping[str, float]) -> list[str]:
    """Names of the scores of a network; of a module of another kind all that it logs in a test."""
    if isinstance(model, SpikingModule):
        return list(model.metrics())
    return [key.removeprefix("test/") for key in scores if key.startswith("test/")]
