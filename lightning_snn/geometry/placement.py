"""Where nodes are placed, in units of the sheet."""

from typing import Literal

import torch
from torch import Tensor

Placement = Literal["random", "grid"]


def uniform(num_nodes: int, generator: torch.Generator) -> Tensor:
    """Uniform in the unit square ``[N, 2]``."""
    return torch.rand(num_nodes, 2, generator=generator)


def grid(rows: int, columns: int) -> Tensor:
    """Points ``[rows * columns, 2]`` one unit apart, row by row: x to the right, y downwards."""
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def unit_grid(num_nodes: int) -> Tensor:
    """Rows of a regular grid in the unit square; where N is no square number, rows differ by one node."""
    num_rows = round(num_nodes**0.5)
    row = torch.arange(num_nodes) * num_rows // num_nodes
    length = torch.bincount(row)
    column = torch.arange(num_nodes) - (length.cumsum(0) - length)[row]
    return torch.stack([(column + 0.5) / length[row], (row + 0.5) / num_rows], dim=1)


def sunflower(num_nodes: int) -> Tensor:
    """Shares of the area and turns ``[N, 2]`` of a spiral that is even in area."""
    index = torch.arange(num_nodes)
    return torch.stack([(index + 0.5) / num_nodes, index * ((3 - 5**0.5) / 2)], dim=1)
