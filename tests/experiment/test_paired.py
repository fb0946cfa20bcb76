"""Several tests over seeds: means, paired differences and their intervals."""

import json

import pytest

from lightning_snn.experiment.comparison import compare
from lightning_snn.experiment.paired import accuracies, differences, means, tables
from lightning_snn.experiment.student import interval, quantile

TESTS = ("accuracy", "shifted", "shifted_4", "100_labels", "30_labels")
RUNS = {
    0: {"network": [0.96, 0.80, 0.6, 0.82, 0.7], "scattered_fields": [0.95, 0.70, 0.4, 0.80, 0.7]},
    1: {"network": [0.97, 0.82, 0.6, 0.84, 0.7], "scattered_fields": [0.95, 0.71, 0.4, 0.82, 0.6]},
    5: {"network": [0.95, 0.84, 0.6, 0.83, 0.7], "scattered_fields": [0.95, 0.72, 0.4, 0.81, 0.8]},
}


def run(seed):
    return {
        name: {"macro_f1": 0.1, "shifted/macro_f1": 0.1, "lgn/field_size": 96.0}
        | dict(zip(TESTS, values, strict=True))
        for name, values in RUNS[seed].items()
    }


FOUND = {seed: {name: accuracies(scores) for name, scores in run(seed).items()} for seed in RUNS}


@pytest.mark.parametrize(
    ("degrees", "expected"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (29, 2.0452)]
)
def test_quantiles_are_those_of_the_tables(degrees, expected):
    assert quantile(0.95, degrees) == pytest.approx(expected, abs=5e-5)


def test_an_interval_by_hand():
    mean, reach = interval([0.10, 0.11, 0.12])
    assert mean == pytest.approx(0.11)
    assert reach == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-4)
    assert interval([0.3]) == (0.3, None)


def test_differences_are_those_of_pairs():
    assert means(FOUND)["network"]["shifted"] == pytest.approx(0.82)
    found = differences(FOUND)
    assert list(found) == ["scattered_fields"]
    assert found["scattered_fields"]["shifted"] == pytest.approx((0.11, 0.024841), rel=1e-4)
    mean, reach = found["scattered_fields"]["100_labels"]
    assert mean == pytest.approx(0.02)
    assert reach == pytest.approx(0, abs=1e-12)  # alike in every pair, though the seeds differ
    assert differences({0: FOUND[0]})["scattered_fields"]["clean"] == (pytest.approx(0.01), None)


def test_tables_show_the_first_strength_and_the_first_count():
    first, second = tables(FOUND).items()
    assert first == (
        "Accuracy in %, mean of seeds 0, 1, 5",
        [
            ["network", "clean", "shifted", "100 labels"],
            ["self-organised", "96.0", "82.0", "83.0"],
            ["scattered fields", "95.0", "71.0", "81.0"],
        ],
    )
    assert second == (
        "self-organised minus control, in points, 95 % interval",
        [
            ["minus", "clean", "shifted", "100 labels"],
            ["scattered fields", "+1.0 ± 2.5", "+11.0 ± 2.5", "+2.0 ± 0.0"],
        ],
    )
    (_, one), (title, apart) = tables({0: FOUND[0]}).items()
    assert one[1] == ["self-organised", "96.0", "80.0", "82.0"]
    assert title == "self-organised minus control, in points"
    assert apart[1] == ["scattered fields", "+1.0", "+10.0", "+2.0"]


def test_without_controls_there_are_no_differences():
    alone = {seed: {"network": tests["network"]} for seed, tests in FOUND.items()}
    assert len(tables(alone)) == 1


def test_what_is_stored_and_printed(tmp_path, capsys):
    compare(run, list(RUNS), tmp_path, title="some")
    stored = json.loads((tmp_path / "comparison.json").read_text())
    assert stored["tests"]["5"]["network"]["shifted_4"] == 0.6
    assert stored["means"]["scattered_fields"]["clean"] == pytest.approx(0.95)
    apart = stored["network_minus_control"]["scattered_fields"]["shifted"]
    assert apart == pytest.approx({"mean": 0.11, "reach": 0.024841}, rel=1e-4)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert "| 5 | 95.00 | 95.00 |" in lines
    assert "| scattered fields | +1.0 ± 2.5 | +11.0 ± 2.5 | +2.0 ± 0.0 |" in lines
    printed = capsys.readouterr().out
    assert "+11.0±2.5" in printed
    assert "mean of seeds 0, 1, 5" in printed
    assert "95.00" not in printed
