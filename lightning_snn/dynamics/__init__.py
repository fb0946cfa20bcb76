"""What the equations of neuron models call: spikes with a surrogate gradient, and resets."""
