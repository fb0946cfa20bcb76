"""A progress bar for phases that Lightning's own bars do not know."""

from types import TracebackType
from typing import Self

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import RichProgressBar
from tqdm import tqdm


class PhaseProgress:
    """Context manager: a task on Lightning's Rich bar where that is live, else a tqdm bar on rank 0.

    Quiet where the Trainer has no progress bar.

    Args:
        trainer: The Trainer.
        description: What the phase is called.
        total: Number of units of work.
    """

    def __init__(self, trainer: Trainer, description: str, total: int) -> None:
        bar = trainer.progress_bar_callback
        self.description = description
        self._rich = bar if isinstance(bar, RichProgressBar) and bar.progress is not None else None
        self._task = None
        self._tqdm = None
        if self._rich is not None and self._rich.progress is not None:
            self._task = self._rich.progress.add_task(description, total=total)
        elif bar is not None and bar.is_enabled:  # type: ignore[attr-defined]
            self._tqdm = tqdm(total=total, desc=description, disable=not trainer.is_global_zero)

    def update(self, completed: int, note: str = "") -> None:
        """Show that ``completed`` units of work are done, and a note."""
        if self._rich is not None and self._rich.progress is not None and self._task is not None:
            self._rich.progress.update(
                self._task, completed=completed, description=f"{self.description} {note}".rstrip()
            )
            self._rich.refresh()
        if self._tqdm is not None:
            self._tqdm.set_postfix_str(note, refresh=False)
            self._tqdm.update(completed - self._tqdm.n)

    def __enter__(self) -> Self:
        """Return the bar itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self._tqdm is not None:
            self._tqdm.close()
