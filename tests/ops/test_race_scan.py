import pytest
import torch
from helpers.kernels import on_both, with_threads
from helpers.tensors import assert_equal, rand

from lightning_snn.ops import backend
from lightning_snn.ops.race_scan import race_scan
from lightning_snn.ops.seen import seen

NODES = torch.tensor([[0, 2, 5, 9], [1, 3, 10, 10], [8, 10, 10, 10]])


def inputs(steps=12, streams=3, units=4, *, dtype=torch.float32, graded=False):
    spikes = (rand(steps, streams, 10, dtype=dtype) < 0.2).to(dtype)
    if graded:
        spikes *= rand(steps, streams, 10, seed=1, dtype=dtype)
    weight = rand(3, units, 4, seed=2, dtype=dtype) * (NODES < 10)[:, None]
    return spikes, weight, 0.8 + rand(3, units, seed=3, dtype=dtype)


def race_by_loop(spikes, weight, threshold, nodes):
    """Winner, step and sums of each race, unit by unit and spike by spike."""
    steps, streams, num_nodes = spikes.shape
    found = []
    for s in range(streams):
        for g, own in enumerate(nodes.tolist()):
            listed = [(f, node) for f, node in enumerate(own) if node < num_nodes]
            v, sent, end = [0.0] * weight.shape[1], [0.0] * len(own), (-1, steps)
            for t in range(steps):
                for f, node in listed:
                    sent[f] += spikes[t, s, node].item()
                    for k in range(len(v)):
                        v[k] += weight[g, k, f].item() * spikes[t, s, node].item()
                over = [v[k] - threshold[g, k].item() for k in range(len(v))]
                if max(over) >= 0:
                    end = (over.index(max(over)), t)
                    break
            found.append((*end, sent))
    return found


@pytest.mark.parametrize("graded", [False, True])
def test_a_race_equals_a_loop_over_streams_groups_steps_and_units(graded):
    spikes, weight, threshold = inputs(dtype=torch.float64, graded=graded)
    race = race_scan(spikes, weight, threshold, nodes=NODES)
    expected = race_by_loop(spikes, weight, threshold, NODES)
    assert race.winner.flatten().tolist() == [winner for winner, _, _ in expected]
    assert race.step.flatten().tolist() == [step for _, step, _ in expected]
    torch.testing.assert_close(
        race.sent.flatten(0, 1), torch.tensor([sent for *_, sent in expected]).double()
    )
    assert 0 < (race.winner < 0).sum() < race.winner.numel()
    assert len(race.winner.unique()) > 3


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (60, 5, 16)])
def test_it_equals_the_reference(shape, dtype, threads):
    steps, streams, units = shape
    nodes = torch.stack(
        [torch.randperm(300, generator=torch.Generator().manual_seed(g))[:40] for g in range(20)]
    )
    nodes[3, 25:], nodes[7, 1:] = 300, 300
    spikes = (rand(steps, streams, 300, dtype=dtype) < 0.05).to(dtype)
    weight = rand(20, units, 40, seed=1, dtype=dtype) * (nodes < 300)[:, None]
    threshold = 5 + 20 * rand(20, units, seed=2, dtype=dtype)

    def run():
        groups = race_scan(spikes, weight, threshold, nodes=nodes)
        return *groups, *race_scan(spikes[:, :, :40], weight[0], threshold[0])

    reference, fused = with_threads(threads, lambda: on_both(run))
    assert steps == 1 or reference[0].max() > 5
    assert_equal(reference, fused)


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_a_group_has_the_bits_that_it_has_alone(name):
    spikes, weight, threshold = inputs(graded=True)
    with backend.use(name):
        together = race_scan(spikes, weight, threshold, nodes=NODES)
        for g, own in enumerate(NODES):
            alone = race_scan(seen(spikes, own), weight[g], threshold[g])
            assert_equal(alone, [value[:, g] for value in together])


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_the_first_wins_and_at_once_the_one_furthest_above_its_threshold(name):
    weight, threshold = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6]]), torch.tensor([1.0, 1.0])
    spikes = torch.zeros(4, 4, 3)
    spikes[1, 0, 0] = spikes[0, 1, 1] = spikes[1, 1, 0] = 1  # one alone; one before the other
    spikes[2, 2] = 1  # both reach it, the second by more
    spikes[3, 3, :2] = 1  # both by as much
    with backend.use(name):
        race = race_scan(spikes, weight, threshold)
    assert race.winner.tolist() == [0, 1, 1, 0]
    assert race.step.tolist() == [1, 0, 2, 3]
    assert race.sent.tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_in_silence_nobody_wins(name):
    spikes, weight, threshold = inputs()
    with backend.use(name):
        race = race_scan(0 * spikes, weight, threshold, nodes=NODES)
    assert (race.winner == -1).all()
    assert (race.step == 12).all()
    assert not race.sent.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spikes": torch.zeros(0, 3, 10)}, r"with no empty dimension, got torch.float32 \[0, 3, 10\]"),
        ({"weight": torch.zeros(3, 4, 5)}, r"weight must be \[3, 4, 4\] .* got \[3, 4, 5\]"),
        ({"threshold": torch.zeros(3, 5)}, r"threshold must be \[3, 4\] .* got \[3, 5\]"),
        ({"threshold": torch.zeros(3, 4).double()}, "numbers of one format, float32 or float64, got weight"),
        ({"nodes": NODES + 1}, "nodes must lie between 0 and 9"),
    ],
)
def test_errors(change, message):
    given = dict(zip(("spikes", "weight", "threshold"), inputs(), strict=True)) | {"nodes": NODES} | change
    with pytest.raises(ValueError, match=message):
        race_scan(**given)
