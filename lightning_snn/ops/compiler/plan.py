"""What a kernel computes: which states move, what is hoisted, what the backward pass keeps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lightning_snn.ops.compiler.expression import Expression, argument, make, number, order, replace
from lightning_snn.ops.compiler.trace import Traced

Kind = float | str
"""Of a constant: its value where that is 0 or 1, ``one`` number, or one for ``each`` neuron."""


@dataclass
class Plan:
    """The expressions of one kernel, in the names of inputs, moving states, constants and hoisted values.

    Args:
        inputs: Names of the inputs that act.
        kinds: Constants and hoisted values that the kernel takes, ``one`` or ``each``.
        hoisted: What depends on constants alone, in theirs.
        forward: ``out``, recorded ``r..`` and the next of each moving state.
        backward: Gradients of inputs, moving states and learned constants; empty if none is wanted.
        kept: What the backward pass needs of each step: a minimum cut.
        recomputed: The states that this needs.
    """

    inputs: list[str]
    kinds: dict[str, str]
    hoisted: list[Expression]
    forward: dict[str, Expression]
    backward: dict[str, Expression] = field(default_factory=dict)
    kept: list[Expression] = field(default_factory=list)
    recomputed: list[str] = field(default_factory=list)

    @property
    def states(self) -> list[str]:
        """Names of the states that move."""
        return [name for name in self.forward if name[0] == "s"]

    @property
    def recorded(self) -> list[str]:
        """Names of what is recorded."""
        return [name for name in self.forward if name[0] == "r"]

    @property
    def moving(self) -> list[str]:
        """Names of the gradients that are carried from step to step."""
        return [name for name in self.backward if name[0] != "i"]


def plan(
    traced: Traced,
    names: Sequence[str],
    outputs: Sequence[str],
    kinds: Mapping[str, Kind],
    *,
    absent: Iterable[str] = (),
    starts: Mapping[str, float] | None = None,
    wanted: Iterable[str] = (),
) -> Plan:
    """A plan for what a step was found to compute.

    Args:
        traced: The step.
        names: Of its arguments.
        outputs: Of its outputs.
        kinds: Of the constants.
        absent: Inputs that are zero.
        starts: Numbers that states are known to start at: those that provably stay there are left out.
        wanted: Names of what needs a gradient.
    """
    known = {argument(p): number(kind) for p, kind in kinds.items() if not isinstance(kind, str)}
    known |= {argument(name): number(0.0) for name in absent}
    idle = _idle(dict(zip(outputs, replace(traced.outputs, known), strict=True)), starts or {})
    known |= idle
    still = {str(x.args[0]) for x in idle}
    forward = dict(zip(outputs, replace(traced.outputs, known), strict=True))
    forward = {name: x for name, x in forward.items() if name not in still}
    backward: dict[str, Expression] = {}
    wanted = [name for name in wanted if argument(name) not in known]
    if wanted:
        known |= {argument(f"g{name}"): number(0.0) for name in still}
        backward = _needed(dict(zip(names, replace(traced.gradients, known), strict=True)), wanted)
    hoisted = _hoisted([*forward.values(), *backward.values()])
    swap = {x: _as(x, argument(f"h{k}")) for k, x in enumerate(hoisted)}
    hoisted = [make("cast", x) for x in hoisted]
    forward = dict(zip(forward, replace(forward.values(), swap), strict=True))
    backward = dict(zip(backward, replace(backward.values(), swap), strict=True))
    known_kinds = {p: kind for p, kind in kinds.items() if isinstance(kind, str)}
    for k, x in enumerate(hoisted):
        known_kinds[f"h{k}"] = "each" if any(kinds[name] == "each" for name in x.leaves) else "one"
    used = set().union(*(x.leaves for x in (*forward.values(), *backward.values())))
    inputs = [argument(name) for name in names if name[0] == "i"]
    kept = [x for x in _cut(backward.values()) if x not in inputs] if backward else []
    return Plan(
        [str(x.args[0]) for x in inputs if x not in known],
        {name: kind for name, kind in known_kinds.items() if name in used},
        hoisted, forward, backward, kept, _recomputed(kept, forward),
    )  # fmt: skip


def _idle(found: Mapping[str, Expression], starts: Mapping[str, float]) -> dict[Expression, Expression]:
    """States that stay where they start, given that the other idle ones do."""
    idle = {argument(name): number(value) for name, value in starts.items()}
    while True:
        now = dict(zip(found, replace(found.values(), idle), strict=True))
        still = {x: value for x, value in idle.items() if now[str(x.args[0])] is value}
        if still == idle:
            return idle
        idle = still


def _needed(found: Mapping[str, Expression], wanted: Sequence[str]) -> dict[str, Expression]:
    """The gradients that are wanted and those that they come from; a constant is a state that stays."""
    back = {name: make("add", argument(f"g{name}"), x) if name[0] == "p" else x for name, x in found.items()}
    need: set[str] = set()
    more = set(wanted)
    while need != more:
        need = more
        leaves = set().union(*(back[name].leaves for name in need))
        more = need | {name for name in back if f"g{name}" in leaves}
    return {name: x for name, x in back.items() if name in need}


def _hoisted(roots: Sequence[Expression]) -> list[Expression]:
    """What depends on constants alone and is used by what does not, or is a root itself."""
    used = [y for x in order(roots) if x.varies for y in x.inputs]
    found = [y for y in (*used, *roots) if y.inputs and not y.varies]
    return list(dict.fromkeys(found))


def _as(x: Expression, given: Expression) -> Expression:
    """A hoisted value, which is a number, as what it stands for."""
    return make("gt", given, 0.5) if x.is_truth else given


def _recomputed(kept: Sequence[Expression], forward: Mapping[str, Expression]) -> list[str]:
    """The states that the kept values need, now or later."""
    found: list[str] = []
    while True:
        leaves = set[str]().union(*(x.leaves for x in (*kept, *(forward[name] for name in found))))
        more = [name for name in forward if name[0] == "s" and name in leaves]
        if more == found:
            return found
        found = more


def _cut(roots: Iterable[Expression]) -> list[Expression]:
    """Fewest values without a gradient that ``roots`` need, the latest such set: a minimum cut."""
    import networkx  # takes a while, and is needed only where a kernel is new

    roots = list(roots)
    early = [x for x in order(roots) if x.varies and not _is_late(x)]
    graph = networkx.DiGraph()
    graph.add_nodes_from(("start", "end"))
    for x in early:
        graph.add_edge((x, 0), (x, 1), **({} if x.is_truth else {"capacity": 1}))
        for y in ["start"] if x.op == "argument" else [(y, 1) for y in x.inputs if y.varies]:
            graph.add_edge(y, (x, 0))
    for x in order(roots):
        if _is_late(x):
            graph.add_edges_from(((y, 1), "end") for y in x.inputs if y.varies and not _is_late(y))
        elif x in roots:
            graph.add_edge((x, 1), "end")
    _, far = networkx.minimum_cut(graph, "start", "end")[1]
    return [x for x in early if (x, 1) in far and (x, 0) not in far]


def _is_late(x: Expression) -> bool:
    return any(name[0] == "g" for name in x.leaves)
