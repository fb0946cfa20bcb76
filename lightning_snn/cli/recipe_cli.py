"""Lightning's command line for recipes: a phase, a run folder, loggers and one seed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentError, Namespace
from lightning.pytorch import LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

import lightning_snn
from lightning_snn.callbacks import Figures, SelfOrganization
from lightning_snn.callbacks.last_checkpoint import LastCheckpoint
from lightning_snn.callbacks.predictions import WritePredictions
from lightning_snn.cli import LIGHTNING_COMMANDS
from lightning_snn.cli.arguments import (
    as_given,
    check_empty_groups,
    check_groups,
    replace_seeds,
    resolve_configs,
)
from lightning_snn.cli.errors import located, placed
from lightning_snn.cli.faults import is_mistake
from lightning_snn.cli.parser import RecipeParser
from lightning_snn.core.random import run_seed
from lightning_snn.core.settings import take_seeds
from lightning_snn.experiment.run_folder import current_run_folder, open_run_folder
from lightning_snn.network import SpikingNetwork
from lightning_snn.trainer.checkpoint_file import read
from lightning_snn.trainer.checkpoint_format import SETTINGS

LoggerName = Literal["csv", "tensorboard", "wandb"]


class SaveConfig(SaveConfigCallback):
    """Writes ``config.yaml`` into the run folder, which is new for every run."""

    def save_config(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Write the file; called on rank 0."""
        del trainer, pl_module, stage
        path = current_run_folder() / "config.yaml"
        self.parser.save(self.config, path, skip_none=False, overwrite=True)  # null is not always the default


class RecipeCLI(LightningCLI):
    """Lightning's CLI with a self-organisation phase, a run folder and a choice of loggers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.has_subcommands: bool = kwargs["run"]
        self.args: list[str] = kwargs["args"]
        self.checkpoint: dict[str, Any] | None = None
        super().__init__(*args, **kwargs)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the phase, the loggers, and one switch for all seeds."""
        parser.add_lightning_class_args(SelfOrganization, "self_organization")
        parser.add_argument(
            "--logger",
            type=LoggerName | list[LoggerName],
            default="csv",
            help="Loggers beside the CSV file that is always written.",
        )
        parser.add_argument(
            "--seed",
            type=int | None,
            default=None,
            help="Replaces every seed of the recipe but that of the splits.",
        )
        if not self.has_subcommands:
            parser.add_argument(
                "--ckpt_path", type=str | None, default=None, help="Checkpoint of an interrupted run."
            )
            parser.add_argument(
                "--weights_only", type=bool | None, default=None, help="As fit has it, for ckpt_path."
            )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and refuse what the parser lets pass."""
        super().parse_arguments(parser, args)
        command = self.config.get("subcommand")
        check_groups(self.config[command] if command else self.config)

    def before_instantiate_classes(self) -> None:
        """Put ``--seed`` in the place of every seed, and choose the run folder."""
        config = self.config[self.subcommand] if self.subcommand else self.config
        check_empty_groups(as_given(self.args), config)
        name = Path(str(config.config[0])).stem if config.config else self.subcommand or "run"
        open_run_folder(Path(config.trainer.default_root_dir or "runs"), name)
        if self.checkpoint is not None and config.seed is None:
            _take_seeds(config, self.checkpoint)
        self.checkpoint = None  # Lightning reads it once more
        if config.seed is not None:
            replace_seeds(config, config.seed)
            config.seed_everything = seed_everything(config.seed, workers=True)

    def _parse_ckpt_path(self) -> None:
        """Read the checkpoint; as Lightning's, its own commands take the model from there."""
        command = self.config.get("subcommand")
        path = (self.config[command] if command else self.config).ckpt_path
        self.checkpoint = None if path is None else read(str(path))
        if command and self.checkpoint is not None and "_class_path" in self.checkpoint.get(SETTINGS, {}):
            settings = dict(self.checkpoint[SETTINGS])
            settings.pop("_instantiator", None)
            model = {"class_path": settings.pop("_class_path"), "init_args": settings}
            self.config = self.parser.parse_object({command: {"model": model}}, self.config)

    @contextmanager
    def naming_keys(self) -> Iterator[None]:
        """Give an error that the user can mend the key of the value that caused it."""
        try:
            yield
        except OSError:
            raise  # names a file, not a key
        except Exception as error:
            if not is_mistake(error):
                raise
            raise located(error, self.config[self.subcommand] if self.subcommand else self.config) from error

    def instantiate_classes(self) -> None:
        """Build everything from the run's seed."""
        seed = self._get(self.config, "seed_everything")
        chosen = seed if isinstance(seed, int) and not isinstance(seed, bool) else None
        with self.naming_keys(), run_seed(chosen):
            super().instantiate_classes()
            if not isinstance(getattr(self.model, "network", None), SpikingNetwork):
                raise ValueError(
                    "model must be a LightningModule whose attribute network is a SpikingNetwork, such as "
                    f"SpikingClassifier, got {type(self.model).__name__}"
                )

    def _run_subcommand(self, subcommand: str) -> None:
        with self.naming_keys():
            super()._run_subcommand(subcommand)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A Trainer that writes to the run folder."""
        folder = current_run_folder()
        trainer = self._get(self.config, "trainer")
        self.trainer_defaults = {"callbacks": [Figures(), WritePredictions(str(folder))]}
        given = self._get(self.config_init, "trainer").get("callbacks") or []
        callbacks = list(given) if isinstance(given, list) else [given]
        if trainer.enable_checkpointing is not False and not trainer.fast_dev_run:
            callbacks.insert(0, LastCheckpoint())  # the phase saves where the first of them does
        return super().instantiate_trainer(
            logger=_loggers(self._get(self.config, "logger"), folder), callbacks=callbacks, **kwargs
        )


def build_cli(args: list[str], *, run: bool) -> RecipeCLI:
    """Parse arguments and build what they name; where ``run``, do as the first of them says.

    Raises:
        ValueError: if the parser refuses an argument.
    """
    for name in lightning_snn.__all__:
        getattr(lightning_snn, name)  # the parser knows the classes that are imported, by their short names
    quiet = {"exit_on_error": False, "allow_abbrev": False}
    args = resolve_configs(args)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a console script does not look for the user's own classes here
    try:
        return RecipeCLI(
            LightningModule,
            LightningDataModule,
            args=args,
            run=run,
            parser_class=RecipeParser,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            save_config_callback=SaveConfig,
            save_config_kwargs={"save_to_log_dir": False},
            parser_kwargs=quiet | ({name: quiet for name in LIGHTNING_COMMANDS} if run else {}),
        )
    except ArgumentError as error:
        raise ValueError(placed(error, as_given(args))) from error


def _take_seeds(config: Namespace, content: dict[str, Any]) -> None:
    """A run goes on with the seeds that it began with, unless the command names one."""
    model = content.get(SETTINGS, {})
    root = model.get("seed")
    take_seeds(config.model.init_args, model, root)
    data = content.get(config.data.class_path.rpartition(".")[2], {}).get("settings", {})
    take_seeds(config.data.init_args, data.get("init_args", {}), root)
    phase = content.get("callbacks", {}).get("SelfOrganization", {}).get("settings", {})
    take_seeds(config.self_organization, phase, root)
    if isinstance(seed := config.model.init_args.get("seed"), int):
        config.seed_everything = seed_everything(seed, workers=True)


def _loggers(chosen: str | list[str], folder: Path) -> list[Logger]:
    """The CSV logger first: ``trainer.log_dir`` is the first logger's."""
    names = {chosen} if isinstance(chosen, str) else set(chosen)
    place: dict[str, Any] = {"save_dir": str(folder.parent.parent), "name": folder.parent.name}
    loggers: list[Logger] = [CSVLogger(**place, version=folder.name)]
    if "tensorboard" in names:
        loggers.append(TensorBoardLogger(**place, version=folder.name))
    if "wandb" in names:
        loggers.append(
            WandbLogger(
                project="lightning-snn", name=f"{folder.parent.name}-{folder.name}", save_dir=str(folder)
            )
        )
    return loggers
