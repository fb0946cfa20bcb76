"""What tables and figures call a network and its controls."""

from lightning_snn.presentation.present import NETWORK

_LABELS = {
    NETWORK: "self-organised",
    "random": "random wiring",
    "initial": "first weights",
    "grid": "hand-made grid",
    "pixels": "raw pixels",
}


def label(network: str, *, organised: bool = True) -> str:
    """What tables call a network.

    Args:
        network: Its name.
        organised: Whether any connection has a learning rule.

    >>> label("network"), label("network", organised=False), label("scattered_fields")
    ('self-organised', 'network', 'scattered fields')
    """
    if network == NETWORK and not organised:
        return network
    return _LABELS.get(network, network.replace("_", " "))
