"""The cross-entropy of the last steps of each sample alone."""

import pytest
import torch
from torch.nn import functional as F

from lightning_snn import CrossEntropy


def test_only_the_last_steps_of_each_sample_count():
    output, label = torch.randn(12, 3, 4), torch.tensor([0, 3, 1])
    loss = CrossEntropy(last=2.0)
    assert torch.equal(loss(output, label, dt=0.5), F.cross_entropy(output[-4:].mean(0), label))
    lengths = torch.tensor([12, 8, 5])
    means = torch.stack([output[end - 4 : end, k].mean(0) for k, end in enumerate(lengths)])
    torch.testing.assert_close(loss.scores(output, dt=0.5, lengths=lengths), means)


def test_the_time_must_be_positive():
    with pytest.raises(ValueError, match="last must be"):
        CrossEntropy(last=0.0)
