"""What tables and figures call a network and its controls."""

from lightning_snn.presentation.present import NETWORK

_LABELS = {
    NETWORK: "self-organised",
    "random": "random wiring",
    "initial": "first weights",
    "grid": "hand-made grid",
    "pixels": "raw pixels",
}


def label(network: str) -> str:
    """What tables call a network.

    >>> label("network"), label("scattered_fields")
    ('self-organised', 'scattered fields')
    """
    return _LABELS.get(network, network.replace("_", " "))
