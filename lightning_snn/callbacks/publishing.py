"""Where figures go: a folder of the run, and the loggers that take images."""

from collections.abc import Callable
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning_utilities.core.rank_zero import rank_zero_warn
from matplotlib.figure import Figure


def run_folder(trainer: Trainer) -> Path:
    """The run folder; all processes must call this, since ``log_dir`` is agreed on."""
    return Path(trainer.log_dir or trainer.default_root_dir)


def publish(trainer: Trainer, folder: Path, name: str, draw: Callable[[], Figure]) -> None:
    """Draw a figure, save it and hand it to the loggers; one that cannot be drawn is a warning."""
    try:
        figure = draw()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=120)
        for logger in trainer.loggers:
            _log_figure(logger, name, figure, path)
    except Exception as error:
        rank_zero_warn(f"figure {name} could not be made: {error}")


def _log_figure(logger: Logger, name: str, figure: Figure, path: Path) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_image(f"figures/{name}", [str(path)])
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_figure(f"figures/{name}", figure)
