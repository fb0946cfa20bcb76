import pytest
import torch

from lightning_snn.core.permutation import pixel_order, scrambled, unscrambled


def test_each_pixel_has_the_value_that_the_order_names():
    images = torch.arange(3 * 2 * 4 * 5).reshape(3, 2, 4, 5)
    order, found = pixel_order(20, 3), scrambled(images, 3)
    for k in range(20):
        assert torch.equal(found[:, :, k // 5, k % 5], images[:, :, order[k] // 5, order[k] % 5])
    assert torch.equal(unscrambled(found, 3), images)


def test_the_order_is_a_permutation_by_chance_that_the_seed_fixes():
    order = pixel_order(784, 0)
    assert torch.equal(order.sort().values, torch.arange(784))
    assert torch.equal(order, pixel_order(784, 0))
    assert not torch.equal(order, pixel_order(784, 1))
    assert (order == torch.arange(784)).sum() < 10
    assert abs(torch.corrcoef(torch.stack([order, torch.arange(784)]))[0, 1]) < 0.15


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16])
def test_images_keep_their_type(dtype):
    images = torch.ones(2, 1, 3, 3).to(dtype)
    assert scrambled(images, 0).dtype == unscrambled(images, 0).dtype == dtype
