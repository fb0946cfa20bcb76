"""What a module shows to its network: inputs, encoders, controls, and features that are kept."""

from collections.abc import Collection, Mapping
from typing import Any

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts
from lightning_snn.core.module_dict import ModuleDictOf, can_name
from lightning_snn.core.random import RootSeed
from lightning_snn.development.controls import Control, ControlNetwork, Controls, named_controls
from lightning_snn.encoders import Encoder
from lightning_snn.modules.drawn import encoders_of, follow_seed
from lightning_snn.modules.stored import StoredModule
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.presentation.table import FeatureTable, tabulate
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.queries import check_precision, finders, is_trial, require_wired, warn_if_unwired


class PresentingModule(StoredModule):
    """A network, its controls, and what a batch evokes in them.

    Args: as `SpikingModule` has them.
    """

    over_time: Collection[str] = ()
    """Names of the networks whose readout reads spikes over time."""

    _jit_is_scripting = True  # torch.jit.trace reads every attribute: without a Trainer, `trainer` is None

    def __init__(
        self,
        layers: Mapping[str, SpikingLayer],
        encoder: Encoder | Mapping[str, Encoder],
        *,
        connections: Mapping[str, Connection] | None,
        dt: float | None,
        min_delay: float,
        read_from: str | None,
        tau_trace: float | None,
        controls: Controls | None,
        cache: bool | None,
        seed: RootSeed,
    ) -> None:
        super().__init__(seed)
        if tau_trace is not None:
            checks.positive("tau_trace", tau_trace)
        self.tau_trace = tau_trace
        self.network = SpikingNetwork(layers, connections, dt=dt, min_delay=min_delay, seed=self.root)
        self.encoders = encoders_of(encoder, self.network)
        self.read_from = self.network.names[-1] if read_from is None else read_from
        checks.one_of("read_from", self.read_from, self.network.names)
        self.cache_required = bool(cache)
        self.cache = self._may_cache() if cache is None else cache
        if self.cache and not self._may_cache():
            raise ValueError("cache must not be True where weights are trained or input is not repeatable")
        self.encode_seconds = 0.0
        self.controls = ModuleDictOf[ControlNetwork](
            {name: ControlNetwork(control, self.network) for name, control in _named(controls).items()}
        )
        self._table: FeatureTable | None = None
        self._finders: list[str] = []
        self.register_load_state_dict_post_hook(follow_seed)  # type: ignore[no-untyped-call]

    def present(self, input: Any, *, with_controls: bool = True) -> Presentation:
        """Show an input to the network and, where asked, to its controls; see `present`."""
        return present(
            input,
            self.network,
            self.encoders,
            read_from=self.read_from,
            controls={name: c.projections for name, c in self.controls.items()} if with_controls else {},
            tau_trace=self.tau_trace,
            over_time=self.over_time,
        )

    def presentation(self, batch: Parts) -> Presentation:
        """What a batch evokes: kept in training and validation, where it has the samples' numbers."""
        fitting = self.trainer.training or self.trainer.validating
        if self._table is None or batch.sample is None or not fitting or self.trainer.sanity_checking:
            return self.present(batch.input)
        return self._table[batch.sample]

    def setup(self, stage: str) -> None:
        """Check and prepare the Trainer before anything runs."""
        del stage
        check_precision(self.trainer)
        use_whole_files(self.trainer)
        self._finders = finders(self.trainer)  # they take the callbacks away

    def on_train_start(self) -> None:
        """Wire the controls, then compute the features once; neither in a trial, which leaves no trace.

        From here on a resumed run draws what it would have drawn without the interruption.
        """
        if is_trial(self.trainer):
            return
        require_wired(self.network.unwired, self._finders)
        for control in self.controls.values():
            control.wire(self.network)
        if self.cache:
            self._table, self.encode_seconds = tabulate(
                self.trainer, self.present, required=self.cache_required
            )
        self.draw_as_before()

    def on_fit_end(self) -> None:
        """Free the features."""
        self._table = None

    def on_test_epoch_start(self) -> None:
        """Warn of a network that is not wired."""
        warn_if_unwired(self.trainer, self.network.unwired)

    def on_predict_epoch_start(self) -> None:
        """Warn of a network that is not wired."""
        warn_if_unwired(self.trainer, self.network.unwired)

    def _may_cache(self) -> bool:
        layers = self.network.needed_for([self.read_from])
        trained = any(p.requires_grad for p in self.network.parameters())
        noisy = any(self.network.layer(name).noise > 0 for name in layers)
        return all(e.repeatable for e in self.encoders.values()) and not trained and not noisy


def _named(controls: Controls | None) -> dict[str, Control]:
    """Controls by name.

    Raises:
        ValueError: if a name is no identifier or taken; it goes into those of weights and measures.
    """
    found = named_controls(controls)
    for name in found:
        if not can_name(name) or name == NETWORK:
            raise ValueError(
                f"names of controls must be identifiers (letters, digits and _), neither {NETWORK} nor any "
                f"that torch.nn.ModuleDict has an attribute of, got {name!r}"
            )
    return found
