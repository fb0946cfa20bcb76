"""Data that are generated: patterns, and trials of evidence."""

import pytest
import torch

from lightning_snn import EvidenceAccumulation, Pattern


@pytest.mark.parametrize("dt", [1.0, 0.5, 2.0])
def test_patterns_are_normalised_and_follow_a_clock(dt):
    data = Pattern(2, duration=200.0, parts=2, neurons=3, rate=100.0, repeats=4, batch_size=2, dt=dt)
    batches = list(data.train_dataloader())
    trains, target = batches[0]
    assert len(batches) == 2
    assert trains.shape == (2, 200 / dt, 6)
    assert target.shape == (2, 200 / dt, 2)
    assert torch.equal(trains[0], trains[1])
    torch.testing.assert_close(target.mean(1), torch.zeros(2, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(target.var(1, correction=0), torch.ones(2, 2))
    assert trains[0].sum(0).tolist() == [10.0] * 6  # 100 Hz for 100 ms each
    assert not trains[0, : int(100 / dt), 3:].any()
    assert not trains[0, int(100 / dt) :, :3].any()
    assert not torch.equal(data.pattern(), Pattern(2, duration=200.0, parts=2, dt=dt, seed=1).pattern())


def test_evidence_has_the_label_of_the_side_with_more_cues():
    data = EvidenceAccumulation(60, 20, val_size=10, batch_size=10, rate=500.0, noise=5.0)
    data.setup()
    image, label, sample = next(iter(data.train_dataloader()))
    assert image.shape == (10, data.num_steps, data.num_inputs) == (10, 550, 40)
    shown = image[:, :210].reshape(10, 7, 30, 4, 10)[:, :, :20].sum((2, 4))
    right = (shown[:, :, 1] > 0).sum(1)
    assert torch.equal((shown[:, :, 0] > 0).sum(1), 7 - right)
    assert torch.equal(label, (right > 3).long())
    assert len(sample.unique()) == 10
    delay, question = image[:, 210:510].reshape(10, 300, 4, 10), image[:, 510:].reshape(10, 40, 4, 10)
    assert not delay[:, :, :3].any()
    assert question[:, :, 2].mean() == pytest.approx(0.5, abs=0.05)
    assert image[..., 30:].mean() == pytest.approx(0.005, abs=0.002)
    again = EvidenceAccumulation(60, 20, val_size=10, batch_size=10, rate=500.0, noise=5.0)
    again.setup()
    assert torch.equal(again.test_set.images, data.test_set.images)
    assert not torch.equal(data.test_set.images, data.train_set.images[:20])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (EvidenceAccumulation, {"cues": 6}, "data.cues must be odd"),
        (EvidenceAccumulation, {"pause": 10.5}, r"data\.pause must be a whole number of steps"),
        (EvidenceAccumulation, {"rate": 2000.0}, r"data\.rate"),
        (EvidenceAccumulation, {"chance": 0.2}, r"data\.chance"),
        (Pattern, {"parts": 3}, r"data\.duration / parts must be a whole number of steps"),
        (Pattern, {"rate": 2000.0}, r"data\.rate"),
    ],
)
def test_what_does_not_fit_is_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)
