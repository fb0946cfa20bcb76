import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from lightning_snn import viz


@pytest.fixture(autouse=True)
def no_pyplot_figures():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.fixture
def positions():
    return 28 * torch.rand(200, 2, generator=torch.Generator().manual_seed(0))


def panels(figure):
    """Axes with data: no colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and axes.axison]


def colour_bars(figure):
    return [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]


def titles(figure, loc="center"):
    return [axes.get_title(loc=loc) for axes in panels(figure)]


def drawn(figure):
    """The figure once rendered; warnings of the layout are errors here."""
    figure.canvas.draw()
    return figure


def sweep(positions, speed=0.5, steps=60):
    """A front that crosses the sheet from left to right; a node fires once."""
    step = (positions[:, 0] / speed).long()
    return (torch.arange(steps)[:, None] == step).float()


def test_node_layout_draws_every_layer_with_y_down(positions):
    figure = drawn(viz.node_layout({"retina": positions, "lgn": positions[:50] - 14}))
    assert titles(figure) == ["retina (200 nodes)", "lgn (50 nodes)"]
    for axes, expected in zip(panels(figure), (positions, positions[:50] - 14), strict=True):
        assert_allclose(axes.collections[0].get_offsets(), expected)
        assert axes.get_aspect() == 1
        bottom, top = axes.get_ylim()
        assert top < expected[:, 1].min() < expected[:, 1].max() < bottom


def test_node_layout_accepts_a_single_node():
    figure = drawn(viz.node_layout({"one": np.array([[3.0, 4.0]])}))
    assert titles(figure) == ["one (1 nodes)"]


def test_wave_frames_are_centred_on_the_busiest_time(positions):
    spikes = torch.zeros(100, 200)
    spikes[60:66, :80] = 1
    figure = drawn(viz.wave_frames(positions, spikes, dt=2.0, num_frames=5, interval=4.0, memory=12.0))
    assert titles(figure) == ["122 ms", "126 ms", "130 ms", "134 ms", "138 ms"]


def test_wave_frames_colour_nodes_by_the_time_since_their_spike(positions):
    spikes = sweep(positions)
    figure = drawn(viz.wave_frames(positions, spikes, num_frames=4, interval=2.0, memory=5.0))
    for axes in panels(figure):
        now = int(axes.get_title().split()[0])
        age = now - spikes.argmax(dim=0)
        recent = (age >= 0) & (age < 5)
        nodes, fired = axes.collections
        assert len(nodes.get_offsets()) == 200
        assert_allclose(fired.get_offsets(), positions[recent])
        assert_array_equal(fired.get_array(), age[recent])
        assert fired.get_clim() == (0, 5)
    assert colour_bars(figure)[0].get_ylabel() == "time since the spike (ms)"


def test_wave_frames_show_a_spike_again_after_a_second_one(positions):
    spikes = torch.zeros(20, 200)
    spikes[3, 0] = spikes[9, 0] = spikes[10, 1] = 1
    figure = viz.wave_frames(positions, spikes, num_frames=1)
    (axes,) = panels(figure)
    now = int(axes.get_title().split()[0])
    assert_array_equal(axes.collections[1].get_array(), [now - 9, now - 10])


@pytest.mark.parametrize(("steps", "expected"), [(3, [0, 1, 2]), (9, [0, 2, 4, 6]), (1, [0])])
def test_wave_frames_fit_into_a_short_recording(positions, steps, expected):
    figure = drawn(viz.wave_frames(positions, torch.zeros(steps, 200), num_frames=4))
    assert titles(figure) == [f"{step} ms" for step in expected]


def test_unused_places_of_a_row_stay_blank(positions):
    figure = drawn(viz.wave_frames(positions, sweep(positions), num_frames=6))
    assert len(panels(figure)) == 6


def test_raster_places_every_spike():
    retina = torch.rand(80, 1500, generator=torch.Generator().manual_seed(1)) < 0.01
    lgn = torch.zeros(80, 3)
    lgn[10, 2] = lgn[20, 0] = 1
    figure = drawn(viz.raster({"retina": retina, "lgn": lgn.bfloat16()}, dt=0.5))
    rate = retina.float().mean().item() * 2000
    assert titles(figure, "left") == [f"retina: 1500 neurons, {rate:.1f} Hz", "lgn: 3 neurons, 16.7 Hz"]
    top, bottom = panels(figure)
    assert len(top.collections[0].get_offsets()) == retina.sum()
    assert_array_equal(bottom.collections[0].get_offsets(), [[5.0, 2.0], [10.0, 0.0]])
    assert top.get_xlim() == bottom.get_xlim() == (-0.25, 39.75)
    assert top.get_ylim() == (-0.5, 1499.5)
    assert bottom.get_xlabel() == "time (ms)"


def test_traces_have_a_panel_a_variable_and_a_line_a_neuron():
    values = {"lgn v": torch.rand(20, 30), "lgn u": torch.rand(5, 2).bfloat16()}
    times = {"lgn v": torch.arange(20) * 0.5, "lgn u": torch.arange(5) * 2.0}
    figure = drawn(viz.traces(values, times=times, most=4))
    first, second = figure.axes
    assert [len(axes.lines) for axes in figure.axes] == [4, 2]
    assert titles(figure, "left") == ["lgn v", "lgn u"]
    assert first.lines[0].get_xdata().tolist() == times["lgn v"].tolist()
    assert first.lines[3].get_ydata().tolist() == pytest.approx(values["lgn v"][:, 29].tolist())
    assert second.lines[1].get_ydata().tolist() == values["lgn u"][:, 1].tolist()
    assert drawn(viz.traces({"v": torch.rand(3, 1)})).axes[0].lines[0].get_xdata().tolist() == [0, 1, 2]


def test_raster_of_a_silent_layer():
    assert titles(drawn(viz.raster({"out": torch.zeros(5, 4)})), "left") == ["out: 4 neurons, 0.0 Hz"]


def test_receptive_fields_show_the_same_units_before_and_after(positions):
    generator = torch.Generator().manual_seed(2)
    before = torch.randn(30, 200, generator=generator)
    after = torch.rand(30, 200, generator=generator)
    figure = drawn(viz.receptive_fields(before, after, positions, num_units=8, seed=5))
    shown = panels(figure)
    units = [int(title.split()[1]) for title in titles(figure)]
    assert len(shown) == 16
    assert units[:8] == units[8:] == sorted(set(units))
    for axes, unit, weight in zip(shown, units, [before] * 8 + [after] * 8, strict=True):
        values = weight[units[:8]]
        (dots,) = axes.collections
        assert_allclose(dots.get_array(), weight[unit])
        assert_allclose(dots.get_offsets(), positions)
        assert_allclose(dots.get_clim(), (values.min(), values.max()))
    assert [bar.get_ylabel() for bar in colour_bars(figure)] == ["weight before", "weight after"]


def test_receptive_fields_select_by_seed(positions):
    weight = torch.rand(100, 200)
    first, again, other = (
        titles(viz.receptive_fields(weight, weight, positions, num_units=6, seed=seed)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_receptive_fields_with_few_units_of_equal_weights(positions):
    weight = torch.ones(2, 200)
    figure = drawn(viz.receptive_fields(weight, weight, positions))
    assert titles(figure) == ["unit 0", "unit 1"] * 2


def test_confusion_matrix_shows_shares_and_counts():
    counts = torch.tensor([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    figure = drawn(viz.confusion_matrix(counts, ["cat", "dog", "eel"]))
    (axes,) = panels(figure)
    share = axes.images[0].get_array()
    assert_allclose(share, [[0.8, 0.2, 0], [0.25, 0.75, 0], [0, 0, 0]])
    assert [text.get_text() for text in axes.texts] == ["8", "2", "0", "1", "3", "0", "0", "0", "0"]
    assert [text.get_color() for text in axes.texts[:2]] == ["white", "black"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "eel"]
    assert axes.get_title() == "accuracy 78.6 %"


def test_confusion_matrix_of_many_classes_leaves_out_the_counts():
    (axes,) = panels(drawn(viz.confusion_matrix(torch.eye(30))))
    assert not axes.texts
    assert axes.get_title() == "accuracy 100.0 %"


def test_confusion_matrix_writes_large_counts_out():
    (axes,) = panels(viz.confusion_matrix(torch.tensor([[12345678, 0], [0, 1]])))
    assert axes.texts[0].get_text() == "12345678"


def test_accuracy_dots_are_in_percent_with_the_first_on_top():
    (axes,) = panels(drawn(viz.accuracy_dots({"waves": [0.5, 0.6], "random": [1.0]})))
    assert [list(line.get_xdata()) for line in axes.lines] == [[50, 60], [55], [100], [100]]
    assert [text.get_text() for text in axes.texts] == ["55.00 ± 7.07 %", "100.00 %"]
    assert axes.yaxis_inverted()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["waves", "random"]


def test_figures_save_without_a_display(positions, tmp_path):
    path = tmp_path / "layout.png"
    viz.node_layout({"retina": positions}).savefig(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_tensors_may_require_gradients(positions):
    weight = torch.rand(3, 200, requires_grad=True)
    assert len(panels(viz.receptive_fields(weight, weight, positions))) == 6


def test_errors_name_the_argument(positions):
    with pytest.raises(ValueError, match=r"positions\['lgn'\] must be \[N, 2\].*got shape \[4, 3\]"):
        viz.node_layout({"lgn": torch.zeros(4, 3)})
    with pytest.raises(ValueError, match="positions must hold at least one entry"):
        viz.node_layout({})
    with pytest.raises(ValueError, match=r"spikes must be \[T, 200\].*got shape \[9, 1, 200\]"):
        viz.wave_frames(positions, torch.zeros(9, 1, 200))
    with pytest.raises(ValueError, match="interval must be a finite number above 0, got -1"):
        viz.wave_frames(positions, torch.zeros(9, 200), interval=-1)
    with pytest.raises(ValueError, match=r"spikes\['lgn'\] must be \[9, N\].*got shape \[8, 5\]"):
        viz.raster({"retina": torch.zeros(9, 5), "lgn": torch.zeros(8, 5)})
    with pytest.raises(ValueError, match=r"spikes\['retina'\] must be .* no empty dimension"):
        viz.raster({"retina": torch.zeros(0, 5)})
    with pytest.raises(ValueError, match="values must hold at least one entry"):
        viz.traces({})
    with pytest.raises(ValueError, match=r"times\['v'\] must be \[3, 1\]"):
        viz.traces({"v": torch.zeros(3, 2)}, times={"v": torch.zeros(4)})
    with pytest.raises(ValueError, match=r"after must be \[3, 200\].*got shape \[4, 200\]"):
        viz.receptive_fields(torch.zeros(3, 200), torch.zeros(4, 200), positions)
    with pytest.raises(ValueError, match=r"counts must be \[2, 2\].*got shape \[2, 3\]"):
        viz.confusion_matrix(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="class_names must hold 2 names"):
        viz.confusion_matrix(torch.zeros(2, 2), ["a"])
    with pytest.raises(ValueError, match="counts must be a finite number, 0 or above, got -1"):
        viz.confusion_matrix(torch.tensor([[1, -1], [0, 1]]))
    with pytest.raises(ValueError, match=r"results\['waves'\] must lie between 0 and 1, got 94"):
        viz.accuracy_dots({"waves": [94.0]})
    with pytest.raises(ValueError, match="must hold at least one accuracy, got none"):
        viz.accuracy_dots({"waves": []})


def test_filters_of_two_channels_show_their_difference():
    weight = torch.rand(10, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    figure = viz.filters(weight, num_filters=9)
    images = [image for axes in figure.axes for image in axes.images]
    assert len(images) == 9
    np.testing.assert_allclose(images[8].get_array(), (weight[8, 0] - weight[8, 1]).double().numpy())
    assert len({image.get_clim() for image in images}) == 1
    assert figure.axes[-1].get_ylabel() == "weight, on minus off"
    one = viz.filters(weight[:, :1]).axes[0].images[0]
    np.testing.assert_allclose(one.get_array(), weight[0, 0].double().numpy())
    with pytest.raises(ValueError, match=r"weight must be \[K, C, k, k\].*got \[2, 5, 5\]"):
        viz.filters(weight[0])
