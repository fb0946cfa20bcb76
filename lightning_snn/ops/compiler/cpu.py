"""Generated kernels in numba: blocks of neurons split over threads."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.unchanged import Unchanged
from lightning_snn.ops import parallel
from lightning_snn.ops.compiler import store
from lightning_snn.ops.compiler.call import Call, carried
from lightning_snn.ops.jit import array, owned, owned_gradient, strided

BLOCK = 2**13
"""Most neurons in a block: the longer, the better memory streams."""
SCRATCH = 2**19
"""Bytes that a block's kept values may take: half of a core's second-level cache."""
LEAST = 2**10
"""Fewest neurons in a block, however long the sequence."""


def forward(call: Call) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and what is recorded ``[T, B, N]``."""
    like, before, coupling = call.state[0], call.before, call.coupling
    module, k, facts = variant(call.forward, call.state)
    long = "each" not in facts["kinds"] and before is None
    sent = [like.new_empty(call.inputs[0].shape) for _ in range(1 + call.recorded)]
    ends = [owned(x) for x in call.state]
    out = [rows(x, long).numpy() for x in sent]
    steps, batch, nodes = out[0].shape
    arguments = [x for j in facts["inputs"] for x in strided(rows(call.inputs[j], long))]
    arguments += out + [ends[j].numpy().reshape(batch, nodes) for j in facts["states"]]
    arguments += [*values_of(module, k, call.constants, like), steps, batch, nodes]
    name, parts = "scan", batch
    if before is None:
        block = min(BLOCK, nodes)
        arguments, parts = [*arguments, block], batch * -(-nodes // block)
    elif coupling is None:
        name = f"uniform{call.target}"
        arguments += [array(before), like.numpy().dtype.type(call.strength)]
    else:
        name = "sheet"
        arguments += [array(before), array(coupling)]
    scan = getattr(module, f"{name}_{k}")
    parallel.split(parts, lambda first, last: scan(*arguments, first, last))
    return [sent[0], *ends, *sent[1:]]


def backward(call: Call, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients that are wanted: of inputs ``[T, B, N]``, else ``[B, N]``."""
    key, *wanted = call.backward.split()
    module, k, facts = variant(key, call.state)
    like, long = call.state[0], "each" not in facts["kinds"]
    spikes = torch.zeros_like(call.inputs[0]) if grads[0] is None else grads[0]
    found = carried(facts["gradients"], grads, like, spikes.shape, owned_gradient)
    name = "back"
    if call.held is not None and "i0" in found:
        name, found["i0"] = "hold", torch.zeros_like(call.held)[None]
    steps, batch, nodes = rows(spikes, long).shape
    sequences = (spikes, *(call.inputs[j] for j in facts["inputs"]))
    arguments = [x for sequence in sequences for x in strided(rows(sequence, long))]
    arguments += [rows(value, long).numpy() for x, value in found.items() if x[0] == "i"]
    arguments += [array(call.state[j]).reshape(batch, nodes) for j in facts["states"]]
    arguments += [value.numpy().reshape(batch, nodes) for x, value in found.items() if x[0] != "i"]
    arguments += [*values_of(module, k, call.constants, like), steps, batch, nodes]
    size = steps * max(1, facts["kept"]) * like.element_size()
    block = min(max(LEAST, SCRATCH // size), BLOCK, nodes)
    back = getattr(module, f"{name}_{k}")
    parallel.split(batch * -(-nodes // block), lambda first, last: back(*arguments, block, first, last))
    found |= {} if name == "back" else {"i0": found["i0"][0]}
    return [found[name] for name in wanted]


def backward_coupled(call: Call, spikes: Tensor, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """As `backward`, of neurons that sent ``spikes`` to each other; then the gradient of those before.

    Step by step from the end: the gradient of a step, then a matrix product for what the spikes before it
    have caused in it, which is added to their own gradient.
    """
    key, *wanted = call.backward.split()
    module, k, facts = variant(key, call.state)
    assert call.before is not None
    assert call.coupling is not None
    like, (steps, batch, nodes) = call.state[0], spikes.shape
    found = carried(facts["gradients"], grads, like, spikes.shape, owned_gradient)
    joined = like.new_empty(spikes.shape)
    kept = like.new_empty(facts["kept"], *spikes.shape)
    values = values_of(module, k, call.constants, like)
    given = {j: strided(call.inputs[j]) for j in facts["inputs"]}
    rows, seen = call.coupling.detach(), [joined.numpy(), kept.numpy()]
    arguments = [x for sequence in given.values() for x in sequence]
    arguments += [array(call.state[j]) for j in facts["states"]]
    arguments += [*values, array(spikes), *seen, steps, batch, nodes, array(call.before), array(rows)]
    keep, last = getattr(module, f"keep_{k}"), getattr(module, f"last_{k}")
    parallel.split(batch, lambda low, high: keep(*arguments, low, high))
    own = like.new_zeros(()).expand(spikes.shape) if grads[0] is None else grads[0]
    sums, back = own[-1].clone(memory_format=torch.contiguous_format), rows.t()
    arguments = [x for j, sequence in given.items() if j for x in sequence]
    arguments += [value.numpy() for name, value in found.items() if name[0] == "i"]
    arguments += [value.numpy() for name, value in found.items() if name[0] != "i"]
    arguments += [*values, *seen, 0, batch]
    into, to_inputs = sums.numpy(), found["i0"]
    for t in range(steps - 1, -1, -1):
        last(t, into, *arguments)
        torch.addmm(own[t - 1], to_inputs[t], back, beta=int(t > 0), out=sums)
    return [*(found[name] for name in wanted), sums]


def variant(key: str, state: Sequence[Tensor]) -> tuple[ModuleType, int, dict[str, Any]]:
    """The module of a key, and which of its variants is for this state."""
    module = store.load(key, "numba")
    for k, facts in enumerate(module.VARIANTS):
        if all(_is(state[j].detach().numpy(), value) for j, value in facts["starts"].items()):
            return module, k, facts
    raise AssertionError("the last variant is for every state")


def _is(values: Any, value: float) -> bool:
    """Whether all values are this one; of 0 by the bits, three times as fast."""
    if value == 0:
        return not values.view(f"u{values.itemsize}").max(initial=0)
    return bool((values == value).all())


def values_of(module: ModuleType, k: int, constants: Sequence[Tensor], like: Tensor) -> list[Any]:
    """What a kernel takes from constants: numbers and arrays."""
    constants, facts = [*constants], module.VARIANTS[k]
    if "values" in facts and facts["unchanged"].are(constants):
        return [*facts["values"]]
    found = []
    for value, kind in zip(getattr(module, f"constants_{k}")(*constants), facts["kinds"], strict=True):
        numbers = value.detach().to(like.dtype).contiguous().numpy()
        found.append(numbers if kind == "each" else numbers.reshape(-1)[0])
    if not any(x.requires_grad for x in constants):
        facts["unchanged"], facts["values"] = Unchanged(constants), found
    return [*found]


def rows(sequence: Tensor, long: bool) -> Tensor:
    """``[T, B, N]`` as ``[T, 1, B N]`` where all neurons have the same constants: longer rows."""
    sequence = sequence.detach()
    return sequence.flatten(1)[:, None] if long else sequence
