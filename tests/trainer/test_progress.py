"""The progress bar of the phases: on Lightning's Rich bar where that is live, else tqdm, else nothing."""

import pytest
from helpers.expected_warnings import UNWIRED
from lightning.pytorch.callbacks import RichProgressBar, TQDMProgressBar

from lightning_snn.trainer.progress import PhaseProgress

pytestmark = [
    UNWIRED,
    # rich's own, where no terminal is attached
    pytest.mark.filterwarnings("ignore:install .ipywidgets. for Jupyter support"),
]


class Watched(RichProgressBar):
    """Remembers the tasks of the live bar."""

    def __init__(self):
        super().__init__()
        self.tasks = {}

    def refresh(self, hard=False):
        super().refresh(hard)
        if self.progress is not None:
            for task in self.progress.tasks:
                self.tasks[task.description.split(maxsplit=1)[0]] = (
                    task.description,
                    task.completed,
                    task.total,
                )


def test_tasks_on_the_live_rich_bar(classifier, phase, trainer, data, capsys):
    bar = Watched()
    trainer(phase(), bar, enable_progress_bar=True).fit(classifier(), data)
    description, completed, total = bar.tasks["self-organise"]
    assert description.startswith("self-organise lgn ")
    assert description.endswith("% of the units localised")
    assert (completed, total) == (800, 800)
    assert bar.tasks["encode"] == ("encode", 90, 90)
    assert "localised" not in capsys.readouterr().err  # no second bar beside it


def test_rich_bar_that_is_not_live(classifier, phase, trainer, data):
    bar = Watched()
    fit = trainer(phase(), bar, enable_progress_bar=True, num_sanity_val_steps=0)
    fit.fit(classifier(), data)
    assert fit.state.finished


def test_tqdm(classifier, phase, trainer, data, capsys):
    fit = trainer(phase(), TQDMProgressBar(), enable_progress_bar=True)
    fit.fit(classifier(), data)
    said = capsys.readouterr().err
    assert "self-organise lgn: 100%" in said
    assert "800/800" in said
    assert "encode: 100%" in said


def test_quiet(classifier, phase, trainer, data, capsys):
    trainer(phase(), enable_progress_bar=False).fit(classifier(), data)
    said = capsys.readouterr()
    assert "self-organise" not in said.out + said.err
    assert "encode" not in said.out + said.err


@pytest.mark.parametrize("first", [True, False])
def test_only_the_first_process_speaks(trainer, capsys, monkeypatch, first):
    run = trainer(TQDMProgressBar(), enable_progress_bar=True)
    monkeypatch.setattr(type(run), "is_global_zero", property(lambda _: first))
    with PhaseProgress(run, "phase", 10) as bar:
        bar.update(5, "half")
    said = capsys.readouterr().err
    assert ("5/10" in said and "half" in said) is first


def test_closed_after_an_error(trainer, capsys):
    def fail():
        with PhaseProgress(trainer(TQDMProgressBar(), enable_progress_bar=True), "phase", 10) as bar:
            bar.update(3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert capsys.readouterr().err.endswith("\n")
