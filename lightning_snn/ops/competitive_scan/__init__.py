"""Competitive Hebbian learning over the spikes of a chunk, each stream on its own weights."""

from lightning_snn.ops.competitive_scan.reference import (
    CompetitiveConstants,
    CompetitiveState,
    competitive_scan,
)

__all__ = ["CompetitiveConstants", "CompetitiveState", "competitive_scan"]
