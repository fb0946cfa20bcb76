"""The tests of a run: what each is called in results and tables, and which stand there."""

import re
from collections.abc import Iterable, Mapping

from lightning_snn.presentation.measures import score_name
from lightning_snn.presentation.stages import TEST

_STRENGTH = re.compile(r"_[\d.]+(e[+-]?\d+)?$")
_LABELS = re.compile(r"^(\d+)_labels$")


def scores_of(scores: Mapping[str, float], network: str, kinds: list[str]) -> dict[str, float]:
    """The scores of one network in all tests, by the names that results have.

    Those of the test on the samples as they are have the kind's name; those of any other the test's, with the
    kind behind it for all but the first kind.

    Args:
        scores: All that was logged.
        network: The network.
        kinds: Names of the scores of a test.

    >>> logged = {"test/accuracy_grid": 0.9, "test_shifted/accuracy_grid": 0.6, "test_shifted/f1_grid": 0.5}
    >>> scores_of(logged, "grid", ["accuracy", "f1"])
    {'accuracy': 0.9, 'shifted': 0.6, 'shifted/f1': 0.5}
    """
    found = {}
    for stage in dict.fromkeys(key.partition("/")[0] for key in scores):
        for kind in kinds:
            key = f"{stage}/{score_name(kind, network)}"
            if key in scores and (stage == TEST or stage.startswith(f"{TEST}_")):
                found[_named(stage, kind, first=kind == kinds[0])] = scores[key]
    return found


def _named(stage: str, kind: str, *, first: bool) -> str:
    if stage == TEST:
        return kind
    test = stage.removeprefix(f"{TEST}_")
    return test if first else f"{test}/{kind}"


def further_tests(names: Iterable[str], kinds: Iterable[str]) -> list[str]:
    """The tests beside that on the samples as they are, of the names of a network's results.

    >>> further_tests(["accuracy", "shifted", "shifted/macro_f1", "lgn/radius"], ["accuracy"])
    ['shifted']
    """
    return [name for name in names if name not in kinds and "/" not in name]


def leading(tests: Iterable[str]) -> list[str]:
    """Those that stand in tables: of each perturbation the first strength, then the first number of labels.

    >>> leading(["100_labels", "30_labels", "shifted", "shifted_4", "noise", "noise_0.2"])
    ['shifted', 'noise', '100_labels']
    """
    found = [test for test in tests if not _STRENGTH.search(test)]
    counts = [test for test in found if _LABELS.match(test)]
    return [test for test in found if test not in counts] + counts[:1]


def heading(test: str) -> str:
    """What a table calls a test.

    >>> heading("salt_and_pepper"), heading("100_labels"), heading("1")
    ('salt and pepper', '100 labels', 'test 1')
    """
    return f"{TEST} {test}" if test.isdigit() else test.replace("_", " ")
