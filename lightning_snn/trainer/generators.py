"""States of torch's generators on all processes."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor


def generator_states(trainer: Trainer) -> dict[str, Tensor]:
    """States of torch's generators on the CPU and the Trainer's device, one row a process.

    All processes must call this.
    """
    device, processes = trainer.strategy.root_device, trainer.world_size
    states = {name: torch_of.get_rng_state() for name, torch_of in _generators(device).items()}
    if processes == 1:
        return {name: state[None] for name, state in states.items()}
    gathered = {name: trainer.strategy.all_gather(state.to(device)) for name, state in states.items()}
    return {name: rows.reshape(processes, -1).cpu() for name, rows in gathered.items()}


def restore_generators(trainer: Trainer, states: Mapping[str, Tensor]) -> None:
    """Let torch's generators go on from `generator_states`; on another number of processes they stay."""
    for name, torch_of in _generators(trainer.strategy.root_device).items():
        rows = states.get(name)
        if rows is not None and len(rows) == trainer.world_size:
            torch_of.set_rng_state(rows[trainer.global_rank].clone())


def _generators(device: torch.device) -> dict[str, Any]:
    """Where torch keeps the generators of the CPU and of a device."""
    return {"cpu": torch} | ({} if device.type == "cpu" else {device.type: torch.get_device_module(device)})
