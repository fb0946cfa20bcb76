"""How a module is kept in a checkpoint, and comes back."""

import copy
import inspect
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Self

from lightning.pytorch import LightningModule
from torch import Tensor

from lightning_snn.core.config import Configurable, all_defaults, public_path, to_config
from lightning_snn.core.random import PLAIN, RootSeed, is_drawn, root_seed
from lightning_snn.core.settings import check_same_settings
from lightning_snn.core.upgrade import PACKAGE
from lightning_snn.trainer.checkpoint_checks import check_can_resume, check_finite, check_same_network
from lightning_snn.trainer.checkpoint_file import opened
from lightning_snn.trainer.checkpoint_format import SETTINGS, STAMP, stamp, translate
from lightning_snn.trainer.generators import generator_states, restore_generators
from lightning_snn.trainer.queries import is_fitting


class StoredModule(Configurable, LightningModule):
    """A LightningModule whose checkpoints hold plain values, are checked, and come back as their own class.

    Args:
        seed: As the user gave it.

    Attributes:
        root: The seed, a number or ``plain``; drawn where the user gave none.

    Raises:
        ValueError: if an argument of the subclass's constructor cannot be written down.
    """

    def __init__(self, seed: RootSeed = None) -> None:
        super().__init__()
        self._seed_is_drawn = is_drawn(seed)
        self._generators: dict[str, Tensor] = {}
        root = root_seed(seed)
        self.root: RootSeed = "plain" if root == PLAIN else root
        self._store_arguments()

    def draw_as_before(self) -> None:
        """Let torch's generators go on from the checkpoint, if any: a resumed run draws the same."""
        restore_generators(self.trainer, self._generators)
        self._generators = {}

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
        return super(StoredModule, kind).load_from_checkpoint(file, *args, **kwargs)

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

    def _store_arguments(self) -> None:
        """Keep what the constructor is to be called with again, and the seed, if it takes any."""
        parameters = inspect.signature(type(self)).parameters
        defaults = {p.name: p.default for p in parameters.values() if p.default is not p.empty}
        if type(self).__module__.partition(".")[0] == PACKAGE:  # its **options are all those of its base
            defaults = all_defaults(type(self))
        seeded = "seed" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        given = defaults | self._init_args | ({"seed": self.root} if seeded else {})
        stamp = {
            "_class_path": public_path(type(self)),
            "_instantiator": "lightning.pytorch.cli.instantiate_module",
        }
        self.save_hyperparameters(stamp | {name: to_config(value, key=name) for name, value in given.items()})
