import pytest
import torch

from lightning_snn.data.splits import stratified

LABELS = torch.arange(1000) % 10


def test_parts_are_disjoint_and_complete():
    left, drawn = stratified(LABELS, size=200, seed=(0,))
    assert sorted(torch.cat([left, drawn]).tolist()) == list(range(1000))
    assert LABELS[drawn].bincount().tolist() == [20] * 10


@pytest.mark.parametrize(
    ("labels", "size", "expected"),
    [
        (LABELS, 203, [21, 21, 21, 20, 20, 20, 20, 20, 20, 20]),
        (torch.tensor([0] * 5 + [2] * 15), 4, [1, 0, 3]),
        (torch.tensor([0] * 6 + [1] * 14), 7, [2, 5]),
        (torch.tensor([0, 1]), 2, [1, 1]),
        (torch.tensor([0, 1]), 0, []),
    ],
)
def test_classes_keep_their_proportion(labels, size, expected):
    _, drawn = stratified(labels, size=size, seed=(0,))
    assert labels[drawn].bincount().tolist() == expected


def test_the_seed_fixes_the_draw_and_both_orders():
    first, same, other = (stratified(LABELS, size=50, seed=(seed, 1)) for seed in (0, 0, 1))
    for part, again, changed in zip(first, same, other, strict=True):
        assert torch.equal(part, again)
        assert not torch.equal(part, changed)


def test_parts_are_in_random_order():
    labels = torch.arange(10).repeat_interleave(100)
    for part in stratified(labels, size=400, seed=(0,)):
        assert len(labels[part[:100]].unique()) == 10
