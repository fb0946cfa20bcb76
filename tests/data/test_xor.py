from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn

from lightning_snn.data import XOR


def test_the_class_is_exclusive_or_and_all_patterns_are_there_alike():
    data = XOR(repeats=10, val_size=8, batch_size=4)
    data.setup()
    assert (len(data.train_set), len(data.val_set), len(data.test_set)) == (32, 8, 40)
    for part in (data.train_set, data.val_set, data.test_set):
        bits = part.images.flatten(1) > 0
        assert torch.equal(part.labels, (bits[:, 0] ^ bits[:, 1]).long())
    patterns = data.test_set.images.flatten(1).long() @ torch.tensor([2, 1]) // 255
    assert torch.bincount(patterns).tolist() == [10] * 4
    numbers = torch.cat([data.train_set.sample, data.val_set.sample, data.test_set.sample])
    assert len(numbers.unique()) == 80
    assert next(iter(data.train_dataloader())).image.shape == (4, 1, *XOR.image_size)


def test_errors():
    with pytest.raises(ValueError, match=r"data\.repeats must be a whole number above 0, got 0"):
        XOR(0)


def test_a_seed_that_was_drawn_gives_way_to_that_of_the_run():
    began = XOR()
    goes_on, named = XOR(), XOR(seed=began.seed + 1)
    for data in (goes_on, named):
        data.trainer = SimpleNamespace(state=SimpleNamespace(fn=TrainerFn.FITTING))
    goes_on.load_state_dict(began.state_dict())
    assert goes_on.seed == began.seed
    with pytest.raises(ValueError, match=rf"data.seed: {began.seed} there, {named.seed} here"):
        named.load_state_dict(began.state_dict())
