"""The command line: recipes and Lightning's own commands."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lightning_snn.cli import LIGHTNING_COMMANDS
from lightning_snn.cli.recipes import copy_recipe, recipes, summary
from lightning_snn.core.files import reason
from lightning_snn.core.process import tune_process
from lightning_snn.core.version import package_version


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; what needs torch is imported for the commands that do.

    Returns:
        0 if it did; with a sentence on standard error 2 if the user can mend it, 1 if the file system failed
        or the fault is ours, whose traceback stays, 130 after Ctrl-C and 143 after SIGTERM.
    """
    given = list(sys.argv[1:] if args is None else args) or ["--help"]
    if _builds_a_trainer(given):
        tune_process()
        try:
            from lightning_snn.cli.commands import execute
        except KeyboardInterrupt:  # importing takes seconds
            print("lightning-snn: interrupted", file=sys.stderr)
            return 130
        return execute(given)
    options = _own_parser().parse_args(given)
    try:
        if options.command == "ls":
            width = max(map(len, recipes()), default=0)
            for name, path in recipes().items():
                print(f"{name:{width}} {summary(path)}")
        elif options.command == "cp":
            print(copy_recipe(options.recipe, Path(options.file)))
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        if os.environ.get("LIGHTNING_SNN_DEBUG") or isinstance(error, UnicodeError):  # a fault of ours
            raise
        what, code = (reason(error), 1) if isinstance(error, OSError) else (str(error), 2)
        print(f"lightning-snn: {what}", file=sys.stderr)
        return code
    return 0


def _builds_a_trainer(args: Sequence[str]) -> bool:
    """Whether Lightning's CLI is to parse the arguments; the others are those of `_own_parser`."""
    command, rest = args[0], args[1:]
    if command in LIGHTNING_COMMANDS:
        return True
    if command == "run":
        return bool(rest) and not rest[0].startswith("-")
    return command == "compare" and not {"-h", "--help"} & set(rest)


def _own_parser() -> argparse.ArgumentParser:
    """The commands as the help shows them; those with many options are parsed by Lightning's CLI."""
    parser = argparse.ArgumentParser(prog="lightning-snn", description=__doc__)
    parser.add_argument("--version", action="version", version=f"lightning-snn {package_version()}")
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
