"""The loggers of a phase that counts its own steps."""

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger

PREFIX = "self_organization"


def declare_step(trainer: Trainer) -> None:
    """Tell W&B that the phase counts its own steps; the step key must come first."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger) and trainer.is_global_zero:
            logger.experiment.define_metric(f"{PREFIX}/step")
            logger.experiment.define_metric(f"{PREFIX}/*", step_metric=f"{PREFIX}/step")


def log_phase(trainer: Trainer, name: str, report: dict[str, float], steps: int) -> None:
    """Hand a report on the wiring of a layer to every logger, under the phase's own step."""
    values = {f"{PREFIX}/{name}/{key}": value for key, value in report.items()}
    values[f"{PREFIX}/step"] = float(steps)
    for logger in trainer.loggers:
        logger.log_metrics(values, step=steps)
        logger.save()
