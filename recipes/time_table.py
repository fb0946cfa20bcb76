"""The table of TIME.md: what one spike delivers, and rates of neurons, at several steps."""

import torch

import lightning_snn as snn

STEPS = (1.0, 0.5, 0.25, 0.1, 0.05)


def spike(dt: float, time: float) -> torch.Tensor:
    """One spike ``[T, 1, 1]`` in the first of the steps of ``time`` ms."""
    spikes = torch.zeros(round(time / dt), 1, 1, dtype=torch.float64)
    spikes[0] = 1
    return spikes


def wire(gain: float, kinetics: snn.Kinetics | None = None, nodes: int = 1) -> snn.Local:
    """A synapse of weight ``gain`` to each neuron from its own input."""
    fields = snn.ListedFields([[node] for node in range(nodes)])
    projection = snn.Local(nodes, nodes, fields=fields, gain=gain, kinetics=kinetics)
    projection.weight.data.fill_(1.0)
    return projection.double()


def current_charge(dt: float) -> float:
    """Charge of a spike through an exponential current, w = 1, tau = 5."""
    return dt * wire(1.0, snn.ExponentialCurrent(5.0)).transmit(spike(dt, 200), dt=dt)[0].sum().item()


def potentials(neuron: snn.NeuronModel, current: torch.Tensor) -> torch.Tensor:
    """Potentials ``[T]`` of one neuron above its rest."""
    state, found = neuron.rest(1, 1, current), []
    rest = state.v.item()
    for step in current:
        _, state = neuron.advance(step, state)
        found.append(state.v.item() - rest)
    return torch.tensor(found)


def conductance_area(dt: float) -> float:
    """Area of the EPSP of a conductance of .01 in mV ms."""
    current, _ = wire(0.01).transmit(spike(dt, 1500), dt=dt)
    return dt * potentials(snn.ConductanceLIF(dt=dt), current).sum().item()


def after_10_ms(dt: float) -> float:
    """Potential of a LIF neuron (tau 20) 10 ms after a charge of 1."""
    current, _ = wire(1.0).transmit(spike(dt, 10), dt=dt)
    return potentials(snn.LIF(20.0, threshold=1e3, dt=dt), current)[-1].item()


def rate(neuron: snn.NeuronModel, dt: float, weight: float, kinetics: snn.Kinetics | None = None) -> float:
    """Rate in Hz of 20 neurons with 1,000 inputs of 15 Hz each, whose spikes are the same at every ``dt``."""
    counts = torch.poisson(torch.full((2000, 1, 20), 15.0), generator=torch.Generator().manual_seed(0))
    spikes = torch.zeros(2000, round(1 / dt), 1, 20, dtype=torch.float64)
    spikes[:, 0] = counts
    current, _ = wire(weight, kinetics, 20).transmit(spikes.flatten(0, 1), dt=dt)
    return neuron.again(dt=dt)(current)[0].sum().item() / 20 / 2


lif = snn.LIF(20.0, refractory=3.0)
ROWS = {
    "charge of an exponential current": current_charge,
    "area of an EPSP of ConductanceLIF": conductance_area,
    "LIF 10 ms after a charge of 1": after_10_ms,
    "rate of LIF": lambda dt: rate(lif, dt, 0.1),
    "rate of LIF, exponential current": lambda dt: rate(lif, dt, 0.02, snn.ExponentialCurrent(5.0)),
    "rate of ConductanceLIF": lambda dt: rate(snn.ConductanceLIF(adaptation=0.0), dt, 0.065),
    "rate of Izhikevich": lambda dt: rate(snn.Izhikevich(), dt, 0.7),
}

if __name__ == "__main__":
    print(f"{'dt':36}", *(f"{dt:>7}" for dt in STEPS))
    for name, value in ROWS.items():
        print(f"{name:36}", *(f"{value(dt):7.3g}" for dt in STEPS))
