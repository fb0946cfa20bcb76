"""Where neurons sit: sheets of nodes in the plane, maps of channels, and how they see an image."""

from lightning_snn.geometry.maps import Maps, OnOff
from lightning_snn.geometry.sheets import Disk, Points, Sheet, Square, Torus

__all__ = ["Disk", "Maps", "OnOff", "Points", "Sheet", "Square", "Torus"]
