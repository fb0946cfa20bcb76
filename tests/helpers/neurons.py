"""Neurons step by step."""

import torch


def potentials(model, current):
    """Membrane potentials ``[T, B, N]`` after each step of a current ``[T, B, N]``, from rest."""
    state, found = model.rest(*current.shape[1:], current), []
    for step in current:
        _, state = model.advance(step, state)
        found.append(state.v)
    return torch.stack(found)
