"""A training step of two whole networks (forward, backward, optimizer), against the same in other libraries.

``convolutional``: digits as a constant current, two convolutions, each with batch normalisation over time and
LIF, and a linear readout of spike rates. ``recurrent``: spike trains of the sizes of the Spiking Heidelberg
Digits, a layer of LIF neurons that all send to each other, and a leaky readout. All sides have the same sizes,
learning rate, settings of memory and threads (`tune_process`) and potentials that decay by a half a step; the
first convolution, whose input stays the same, is computed once for all steps on every side. ``none`` is the same
network without neurons: what the libraries add to it is theirs.
"""
