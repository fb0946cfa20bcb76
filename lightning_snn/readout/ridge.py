"""A linear readout in closed form."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.readout import penalty as penalties
from lightning_snn.readout.least_squares import Standardise, solve_by_products, solve_by_samples
from lightning_snn.readout.readout import LocalReadout

BLOCK = 1024
"""Samples, or as many as there are features, that are kept before their products are summed: one pass over
the large matrix of sums for all of them."""


class Ridge(LocalReadout):
    """Ridge regression to the classes: the best linear readout, without gradients and in one pass.

    The scores ``W z + b`` minimise ``mean |y - W z - b|^2 + penalty |W|^2`` over the samples that were
    learned from, with y 1 for the class of a sample and 0 for the others, and z its standardised features.
    The weights are solved for when scores are asked for. In a Trainer it learns in the first epoch, and a
    checkpoint holds the weights only, unless it is of the midst of that.

    Args:
        in_features: Size of a sample's features; the classifier fills it in.
        num_classes: Number of classes; the classifier fills it in.
        penalty: Cost of the squared weights, of features with variance 1. Of several, in ascending order,
            that one is taken which predicts best the samples that were left out: of few all in turn, a fifth
            each time, of many a fifth.
        standardise: What has variance 1: the features on average, all being divided by one number
            (``global``), or each ``feature``. All have mean 0.

    Raises:
        ValueError: if a penalty is not positive, there is none or they do not ascend, or the option is
            unknown.

    Source: Hoerl and Kennard, Technometrics 12 (1970).
    """

    one_pass = True
    rows: Tensor
    products: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        penalty: float | Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        standardise: Standardise = "global",
    ) -> None:
        super().__init__(in_features, num_classes)
        self.candidates = list(penalty) if isinstance(penalty, Sequence) else [penalty]
        for candidate in self.candidates:
            checks.positive("penalty", candidate)
        if not self.candidates or self.candidates != sorted(set(self.candidates)):
            raise ValueError(f"penalty must be a number, or several in ascending order, got {penalty}")
        checks.one_of("standardise", standardise, ("global", "feature"))
        self.standardised: Standardise = standardise
        # parameters, and not buffers, since several processes need one that could have a gradient
        self.weight = nn.Parameter(torch.zeros(num_classes, in_features))
        self.bias = nn.Parameter(torch.zeros(num_classes))
        self.register_buffer("rows", torch.zeros(0, in_features + num_classes))
        self.register_buffer("products", torch.zeros(0, 0, 0, dtype=torch.float64))
        self._fresh: list[Tensor] = []
        self._solved = True

    @torch.no_grad()
    def learn(self, features: Tensor, label: Tensor, *, combine: Callable[[Tensor], Tensor]) -> None:
        """Keep the samples, or their products once they are many."""
        label = checks.labels(label, len(self.bias))
        features = features.to(_at_least_single(features.dtype))
        member = F.one_hot(label, len(self.bias)).to(features.dtype)
        with _in_full(features):
            fresh = _of_all_processes(torch.cat([features, member], 1), combine)
            if not len(fresh):
                return
            self._fresh.append(fresh)
            self._solved = False
            held = sum(len(rows) for rows in (self.rows, *self._fresh))
            if held >= max(BLOCK, self.in_features):
                self.products = self._all_products()
                self.rows, self._fresh = self.rows[:0], []

    def end_epoch(self) -> None:
        """Solve; what comes is learned by itself."""
        with _in_full(self.weight):
            self._solve()
        self._forget()

    def forward(self, features: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]``; 0 before anything was learned."""
        with _in_full(features):
            self._solve()
            return F.linear(features.to(self.weight.dtype), self.weight.detach(), self.bias.detach())

    @torch.no_grad()
    def _solve(self) -> None:
        if self._solved:
            return
        given, scaled = self.candidates, self.standardised
        if len(self.products):
            sums = self._all_products()
            # to choose is to compare, and less exact sums are twice as fast
            rough = sums.to(_at_least_single(self.weight.dtype))
            best = penalties.by_products(given, rough, self.in_features, standardise=scaled)
            found = solve_by_products(sums.sum(0), self.in_features, penalty=best, standardise=scaled)
        else:
            kept = self._kept()
            best = penalties.by_samples(given, *self._parts(kept), standardise=scaled)
            found = solve_by_samples(*self._parts(kept.double()), penalty=best, standardise=scaled)
        for own, value in zip((self.weight, self.bias), found, strict=True):
            own.copy_(value)
        self._solved = True

    def _forget(self) -> None:
        """Hold no samples."""
        self.rows = self.rows.new_zeros(0, self.rows.shape[1])
        self.products = self.products.new_zeros(0, 0, 0)
        self._fresh = []
        self._solved = True

    def _kept(self) -> Tensor:
        """The samples of which no products were summed ``[M, D + C]``: features, and 1 for the class."""
        return torch.cat([self.rows, *self._fresh])

    def _parts(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``[M, D]``, and 1 for the class ``[M, C]``."""
        return kept[:, : self.in_features], kept[:, self.in_features :]

    def _all_products(self) -> Tensor:
        """See `by_products`; those of a block are as exact as its features, and summed in float64."""
        kept = self._kept()
        size = kept.shape[1]
        before = self.products if len(self.products) else kept.new_zeros(2, size, size, dtype=torch.float64)
        summed = int(before.diagonal(dim1=1, dim2=2)[:, self.in_features :].sum())  # of each one class is 1
        out = penalties.left_out(summed, len(kept)).to(kept.device)
        parts = [own + rows.t() @ rows for own, rows in zip(before, (kept[out], kept[~out]), strict=True)]
        return torch.stack(parts)

    def _apply(self, *args: Any, **options: Any) -> Any:
        self.rows, self._fresh = self._kept(), []  # to another device goes all that is kept
        return super()._apply(*args, **options)  # type: ignore[no-untyped-call]

    def _save_to_state_dict(self, *args: Any) -> None:
        self.rows, self._fresh = self._kept(), []
        super()._save_to_state_dict(*args)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take over the samples of the file, however many."""
        self._forget()
        for name in ("rows", "products"):
            saved = state_dict.get(f"{prefix}{name}")
            if saved is not None and len(saved):
                setattr(self, name, torch.empty_like(saved, device=self.weight.device))
                self._solved = False
        super()._load_from_state_dict(state_dict, prefix, *args)


def _in_full(values: Tensor) -> torch.autocast:
    """Nothing is cast to half precision on the device of ``values``."""
    return torch.autocast(values.device.type, enabled=False)


def _at_least_single(dtype: torch.dtype) -> torch.dtype:
    """The format in which sums are formed and solved, also of features in half precision."""
    return torch.promote_types(dtype, torch.float32)


def _of_all_processes(rows: Tensor, combine: Callable[[Tensor], Tensor]) -> Tensor:
    """The rows of all processes in turn, as they share a batch: added to zeros, which keeps their bits."""
    process, processes = _own_number()
    if processes == 1:
        return rows
    counts = torch.zeros(processes, dtype=torch.int64, device=rows.device)
    counts[process] = len(rows)
    sizes = combine(counts).tolist()
    whole = rows.new_zeros(max(sizes), processes, rows.shape[1])
    whole[: len(rows), process] = rows
    there = torch.arange(max(sizes))[:, None] < torch.tensor(sizes)
    return combine(whole)[there.to(rows.device)]


def _own_number() -> tuple[int, int]:
    """The number of this process, and how many there are."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()
