"""How far compiled neurons are from the plain loop over the same step: spikes, states, gradients, by model.

`python recipes/benchmarks/errors.py` prints the table. Every constant is learned; the current and the
weights of all outputs are random.
"""
# ruff: noqa: E402 - the process is tuned before torch is imported

import lightning_snn

lightning_snn.tune_process()

import neurons
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from lightning_snn.ops import backend

SIZE = (32, 8, 128)


def run(kind: str) -> list[dict[str, Tensor]]:
    """Spikes, states and gradients of a model, compiled and in the plain loop."""
    name, options, most = neurons.KINDS[kind]
    learn = [*getattr(lightning_snn, name).constants_declared()]
    spread = {
        key: torch.linspace(*x, SIZE[2]).tolist() if isinstance(x, tuple) else x for key, x in options.items()
    }
    found = []
    for form in ("auto", "reference"):
        torch.manual_seed(0)
        model = getattr(lightning_snn, name)(**{**spread, "learn": learn})
        current = (most * torch.rand(SIZE)).requires_grad_()
        with backend.use(form):
            spikes, state = model(current)
            loss = sum((x * torch.randn_like(x)).sum() for x in (spikes, *state) if x.requires_grad)
            loss.backward()
        gradients = {f"d {name}": x.grad for name, x in model.learned.items() if x.grad is not None}
        assert current.grad is not None
        found.append({"spikes": spikes, **state._asdict(), "current": current.grad, **gradients})
    return found


def largest(ours: dict[str, Tensor], plain: dict[str, Tensor], names: list[str]) -> str:
    """The largest difference, relative to the largest value of its kind."""
    if all(torch.equal(ours[name], plain[name]) for name in names):
        return "0"
    errors = [(ours[x] - plain[x]).abs().max() / plain[x].abs().max().clamp_min(1e-30) for x in names]
    return f"{max(error.item() for error in errors):.1e}"


def main() -> None:
    """Run all and print the table."""
    table = Table(
        "model", "spike rate", "spikes that differ", "states", "gradient of the current", "of constants"
    )
    for kind in neurons.kinds():
        ours, plain = run(kind)
        states = [name for name, x in ours.items() if x.ndim == 2]
        constants = [name for name, x in ours.items() if x.ndim < 2]
        differ = int((ours["spikes"] != plain["spikes"]).sum())
        row = [kind, f"{ours['spikes'].mean().item():.3f}", str(differ)]
        row += [largest(ours, plain, names) for names in (states, ["current"], constants)]
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
