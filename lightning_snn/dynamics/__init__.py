"""The equations of the neuron models: one file a model, each a pure step function and its state."""
