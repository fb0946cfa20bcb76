"""What every LightningModule with a network of ours does, whatever it learns."""

import copy
import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Self

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable, made_by, public_path, to_config
from lightning_snn.core.random import RootSeed, is_drawn
from lightning_snn.core.settings import check_same_settings
from lightning_snn.network import SpikingStack
from lightning_snn.trainer.checkpoint_checks import check_can_resume, check_finite, check_same_network
from lightning_snn.trainer.checkpoint_file import opened, use_whole_files
from lightning_snn.trainer.checkpoint_format import SETTINGS, STAMP, stamp, translate
from lightning_snn.trainer.generators import generator_states, restore_generators
from lightning_snn.trainer.queries import check_precision, finders, is_fitting, require_wired


class SpikingModule(Configurable, LightningModule):
    """A stack of layers as a LightningModule: its optimizer, what checkpoints hold, and how it comes back.

    A subclass builds ``stack`` and has the steps.

    Args:
        optimizer: ``parameters -> Optimizer``; it gets those that need a gradient.
        scheduler: ``optimizer -> scheduler``, stepped every epoch.
        seed: As the user gave it.
    """

    _jit_is_scripting = True  # torch.jit.trace reads every attribute: without a Trainer, `trainer` is None

    stack: SpikingStack

    def __init__(
        self, optimizer: OptimizerCallable, scheduler: LRSchedulerCallable | None, *, seed: RootSeed
    ) -> None:
        super().__init__()
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self._seed_is_drawn = is_drawn(seed)
        self._generators: dict[str, Tensor] = {}
        self._finders: list[str] = []
        self._lr: float | None = None

    def setup(self, stage: str) -> None:
        """Check and prepare the Trainer before anything runs."""
        del stage
        check_precision(self.trainer)
        use_whole_files(self.trainer)
        self._finders = finders(self.trainer)  # they take the callbacks away

    def require_wired(self) -> None:
        """Raise ``MisconfigurationException`` if layers that are not wired are about to be trained on."""
        require_wired(self.stack.unwired, self._finders)

    def draw_as_before(self) -> None:
        """Let torch's generators go on from the checkpoint, if any: a resumed run draws the same."""
        restore_generators(self.trainer, self._generators)
        self._generators = {}

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that need a gradient, and the scheduler."""
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = _made("optimizer", self.make_optimizer, trained)
        if self._lr is not None:
            for group in optimizer.param_groups:
                group["lr"] = self._lr
        if self.make_scheduler is None:
            return optimizer
        scheduler = _made("scheduler", self.make_scheduler, optimizer)
        monitor = {"monitor": scheduler.monitor} if isinstance(scheduler, ReduceLROnPlateau) else {}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler} | monitor}

    @property
    def lr(self) -> float:
        """Learning rate of the optimizer; one that is set, as Lightning's finder does, is taken from then on.

        Raises:
            AttributeError: if the optimizer has none.
        """
        if self._lr is not None:
            return self._lr
        group = self.make_optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
        if "lr" not in group:
            raise AttributeError(f"the optimizer has no learning rate, only {', '.join(group)}")
        return float(group["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        checks.positive("lr", value)
        self._lr = value

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which version of the package wrote it; add the states of all processes' generators in a fit."""
        checkpoint[STAMP] = stamp()
        if is_fitting(self._trainer):
            checkpoint["generators"] = generator_states(self.trainer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Bring the checkpoint to the present format, and check it; a seed that was drawn gives way to its.

        Raises:
            ValueError: if it is of another network, damaged or of a newer format; in a fit also if it was
                written with other hyperparameters, or no run can go on from it.
        """
        translate(checkpoint)
        check_finite(checkpoint["state_dict"])
        self._generators = {}
        if is_fitting(self._trainer):
            self._generators = checkpoint.get("generators", {})
            check_can_resume(checkpoint)
            theirs = checkpoint.get(SETTINGS, {})
            free = ("cache", "seed") if self._seed_is_drawn else ("cache",)
            check_same_settings(theirs, dict(self.hparams), of="model", free=free)
            if "seed" in theirs.keys() & self.hparams.keys():
                self.hparams["seed"] = theirs["seed"]

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *args: Any, **kwargs: Any) -> Self:
        """As Lightning's; the model is of the subclass that wrote the file, where that is imported.

        A file of an older format is translated first.

        Raises:
            ValueError: as `on_load_checkpoint`.
        """
        trusted = kwargs.get("weights_only") is False
        file, written_by = opened(checkpoint_path, weights_only=not trusted)
        kind = written_by if isinstance(written_by, type) and issubclass(written_by, cls) else cls
        return super(SpikingModule, kind).load_from_checkpoint(file, *args, **kwargs)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """As in torch, but where ``strict`` the error names the first tensor that is another.

        Raises:
            ValueError: if the tensors are of another network.
        """
        try:
            return super().load_state_dict(state_dict, strict=strict, assign=assign)
        except RuntimeError:
            check_same_network(state_dict, self.state_dict())
            raise

    def save_hyperparameters(self, *args: Any, frame: FrameType | None = None, **kwargs: Any) -> None:
        """As in Lightning, for subclasses with arguments of their own: objects are stored as plain values."""
        super().save_hyperparameters(*args, frame=frame or sys._getframe(1), **kwargs)
        self._set_hparams({name: to_config(value, key=name) for name, value in self.hparams.items()})
        self._hparams_initial = copy.deepcopy(self._hparams)

    def store_arguments(self, of: type, arguments: Mapping[str, Any]) -> None:
        """Keep in checkpoints what the constructor is to be called with again.

        A constructor of a subclass's own is called with what it was given, not with what it handed on; its
        seed is one that was drawn, if it takes any.

        Args:
            of: The class whose constructor calls this.
            arguments: Its arguments by name, with a ``seed`` that is a number or ``plain``.

        Raises:
            ValueError: if an argument cannot be written down, or the scheduler does not say what it monitors.
        """
        _check_monitored(self.make_scheduler)
        kept = {
            "_class_path": public_path(type(self)),
            "_instantiator": "lightning.pytorch.cli.instantiate_module",
        }
        self.save_hyperparameters(
            kept | {name: to_config(value, key=name) for name, value in arguments.items()}
        )
        if type(self).__init__ is of.__init__:  # type: ignore[misc]
            return
        kept |= {name: to_config(value, key=name) for name, value in self._init_args.items()}
        parameters = inspect.signature(type(self)).parameters
        if "seed" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            kept["seed"] = arguments["seed"]
        self.hparams.clear()
        self._set_hparams(kept)
        self._hparams_initial = copy.deepcopy(self._hparams)


def _made(name: str, make: Callable[[Any], Any], argument: Any) -> Any:
    """What a factory of torch's makes; its error names the argument of the module."""
    try:
        return make(argument)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from error


def _check_monitored(scheduler: LRSchedulerCallable | None) -> None:
    """Raise ``ValueError`` for torch's ``ReduceLROnPlateau``, which does not say what it monitors."""
    kind = made_by(scheduler) or object
    plateau = issubclass(kind, torch.optim.lr_scheduler.ReduceLROnPlateau)
    if plateau and not issubclass(kind, ReduceLROnPlateau):
        raise ValueError(
            "scheduler must say what it monitors: give lightning.pytorch.cli.ReduceLROnPlateau with its "
            "monitor, such as val/accuracy with mode max, got torch's own ReduceLROnPlateau"
        )
