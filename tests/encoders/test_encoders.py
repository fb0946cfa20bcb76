import pytest
import torch

from lightning_snn.encoders import ConstantCurrent, Latency, Poisson

VALUES = torch.tensor([[0.0, 0.25, 1.0], [0.5, 0.5, 0.75]])


def test_constant_current_is_bias_plus_gain_times_grey():
    current = ConstantCurrent(4, gain=10.0, bias=2.0)(VALUES, dt=1.0)
    assert current.shape == (4, 2, 3)
    torch.testing.assert_close(current[0], torch.tensor([[2.0, 4.5, 12.0], [7.0, 7.0, 9.5]]))
    assert (current == current[:1]).all()


def test_constant_current_takes_the_memory_of_one_step():
    current = ConstantCurrent(1000)(VALUES, dt=1.0)
    assert current.untyped_storage().nbytes() == VALUES.numel() * 4
    assert ConstantCurrent().repeatable


def test_constant_current_does_not_depend_on_dt():
    encoder = ConstantCurrent(3)
    assert torch.equal(encoder(VALUES, dt=1.0), encoder(VALUES, dt=0.1))


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize(("dt", "max_rate"), [(1.0, 250.0), (0.5, 100.0)])
def test_poisson_pulses_come_at_the_rate_of_the_grey_value(dt, max_rate, seed):
    torch.manual_seed(0)
    grey = torch.tensor([0.0, 0.2, 1.0]).repeat_interleave(50)[None]
    current = Poisson(4000, max_rate=max_rate, amplitude=7.0, seed=seed)(grey, dt=dt)
    assert current.shape == (4000, 1, 150)
    assert set(current.unique().tolist()) == {0.0, 7.0 / dt}  # a charge of 7
    rate = (current > 0).float().mean(0).reshape(3, 50).mean(1) / (dt / 1000)
    assert rate[0] == 0
    assert rate[1].item() == pytest.approx(0.2 * max_rate, rel=0.05)
    assert rate[2].item() == pytest.approx(max_rate, rel=0.05)


def test_poisson_pulses_are_independent_from_step_to_step():
    current = Poisson(20_000, amplitude=1.0)(torch.ones(1, 1), dt=1.0)[:, 0, 0]
    correlation = torch.corrcoef(torch.stack([current[1:], current[:-1]]))[0, 1]
    assert abs(correlation) < 0.03


def test_a_seeded_poisson_repeats_itself_whatever_the_batch():
    encoder = Poisson(50, seed=3)
    assert encoder.repeatable
    whole = encoder(VALUES, dt=1.0)
    assert torch.equal(encoder(VALUES, dt=1.0), whole)
    assert torch.equal(encoder(VALUES[1:], dt=1.0), whole[:, 1:])
    assert not torch.equal(Poisson(50, seed=4)(VALUES, dt=1.0), whole)


def test_more_light_adds_pulses_and_takes_none_away():
    dim, bright = (Poisson(200, seed=0)(torch.full((1, 20), grey), dt=1.0) for grey in (0.3, 0.6))
    assert (bright >= dim).all()
    assert bright.sum() > 1.5 * dim.sum()


def test_an_unseeded_poisson_draws_anew():
    encoder = Poisson(50, seed=None)
    assert not encoder.repeatable
    assert not torch.equal(encoder(VALUES, dt=1.0), encoder(VALUES, dt=1.0))
    same = encoder(torch.full((2, 100), 0.5), dt=1.0)
    assert not torch.equal(same[:, 0], same[:, 1])


@pytest.mark.parametrize("encoder", [ConstantCurrent(5), Poisson(5, seed=0)])
def test_keeps_the_dtype(encoder):
    assert encoder(VALUES.double(), dt=1.0).dtype == torch.float64


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ConstantCurrent(0), "num_steps must be a whole number above 0, got 0"),
        (lambda: ConstantCurrent(gain=-1.0), "gain must be a finite number above 0, got -1.0"),
        (lambda: Poisson(-5), "num_steps must be a whole number above 0, got -5"),
        (lambda: Poisson(max_rate=0.0), "max_rate must be a finite number above 0, got 0.0"),
        (lambda: Poisson(amplitude=0.0), "amplitude must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_latency_is_one_pulse_the_earlier_the_brighter():
    values = torch.tensor([[1.0, 0.76, 0.74, 0.05, 0.04, 0.0]])
    pulses = Latency(4, cutoff=0.05)(values, dt=1.0)
    assert pulses.shape == (4, 1, 6)
    assert pulses.sum(0).tolist() == [[1, 1, 1, 1, 0, 0]]
    assert pulses[:, 0, :4].argmax(0).tolist() == [0, 0, 1, 3]
    assert Latency(4, cutoff=0.0)(torch.zeros(1, 1), dt=1.0).flatten().tolist() == [0, 0, 0, 1]
    with pytest.raises(ValueError, match="cutoff must lie between 0 and 1, got 2"):
        Latency(cutoff=2.0)
