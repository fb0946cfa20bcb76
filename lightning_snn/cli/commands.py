"""The commands that build a Trainer: Lightning's own, ``run`` and ``compare``."""

import os
import shlex
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from lightning.pytorch.loggers import Logger, WandbLogger

from lightning_snn.cli.arguments import check_model_is_free, take, take_count, without_model
from lightning_snn.cli.exits import acting_on_sigterm, exit_code, explain, resumable
from lightning_snn.cli.recipe_cli import build_cli
from lightning_snn.cli.recipes import find_recipe
from lightning_snn.experiment.comparison import compare
from lightning_snn.experiment.run import run_experiment
from lightning_snn.experiment.run_folder import run_folder_scope


def execute(args: Sequence[str]) -> int:
    """Run a command; see `lightning_snn.cli.main.main` for what it returns."""
    # the CLI gets its arguments from here, not from sys.argv; that is meant
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
    # the sample numbers come with the batches
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices")
    # Lightning 2.6's own, with newer releases of torch
    warnings.filterwarnings("ignore", message=".isinstance.treespec, LeafSpec.. is deprecated")
    try:
        with acting_on_sigterm():
            _dispatch(args[0], list(args[1:]))
    except BaseException as error:
        code = exit_code(error)
        if code is None or (code < 128 and os.environ.get("LIGHTNING_SNN_DEBUG")):
            raise
        explain(error, code)
        return code
    return 0


def _dispatch(command: str, rest: list[str]) -> None:
    if command == "run":
        _run(rest[0], rest[1:])
    elif command == "compare":
        _compare(rest)
    else:
        check_model_is_free(rest)
        going_on = resumable([command, *without_model(rest)]) if command == "fit" else nullcontext()
        with run_folder_scope(), going_on:
            build_cli([command, *rest], run=True)


def _run(recipe: str, options: list[str]) -> dict[str, dict[str, float]]:
    with run_folder_scope(), resumable(["run", recipe, *options]):
        cli = build_cli(["--config", str(find_recipe(recipe)), *options], run=False)
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


def _finish(loggers: Sequence[Logger]) -> None:
    """End the run of W&B, which keeps one open for the process and would log the next seed into it."""
    if any(isinstance(logger, WandbLogger) for logger in loggers):
        import wandb

        if wandb.run is not None:  # there is one on the first process only
            wandb.finish()
