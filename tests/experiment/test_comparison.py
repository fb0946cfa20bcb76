import json

import pytest

from lightning_snn.experiment.comparison import as_markdown, compare, summary

RUNS = {
    0: {"network": 0.9, "random": 0.5},
    4: {"network": 0.95, "random": 0.6},
    7: {"network": 0.94, "random": 0.4},
}


def networks(seed):
    return {name: {"accuracy": value, "macro_f1": 0.1} for name, value in RUNS[seed].items()}


def test_mean_and_standard_deviation():
    means, spreads = summary(RUNS)
    assert means == pytest.approx({"network": 0.93, "random": 0.5})
    assert spreads == pytest.approx({"network": 0.0264575, "random": 0.1}, rel=1e-4)
    assert summary({3: {"network": 0.25}}) == ({"network": 0.25}, {"network": 0.0})


def test_the_table_has_a_row_a_seed_and_a_column_a_network():
    assert as_markdown(RUNS).splitlines() == [
        "| seed | self-organised | random wiring |",
        "| --- | --- | --- |",
        "| 0 | 90.00 | 50.00 |",
        "| 4 | 95.00 | 60.00 |",
        "| 7 | 94.00 | 40.00 |",
        "| mean | 93.00 | 50.00 |",
        "| sd | 2.65 | 10.00 |",
    ]


def test_what_was_run_is_kept_when_a_later_run_fails(tmp_path):
    def run(seed):
        if seed == 7:
            raise RuntimeError("out of luck")
        return networks(seed)

    with pytest.raises(RuntimeError, match="out of luck"):
        compare(run, list(RUNS), tmp_path, title="some")
    kept = json.loads((tmp_path / "comparison.json").read_text())
    assert kept == {"title": "some", "accuracy": {"0": RUNS[0], "4": RUNS[4]}}


def test_a_process_that_gets_no_scores_writes_nothing(tmp_path, capsys):
    compare(lambda seed: {}, [0, 1], tmp_path, title=str(len(RUNS)))  # noqa: ARG005
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""


def test_networks_that_were_not_tested(tmp_path):
    with pytest.raises(ValueError, match=r"compare needs test images: trainer\.limit_test_batches"):
        compare(lambda _: {"network": {"lgn/field_size": 5.0}}, [0, 1], tmp_path, title="some")
