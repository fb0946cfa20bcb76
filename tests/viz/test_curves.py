"""Curves of accuracy."""

import pytest

from lightning_snn.viz import accuracy_curves

RESULTS = {"waves": {30: 0.7, 3600: 0.96, 300: 0.9}, "random": {30: 0.6, 300: 0.8, 3600: 0.95}}


def test_points_in_order_in_per_cent_the_first_line_thick_and_on_top():
    axes = accuracy_curves(RESULTS, xlabel="labels", log=True, title="some").axes[0]
    first, second = axes.lines
    assert first.get_xdata().tolist() == [30, 300, 3600]
    assert first.get_ydata().tolist() == pytest.approx([70, 90, 96])
    assert first.get_linewidth() > second.get_linewidth()
    assert first.get_zorder() > second.get_zorder()
    assert first.get_color() != second.get_color()
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["30", "300", "3,600"]
    assert axes.get_title() == "some"


def test_every_line_is_named_and_looks_different():
    names = [f"control {number}" for number in range(8)]
    figure = accuracy_curves({name: {0: 0.5, 1: 0.4} for name in names}, xlabel="shift")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    assert len({(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}) == 8


@pytest.mark.parametrize(
    ("results", "log", "message"),
    [
        ({}, False, "results must hold at least one entry"),
        ({"a": {}}, False, r"results\['a'\] must hold at least one entry"),
        ({"a": {1: 1.2}}, False, r"results\['a'\] must lie between 0 and 1, got 1\.2"),
        ({"a": {0: 0.5}}, True, r"results\['a'\] must be a finite number above 0, got 0"),
    ],
)
def test_what_is_refused(results, log, message):
    with pytest.raises(ValueError, match=message):
        accuracy_curves(results, xlabel="x", log=log)
