"""The command line: recipes and Lightning's own commands."""

import argparse
import os
import shlex
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from jsonargparse import ArgumentError, Namespace
from lightning.pytorch import LightningDataModule, Trainer, seed_everything
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning_utilities.core.rank_zero import rank_zero_only

from lightning_snn import checkpoints
from lightning_snn.callbacks import Figures, SelfOrganization
from lightning_snn.callbacks.last_checkpoint import LastCheckpoint
from lightning_snn.callbacks.predictions import WritePredictions
from lightning_snn.checkpoint_io import write_whole
from lightning_snn.cli_arguments import (
    as_given,
    check_empty_groups,
    check_groups,
    check_model_is_free,
    replace_seeds,
    resolve_configs,
    take,
    take_count,
    without_model,
)
from lightning_snn.cli_errors import located, placed, sentence
from lightning_snn.cli_faults import blame, is_mistake
from lightning_snn.cli_parser import RecipeParser
from lightning_snn.comparison import compare
from lightning_snn.core.random import run_seed
from lightning_snn.experiment import run_experiment
from lightning_snn.module import SpikingClassifier
from lightning_snn.recipe_files import find_recipe, recipes, summary
from lightning_snn.run_folder import (
    current_run_folder,
    last_checkpoint,
    open_run_folder,
    run_folder_scope,
)

LIGHTNING_COMMANDS = ("fit", "validate", "test", "predict")
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
        self.checkpoint = None if path is None else checkpoints.read(str(path))
        if command and self.checkpoint is not None:
            settings = dict(self.checkpoint[checkpoints.SETTINGS])
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


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if it did; with a sentence on standard error 2 if the user can mend it, 1 if the file system failed
        or the fault is ours, whose traceback stays, 130 after Ctrl-C and 143 after SIGTERM.
    """
    given = list(sys.argv[1:] if args is None else args)
    # the CLI gets its arguments from here, not from sys.argv; that is meant
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
    # the sample numbers come with the batches
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices")
    # Lightning 2.6's own, with newer releases of torch
    warnings.filterwarnings("ignore", message=".isinstance.treespec, LeafSpec.. is deprecated")
    try:
        with _acting_on_sigterm():
            _dispatch(given)
    except BaseException as error:
        code = _exit_code(error)
        if code is None or (code < 128 and os.environ.get("LIGHTNING_SNN_DEBUG")):
            raise
        _explain(error, code)
        return code
    return 0


def _exit_code(error: BaseException) -> int | None:
    """The exit code of a command that an error ends; None for its regular ends, such as that of help."""
    cause = error.__context__ if isinstance(error, SystemExit) else error  # Lightning turns Ctrl-C into 1
    if isinstance(error, SIGTERMException):
        return 128 + signal.SIGTERM
    if isinstance(cause, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, OSError) and error.errno is not None:
        return 1
    if not isinstance(error, Exception):
        return None
    return 2 if is_mistake(error) else 1


@rank_zero_only
def _explain(error: BaseException, code: int) -> None:
    """Say on standard error what ended a command, and how to go on."""
    if code > 128:
        reason = "interrupted"
    elif isinstance(error, OSError) and error.errno is not None:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    elif code == 2:
        reason = sentence(error)
    else:
        traceback.print_exception(error)
        reason = blame(error)
    advice = [] if code == 2 else getattr(error, "__notes__", [])
    print("; ".join([f"lightning-snn: {reason}", *advice]), file=sys.stderr)


@contextmanager
def _acting_on_sigterm() -> Iterator[None]:
    """SIGTERM raises `SIGTERMException`: at once, or where a Trainer runs, which saves first, by itself.

    Only the main thread may set handlers; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal received
        del number, frame
        received = True
        if signal.getsignal(signal.SIGTERM) is handle:  # else it was called by Lightning's own handler
            raise SIGTERMException

    previous = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
    if received:
        raise SIGTERMException


@contextmanager
def _resumable(command: Sequence[str]) -> Iterator[None]:
    """Whatever ends a command early carries a note of how to go on from the last checkpoint."""
    try:
        yield
    except BaseException as error:
        earlier, others = take(list(command), "--ckpt_path")
        path = last_checkpoint() or earlier
        if path is not None:
            again = shlex.join(["lightning-snn", *others, "--ckpt_path", str(path)])
            error.add_note(f"resume with: {again}")
        elif _exit_code(error) not in (2, None):
            error.add_note("there is no checkpoint yet to go on from")
        raise


def _dispatch(args: list[str]) -> None:
    args = args or ["--help"]
    command, rest = args[0], args[1:]
    if command in LIGHTNING_COMMANDS:
        check_model_is_free(rest)
        with (
            run_folder_scope(),
            _resumable([command, *without_model(rest)]) if command == "fit" else nullcontext(),
        ):
            _cli([command, *rest], run=True)
    elif command == "run" and rest and not rest[0].startswith("-"):
        _run(rest[0], rest[1:])
    elif command == "compare" and not {"-h", "--help"} & set(rest):
        _compare(rest)
    else:
        options = _own_parser().parse_args(args)
        if options.command == "ls":
            for name, path in recipes().items():
                print(f"{name:18} {summary(path)}")
        elif options.command == "cp":
            _copy(options.recipe, Path(options.file))


def _run(recipe: str, options: list[str]) -> dict[str, dict[str, float]]:
    with run_folder_scope(), _resumable(["run", recipe, *options]):
        cli = _cli(["--config", str(find_recipe(recipe)), *options], run=False)
        try:
            with cli.naming_keys():
                return run_experiment(
                    cli.trainer,
                    cli.model,
                    cli.datamodule,
                    ckpt_path=cli.config.ckpt_path,
                    weights_only=cli.config.weights_only,
                )
        finally:
            _finish(cli.trainer.loggers)


def _compare(args: list[str]) -> None:
    number, options = take_count(args, "--seeds", default=3, least=1)
    first, options = take_count(options, "--first_seed", default=0, least=0)
    if not options or options[0].startswith("-"):
        raise ValueError("compare needs a recipe: lightning-snn compare RECIPE --seeds 3")
    name, options = options[0], options[1:]
    recipe = find_recipe(name)
    if any(option.split("=")[0] in ("--seed", "--ckpt_path") for option in options):
        raise ValueError(
            "compare sets --seed for each run, and starts each anew: leave out --seed and --ckpt_path"
        )
    root, _ = take(options, "--trainer.default_root_dir")

    def run(seed: int) -> dict[str, dict[str, float]]:
        try:
            return _run(name, [*options, "--seed", str(seed)])
        except BaseException as error:
            left = first + number - seed - 1
            if left:
                others = ["--first_seed", str(seed + 1), "--seeds", str(left)]
                again = shlex.join(["lightning-snn", "compare", name, *options, *others])
                error.add_note(f"the seeds after {seed} with: {again}")
            raise

    time = datetime.now().strftime("%Y%m%d-%H%M%S")
    compare(
        run,
        range(first, first + number),
        Path(root or "runs") / f"{recipe.stem}-compare" / time,
        title=f"{recipe.stem}: test accuracy in %",
    )


def _own_parser() -> argparse.ArgumentParser:
    """The commands as the help shows them; those with many options are parsed by Lightning's CLI."""
    parser = argparse.ArgumentParser(prog="lightning-snn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="self-organise, train, test, and print a table beside the controls")
    run.add_argument("recipe", metavar="RECIPE", help="a recipe's name or a YAML file; then any --key value")
    comparison = commands.add_parser(
        "compare", help="run a recipe over several seeds, and tabulate it with its controls"
    )
    comparison.add_argument("recipe", metavar="RECIPE")
    comparison.add_argument("--seeds", metavar="N", help="how many seeds; 3 by default")
    comparison.add_argument(
        "--first_seed", metavar="S", help="seeds S to S + N - 1; 0 by default; then any --key value"
    )
    commands.add_parser("ls", help="list the recipes")
    copy = commands.add_parser("cp", help="copy a recipe, to change it")
    copy.add_argument("recipe", metavar="RECIPE")
    copy.add_argument("file", metavar="FILE")
    for name in LIGHTNING_COMMANDS:
        commands.add_parser(name, help=f"Lightning's {name}: --config RECIPE_OR_FILE, then any --key value")
    return parser


def _cli(args: list[str], *, run: bool) -> RecipeCLI:
    quiet = {"exit_on_error": False, "allow_abbrev": False}
    args = resolve_configs(args)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a console script does not look for the user's own classes here
    try:
        return RecipeCLI(
            SpikingClassifier,
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
    model = content[checkpoints.SETTINGS]
    root = model.get("seed")
    checkpoints.take_seeds(config.model.init_args, model, root)
    data = content.get(config.data.class_path.rpartition(".")[2], {}).get("settings", {})
    checkpoints.take_seeds(config.data.init_args, data.get("init_args", {}), root)
    phase = content.get("callbacks", {}).get("SelfOrganization", {}).get("settings", {})
    checkpoints.take_seeds(config.self_organization, phase, root)
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


def _finish(loggers: Sequence[Logger]) -> None:
    """End the run of W&B, which keeps one open for the process and would log the next seed into it."""
    if any(isinstance(logger, WandbLogger) for logger in loggers):
        import wandb

        if wandb.run is not None:  # there is one on the first process only
            wandb.finish()


def _copy(name: str, target: Path) -> None:
    source = find_recipe(name)
    if target.is_dir():
        target = target / source.name
    if target.exists():
        raise ValueError(f"{target} exists already; choose another name")
    write_whole(target, source.read_bytes())
    print(f"{source.stem} copied to {target}; run it with: lightning-snn run {target}")


if __name__ == "__main__":
    sys.exit(main())
