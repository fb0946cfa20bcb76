"""Adaptive and current-based LIF and others, forward and backward, against other libraries.

All run through `work`, so that their processes have the same settings: after `tune_process`, which keeps
memory and lets threads wait without spinning, and with as many threads as torch takes.
"""

import neurons
from lif import both_ways
from measure import Row, Work, Worker, alternate
from peers import PEERS

LEAST = 4.0
PAIRS: dict[tuple[str, str], float | None] = {
    ("AdaptiveLIF", "SpikingJelly ParametricLIFNode"): LEAST,
    ("AdaptiveLIF", "Norse LIFAdExCell"): LEAST,
    ("AdaptiveLIF", "Norse LSNNCell"): LEAST,
    ("AdaptiveLIF", "snnTorch Synaptic"): LEAST,
    ("CurrentLIF", "SpikingJelly ParametricLIFNode"): LEAST,
    ("CurrentLIF", "Norse LIFAdExCell"): LEAST,
    ("CurrentLIF", "Norse LSNNCell"): LEAST,
    ("CurrentLIF", "snnTorch Synaptic"): LEAST,
    ("PLIF", "SpikingJelly ParametricLIFNode"): None,
    ("AdEx", "Norse LIFAdExCell"): None,
}
"""Ours and the peer, and the ratio that is asked for."""


def work(name: str, *size: int) -> Work:
    """A model of ours or of another library over a sequence and back."""
    if name not in PEERS:
        return neurons.work(name, "both", *size)
    built, most = PEERS[name]
    forward, (current, weight) = built(), neurons.data(most, *size)
    return lambda: both_ways(forward, current, weight)


def rows(repeats: int) -> list[Row]:
    """One row a pair and size."""
    found = []
    for size in neurons.SIZES:
        for (name, peer), least in PAIRS.items():
            if name not in neurons.kinds():
                continue
            mine, theirs = Worker("models", "work", name, *size), Worker("models", "work", peer, *size)
            pair = alternate(mine, theirs, repeats)
            rates = f"spike rate {pair.value[0]:.3f} / {pair.value[1]:.3f}"
            title = f"{name} forward + backward " + "T={} B={} N={}".format(*size)
            found.append(Row(title, peer, *pair.seconds, least, pair.memory, rates))
            mine.close()
            theirs.close()
    return found
