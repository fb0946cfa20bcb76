"""Where neurons sit: sheets of nodes in the plane, maps of channels, and how they see an image."""

from lightning_snn.geometry.damaged import Damaged
from lightning_snn.geometry.disk import Disk
from lightning_snn.geometry.maps import Maps, OnOff
from lightning_snn.geometry.points import Points
from lightning_snn.geometry.scrambled import Scrambled
from lightning_snn.geometry.sheet import Sheet
from lightning_snn.geometry.square import Square, Torus

__all__ = ["Damaged", "Disk", "Maps", "OnOff", "Points", "Scrambled", "Sheet", "Square", "Torus"]
