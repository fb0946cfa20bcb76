"""The graph of a network: which layers run together, in which order, and which lead to which."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache

Edge = tuple[str, str]
"""Source and target."""


def reachable(starts: Iterable[str], edges: Collection[Edge]) -> set[str]:
    """The layers that can be reached from ``starts`` along ``edges``, with these.

    >>> sorted(reachable(["b"], [("a", "b"), ("b", "c"), ("c", "b")]))
    ['b', 'c']
    """
    found, frontier = set(starts), list(starts)
    while frontier:
        here = frontier.pop()
        new = {target for source, target in edges if source == here} - found
        found |= new
        frontier += new
    return found


def leading_to(ends: Iterable[str], edges: Collection[Edge]) -> set[str]:
    """The layers from which ``ends`` can be reached, with these."""
    return reachable(ends, [(target, source) for source, target in edges])


def input_layers(names: Sequence[str], edges: Collection[Edge]) -> list[str]:
    """The layers that no layer before them leads to.

    >>> input_layers(["a", "b", "c"], [("a", "c"), ("b", "c"), ("c", "a")])
    ['a', 'b']
    """
    place = {name: number for number, name in enumerate(names)}
    driven = {target for source, target in edges if place[source] < place[target]}
    return [name for name in names if name not in driven]


@cache
def groups(names: tuple[str, ...], edges: tuple[Edge, ...]) -> list[list[str]]:
    """Layers that loops join, each group as listed, sources before targets.

    >>> groups(("a", "b", "c", "d"), (("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")))
    [['d'], ['a'], ['b', 'c']]
    """
    after = {name: reachable([name], edges) for name in names}
    found: list[list[str]] = []
    for name in names:
        if not any(name in group for group in found):
            found.append([other for other in names if name in after[other] and other in after[name]])
    ordered: list[list[str]] = []
    while found:
        ready = next(
            group
            for group in found
            if not any(group[0] in after[other[0]] for other in found if other is not group)
        )
        ordered.append(ready)
        found.remove(ready)
    return ordered
