import numpy as np
import pytest
import torch
from helpers.kernels import with_threads

from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import event_outer, event_sum


def make(batch, nodes, units, *, share=0.3, per_sample=False, seed=0):
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(batch, nodes, generator=generator) < share).float()
    shape = (batch, nodes, units) if per_sample else (nodes, units)
    return spikes, torch.randn(shape, generator=generator)


def ordered_loop(spikes, rows):
    """Rows of the nodes that fired, added one after the other in float32."""
    result = np.zeros((len(spikes), rows.shape[-1]), np.float32)
    for b, sample in enumerate(spikes.numpy()):
        for n in np.flatnonzero(sample):
            result[b] += (rows[b] if rows.ndim == 3 else rows)[n].numpy()
    return torch.from_numpy(result)


rows_shared_or_not = pytest.mark.parametrize("per_sample", [False, True])


@rows_shared_or_not
@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
@pytest.mark.parametrize(("batch", "nodes", "units"), [(1, 1, 1), (5, 37, 13), (3, 200, 65)])
def test_equals_an_ordered_loop_bit_for_bit(batch, nodes, units, share, per_sample):
    spikes, rows = make(batch, nodes, units, share=share, per_sample=per_sample)
    assert torch.equal(event_sum(spikes, rows), ordered_loop(spikes, rows))


@rows_shared_or_not
def test_bits_do_not_depend_on_the_split_of_the_batch(per_sample):
    spikes, rows = make(7, 300, 50, per_sample=per_sample)
    whole = event_sum(spikes, rows)
    for size in (1, 2, 3):
        own = rows.split(size) if per_sample else [rows] * 7
        parts = [event_sum(part, mine) for part, mine in zip(spikes.split(size), own, strict=False)]
        assert torch.equal(torch.cat(parts), whole)


@rows_shared_or_not
def test_bits_do_not_depend_on_the_number_of_threads(per_sample):
    spikes, rows = make(64, 400, 128, per_sample=per_sample)
    one, two = (with_threads(count, lambda: event_sum(spikes, rows)) for count in (1, 2))
    assert torch.equal(one, two)


@rows_shared_or_not
def test_samples_without_spikes_get_zeros(per_sample):
    spikes, rows = make(6, 30, 4, per_sample=per_sample)
    silent = torch.tensor([0, 2, 5])
    spikes[silent] = 0
    found = event_sum(spikes, rows)
    assert torch.equal(found, ordered_loop(spikes, rows))
    assert torch.equal(found[silent], torch.zeros(3, 4))
    assert torch.equal(event_sum(torch.zeros(6, 30), rows), torch.zeros(6, 4))


def test_agrees_with_the_matrix_product():
    spikes, rows = make(4, 100, 20)
    torch.testing.assert_close(event_sum(spikes, rows), spikes @ rows)
    spikes, rows = make(4, 100, 20, per_sample=True)
    torch.testing.assert_close(event_sum(spikes, rows), torch.einsum("bn,bnm->bm", spikes, rows))


def test_samples_take_turns_in_groups_of_rows():
    spikes, _ = make(12, 37, 1)
    rows = torch.randn(3, 37, 5, generator=torch.Generator().manual_seed(1))
    expected = ordered_loop(spikes, rows.repeat(4, 1, 1))
    for name in ("reference", "numba"):
        with backend.use(name):
            assert torch.equal(event_sum(spikes, rows), expected)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_gradients_are_those_of_a_matrix_product(share):
    spikes, rows = make(9, 20, 6, share=share)
    graded = (spikes * torch.rand(9, 20)).requires_grad_()
    leaves, weight = [graded, rows.requires_grad_()], torch.randn(9, 6)
    expected = torch.autograd.grad(graded @ rows, leaves, weight)
    for name in ("auto", "reference"):
        with backend.use(name):
            found = torch.autograd.grad(event_sum(*leaves), leaves, weight)
            torch.testing.assert_close(found, expected)
            torch.testing.assert_close(event_outer(spikes, weight), spikes.t() @ weight)


def test_an_outer_sum_has_the_same_bits_on_any_number_of_threads():
    spikes, _ = make(64, 41, 1)
    one, two = (with_threads(n, lambda: event_outer(spikes, torch.ones(64, 8) / 3)) for n in (1, 2))
    assert one.any()
    assert torch.equal(one, two)
