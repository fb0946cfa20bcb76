"""Kernels of groups that each see a list of nodes, held to the reference and to each group alone."""

import pytest
import torch
from helpers.kernels import TOLERANCE, on_both, with_threads
from helpers.tensors import assert_equal, rand

from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.event_sum.cpu import MANY
from lightning_snn.ops.seen import check_nodes, seen, sites
from lightning_snn.ops.stdp_window import cpu, cuda, stdp_window
from lightning_snn.plasticity import STDP, Activity, CompetitiveHebbian
from lightning_snn.plasticity.groups import stack

N = 20
NODES = torch.tensor([[0, 3, 4, 11, 19], [3, 4, N, N, N], [2, 7, 11, 12, N], [5, 6, 7, 8, 9]])

RULES = {
    "stdp": STDP(threshold=0.5, threshold_jump=0.1),
    "competitive": CompetitiveHebbian(threshold=5.0),
    "two winners": CompetitiveHebbian(threshold=5.0, winners=2),
}


def test_sites_list_every_node_of_every_list():
    fields = sites(NODES, N)
    assert fields.sizes.tolist() == [5, 2, 4, 5]
    for node in range(N):
        own = slice(fields.starts[node], fields.starts[node + 1])
        expected = (NODES.flatten() == node).nonzero()[:, 0]
        assert fields.where[own].tolist() == expected.tolist()
        assert fields.groups[own].tolist() == (expected // 5).tolist()


def test_what_lists_see_ends_with_zeros():
    assert seen(torch.arange(1.0, N + 1), NODES)[1].tolist() == [4, 5, 0, 0, 0]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), r"nodes must be int64 \[G, F\] and not empty, got torch.int64"),
        (torch.zeros(3, 2), r"nodes must be int64 \[G, F\] and not empty, got torch.float32"),
        (torch.tensor([[0, 21]]), "nodes must lie between 0 and 19, one or more in each list"),
        (torch.tensor([[-1, 3]]), "nodes must lie between 0 and 19"),
        (torch.tensor([[N, N]]), "one or more in each list"),
        (torch.tensor([[1, N, 2]]), "with 20 wherever it has ended"),
    ],
)
def test_lists_are_checked(nodes, message):
    with pytest.raises(ValueError, match=message):
        check_nodes(nodes, N)


@pytest.mark.parametrize("samples", [3, MANY])
@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_event_sums_over_lists(dtype, graded, samples):
    spikes = (rand(samples, N) < 0.4).to(dtype)
    spikes = spikes * rand(samples, N, seed=1, dtype=dtype) if graded else spikes
    rows = rand(4, 5, 3, seed=2, dtype=dtype)
    plain, fused = on_both(lambda: event_sum(spikes, rows, nodes=NODES))
    torch.testing.assert_close(plain, fused)
    for g, nodes in enumerate(NODES):
        assert torch.equal(fused[:, g], event_sum(seen(spikes, nodes), rows[g]))


def test_event_sums_check_lists():
    with pytest.raises(ValueError, match=r"rows must be \[G, F, M\] for spikes \[B, N\] and nodes"):
        event_sum(torch.zeros(2, N), torch.zeros(4, 6, 3), nodes=NODES)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_scans_of_groups_equal_the_reference_and_each_group_alone(rule, dtype, threads):
    generator = torch.Generator().manual_seed(0)
    parts = [rule.initial(5, 3, generator) for _ in NODES]
    for part, nodes in zip(parts, NODES, strict=True):
        part["weight"][:, nodes == N] = 0
    parts = [{k: v.to(dtype) if v.is_floating_point() else v for k, v in part.items()} for part in parts]
    wiring, activity = stack(parts), Activity((rand(60, 3, N) < 0.4).to(dtype), nodes=NODES)

    def run():
        first, stream = rule.learn(activity, wiring, rule.open(wiring, 3, N))
        second, stream = rule.learn(activity, wiring, stream)
        return first, second, stream

    plain, fused = with_threads(threads, lambda: on_both(run))
    for one, other in zip(plain, fused, strict=True):
        assert_equal(one.values(), other.values())
    assert (fused[0]["spikes"].sum((0, 2)) > 0).all()
    assert (fused[0]["weight"][:, NODES == N] == 0).all()
    for g, (alone, part) in enumerate(zip(activity.groups(), parts, strict=True)):
        proposal, _ = rule.learn(alone, part, rule.open(part, 3))
        assert_equal(proposal.values(), [value[:, g] for value in fused[0].values()])


@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("groups", [None, 1, 3, 6])
def test_windows_of_groups_equal_the_reference_and_each_group_alone(groups, pairing, monkeypatch):
    monkeypatch.setattr(cpu, "BLOCK_BYTES", 10_000)  # several blocks
    pre, post = (rand(33, 6, N) < 0.3).float(), (rand(33, 6, 4, 3, seed=1) < 0.3).float()
    traces = (rand(6, N, seed=2), rand(6, 4, 3, seed=3))
    options = {"pre_decay": 0.9, "post_decay": 0.8, "pairing": pairing, "groups": groups}
    factors = {"pre_factor": rand(33, 1, 1, seed=4), "post_factor": rand(33, 6, 4, 3, seed=5)}
    plain, fused = on_both(lambda: stdp_window(pre, post, *traces, nodes=NODES, **options, **factors))
    assert fused.potentiation.shape == (*([] if groups is None else [groups]), 4, 3, 5)
    assert fused.potentiation.min() >= 0
    for a, b in zip(plain, fused, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5)
    for g, nodes in enumerate(NODES):
        own = {**factors, "post_factor": factors["post_factor"][:, :, g]}
        alone = stdp_window(
            seen(pre, nodes), post[:, :, g], seen(traces[0], nodes), traces[1][:, g], **options, **own
        )
        assert_equal(alone[:2], [fused[i][..., g, :, :] for i in (0, 1)])
        assert torch.equal(alone.post_trace, fused.post_trace[:, g])


def test_the_products_of_a_card_see_lists_too():
    pre, post = (rand(33, 6, N) < 0.3).float(), (rand(33, 6, 12, seed=1) < 0.3).float()
    traces, decays = (rand(6, N, seed=2), rand(6, 12, seed=3)), (0.9, 0.8)
    found = cuda.stdp_window(pre, post, *traces, *decays, 0.5, 0.5, None, None, False, 3, True, NODES)
    expected = cpu.stdp_window(pre, post, *traces, *decays, 0.5, 0.5, None, None, False, 3, True, NODES)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
