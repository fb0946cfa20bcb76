"""The self-organising phase without a Trainer."""

import logging
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

from torch import distributed
from tqdm import tqdm

from lightning_snn.development.development import RoundActivity
from lightning_snn.development.phase import Phase
from lightning_snn.development.report import Until
from lightning_snn.development.scene import scene
from lightning_snn.development.settings import PhaseSettings
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.stimuli import Scene, SpontaneousWaves, Stimulus
from lightning_snn.trainer.streams import ProcessStreams

_log = logging.getLogger(__name__)


def self_organize(
    network: SpikingNetwork,
    stimulus: Stimulus | Mapping[str, Stimulus] | None = None,
    *,
    images: Any = None,
    encoders: Encoder | Mapping[str, Encoder] | None = None,
    num_streams: int = 8,
    chunk: int = 250,
    max_steps: int | Mapping[str, int] = 100_000,
    target_share: float | Mapping[str, float] = 0.15,
    stop_at: float | Mapping[str, float] = 0.9,
    until: Until | Mapping[str, Until] | None = None,
    check_every_n_rounds: int = 4,
    progress: bool = True,
) -> dict[str, dict[str, float]]:
    """Wire every connection that has a learning rule and is not wired yet, in the order of the network.

    What the callback `SelfOrganization` does in a Trainer, bit for bit. Where ``torch.distributed`` is
    initialised its processes share the streams, and all must call this; else there is one.

    Args:
        network: The network; it is changed in place.
        stimulus: What drives it, as in `SelfOrganization`.
        images: What a stimulus may show: images ``[n, C, H, W]``, or a data set with numbered samples, each
            an input of the encoders or a tuple that begins with one and goes on with a label.
        encoders: What these become at the input layers: one for all, or by layer.
        num_streams: As in `SelfOrganization`.
        chunk: As in `SelfOrganization`.
        max_steps: As in `SelfOrganization`.
        target_share: As in `SelfOrganization`.
        stop_at: As in `SelfOrganization`.
        until: As in `SelfOrganization`.
        check_every_n_rounds: As in `SelfOrganization`.
        progress: Whether to show progress bars.

    Returns:
        By connection name what was last measured, and the ``steps`` that it took, summed over the streams.

    Raises:
        ValueError: if an argument is out of range, names a connection that no rule wires, or is missing; or
            if nothing, or everything, spikes.
    """
    settings = PhaseSettings(
        stimulus=stimulus or SpontaneousWaves(),
        num_streams=num_streams,
        chunk=chunk,
        max_steps=max_steps,
        target_share=target_share,
        stop_at=stop_at,
        until=until,
        check_every_n_rounds=check_every_n_rounds,
    )
    around = _InScript(network, images, encoders, num_streams, progress=progress)
    phase = Phase(network, settings, lambda: ProcessStreams(num_streams), around)
    phase.wire()
    return phase.reports


class _InScript:
    """A phase in a script; see `Surroundings`."""

    trial = False

    def __init__(
        self,
        network: SpikingNetwork,
        images: Any,
        encoders: Encoder | Mapping[str, Encoder] | None,
        num_streams: int,
        *,
        progress: bool,
    ) -> None:
        by_layer = dict.fromkeys(network.names, encoders) if isinstance(encoders, Encoder) else encoders
        self.images, self.encoders, self.num_streams = images, dict(by_layer or {}), num_streams
        alone = not (distributed.is_available() and distributed.is_initialized())
        self.is_first = alone or distributed.get_rank() == 0
        self.progress = progress and self.is_first

    def scene(self) -> Scene:
        """What the script gave."""
        if self.images is None:
            raise ValueError("a stimulus shows images, and none are given: self_organize(..., images=...)")
        return scene(self.images, self.encoders, self.num_streams)

    def bar(self, description: str, total: int) -> AbstractContextManager["_Bar"]:
        """A bar of tqdm's."""
        return _Bar(description, total, shown=self.progress)

    def before_round(self) -> None:
        """Nothing to look for."""

    def recording(self, name: str, number: int) -> None:
        """Nothing."""
        del name, number

    def take(self, name: str, number: int, activity: RoundActivity) -> None:
        """Nowhere."""
        del name, number, activity

    def after_round(self, rounds: int) -> None:
        """Nothing is saved."""
        del rounds

    def log(self, name: str, report: dict[str, float], steps: int) -> None:
        """Nowhere."""
        del name, report, steps

    def tell(self, message: str, *, warning: bool = False) -> None:
        """On the first process."""
        if not self.is_first:
            return
        if warning:
            warnings.warn(message, stacklevel=5)
        else:
            _log.info(message)


class _Bar:
    def __init__(self, description: str, total: int, *, shown: bool) -> None:
        self.tqdm = tqdm(total=total, desc=description, disable=not shown)

    def update(self, completed: int, note: str = "") -> None:
        """Show that ``completed`` steps are done, and a note."""
        self.tqdm.set_postfix_str(note, refresh=False)
        self.tqdm.update(completed - self.tqdm.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.tqdm.close()
