"""The main job: self-organise, train, test, and one table beside the controls."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import LightningDataModule, Trainer
from rich.console import Console
from rich.table import Table

from lightning_snn.callbacks import SelfOrganization
from lightning_snn.core.files import write_whole
from lightning_snn.development.report import measure_fields
from lightning_snn.modules import SpikingClassifier
from lightning_snn.presentation.measures import score_name
from lightning_snn.presentation.present import NETWORK
from lightning_snn.trainer.queries import find_callback, is_trial

SCORES = ("accuracy", "macro_f1")

_LABELS = {
    NETWORK: "self-organised",
    "random": "random wiring",
    "grid": "hand-made grid",
    "pixels": "raw pixels",
}


def label(network: str) -> str:
    """What tables call a network."""
    return _LABELS[network]


def run_experiment(
    trainer: Trainer,
    model: SpikingClassifier,
    data: LightningDataModule,
    *,
    ckpt_path: str | None = None,
    weights_only: bool | None = None,
) -> dict[str, dict[str, float]]:
    """Fit and test, then leave the results in the run folder and print them as a table.

    Args:
        trainer: A Trainer with the `SelfOrganization` callback.
        model: The classifier.
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
    scores = dict(next(iter(trainer.test(model, data, verbose=False)), {}))
    num_test = int(model.confusion.compute().sum()) if scores else 0
    tested = time.perf_counter()
    phase = find_callback(trainer, SelfOrganization) or SelfOrganization()
    organising = phase.seconds
    seconds = {
        "self-organise": organising,
        "encode": model.encode_seconds,
        "train": fitted - start - organising - model.encode_seconds,
        "test": tested - fitted,
    }
    folder = Path(trainer.log_dir or trainer.default_root_dir)
    if not trainer.is_global_zero:
        return {}
    networks = _networks(model, scores, phase.target_share)
    if not is_trial(trainer):
        results = json.dumps({"networks": networks, "seconds": seconds}, indent=2)
        write_whole(folder / "results.json", f"{results}\n".encode())
    console = Console()
    console.print(_table(networks, seconds, num_test))
    if not is_trial(trainer):
        console.print(f"Run folder: {folder}", soft_wrap=True)
    return networks


def _networks(
    model: SpikingClassifier, scores: Mapping[str, float], target_share: float
) -> dict[str, dict[str, float]]:
    """Scores and field measures by network."""
    wirings = {NETWORK: model.stack.projections}
    wirings |= {name: c.projections for name, c in model.controls.items()}
    rows = {}
    for name in model.readouts:
        named = {key: f"test/{score_name(key, name)}" for key in SCORES}
        rows[name] = {key: scores[logged] for key, logged in named.items() if scores}
        with_fields = {key: p for key, p in wirings.get(name, {}).items() if p.has_fields}
        for layer, projection in with_fields.items():
            below = model.stack.layer(model.stack.names[model.stack.names.index(layer) - 1]).geometry
            fields = measure_fields(projection, below, target_share=target_share)
            rows[name] |= {f"{layer}/{key}": value for key, value in fields.items()}
    return rows


def _table(networks: dict[str, dict[str, float]], seconds: dict[str, float], num_test: int) -> Table:
    """One row a network; where several layers are wired, the fields are those of the first."""
    table = Table(
        title=f"Test on {num_test:,} held-out images",
        caption="Controls share the fan-in; field in nodes; seconds: "
        + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()),
        caption_justify="left",
    )
    table.add_column("network")
    for heading in ("accuracy", "macro F1", "field", "radius", "localised", "coverage"):
        table.add_column(heading, justify="right")
    for name, row in networks.items():
        table.add_row(label(name), *_cells(row))
    return table


def _cells(row: dict[str, float]) -> list[str]:
    layer = next((key.split("/")[0] for key in row if "/" in key), None)
    cells = [f"{row[key]:.1%}" if key in row else "-" for key in SCORES]
    if layer is None:
        return [*cells, *["-"] * 4]
    return [
        *cells,
        f"{row[f'{layer}/field_size']:.0f}",
        f"{row[f'{layer}/rms_radius']:.1f}",
        f"{row[f'{layer}/localised_share']:.0%}",
        f"{row[f'{layer}/coverage']:.0%}",
    ]
