"""How often the output of a network that learned XOR spikes for each pattern: for each checkpoint, one line.

python recipes/xor_rates.py runs/xor_reward/*/checkpoints/last.ckpt
"""

import sys

import torch

from lightning_snn import SpikingClassifier

TRIALS = 50
PATTERNS = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])


@torch.no_grad()
def rates(path: str) -> list[float]:
    """Mean output rates in Hz for the patterns 00, 01, 10, 11, over new spike trains."""
    model = SpikingClassifier.load_from_checkpoint(path, weights_only=True).eval()
    torch.manual_seed(0)
    images = PATTERNS.float().reshape(4, 1, 1, 2).repeat(TRIALS, 1, 1, 1)
    share = model.present(images).features["network"]
    found: list[float] = (1000 / model.network.dt * share.view(TRIALS, 4).mean(0)).tolist()
    return found


def main(paths: list[str]) -> None:
    """Print the rates, and in how many networks both true patterns are above both false ones."""
    ordered = twice = 0
    for path in paths:
        none, second, first, both = found = rates(path)
        ordered += min(first, second) > max(none, both)
        twice += min(first, second) > 2 * max(none, both)
        print(
            "  ".join(
                f"{bits} {rate:5.1f} Hz" for bits, rate in zip(("00", "01", "10", "11"), found, strict=True)
            )
        )
    print(f"both true patterns above both false ones: {ordered} of {len(paths)}; above twice: {twice}")


if __name__ == "__main__":
    main(sys.argv[1:])
