"""What a module shows to its network: inputs, encoders, controls, and features that are kept."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import nn

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts
from lightning_snn.core.module_dict import ModuleDictOf, can_name
from lightning_snn.core.random import RootSeed
from lightning_snn.development.controls import Control, ControlNetwork, Controls, named_controls
from lightning_snn.encoders import Encoder
from lightning_snn.modules.drawn import encoders_of, follow_seed
from lightning_snn.modules.stored import StoredModule
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.network.pieces import Pieces
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.presentation.table import FeatureTable, tabulate
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.queries import check_precision, finders, is_trial, require_wired, warn_if_unwired
from lightning_snn.training import Initialisation, TrainingPhase
from lightning_snn.training.initialisation.starting import Start
from lightning_snn.training.plan import Place, Plan


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
        phases: Mapping[str, TrainingPhase] | None,
        truncate_steps: int | None,
        checkpoint_steps: int | None,
        initialisation: Initialisation | None,
        seed: RootSeed,
    ) -> None:
        super().__init__(seed)
        if tau_trace is not None:
            checks.positive("tau_trace", tau_trace)
        self.tau_trace = tau_trace
        self.network = SpikingNetwork(layers, connections, dt=dt, min_delay=min_delay, seed=self.root)
        self.starting = None if initialisation is None else Start(initialisation, self.network)
        self.encoders = encoders_of(encoder, self.network)
        self.read_from = self.network.names[-1] if read_from is None else read_from
        checks.one_of("read_from", self.read_from, self.network.names)
        self.pieces = Pieces(truncate_steps, checkpoint_steps)
        self.pieces.check(self.network)
        self.plan = None if phases is None else Plan(phases)
        self.cache_required = bool(cache)
        self.cache = self._may_cache() if cache is None else cache
        if self.cache and not self._may_cache():
            raise ValueError(
                "cache must not be True where weights are trained, or input or connections are not repeatable"
            )
        self.encode_seconds = 0.0
        self.controls = ModuleDictOf[ControlNetwork](
            {name: ControlNetwork(control, self.network) for name, control in _named(controls).items()}
        )
        self._table: FeatureTable | None = None
        self._begun: str | None = None
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
            pieces=self.pieces,
        )

    def presentation(self, batch: Parts) -> Presentation:
        """What a batch evokes: kept in training and validation, where it has the samples' numbers."""
        trainer, frozen = self.trainer, self.network_is_frozen
        fitting = (trainer.training or trainer.validating) and not trainer.sanity_checking
        kept = self._table if fitting and (self.plan is None or frozen) else None
        if kept is not None and batch.sample is not None:
            return kept[batch.sample]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            return self.present(batch.input)

    @property
    def reached(self) -> list[str]:
        """Names of the layers and connections that gradients reach."""
        parts: list[tuple[str, nn.Module]]
        parts = [*self.network.layers.items(), *self.network.projections.items()]
        return [name for name, part in parts if any(p.requires_grad for p in part.parameters())]

    @property
    def trains_network(self) -> bool:
        """Whether the network is trained by gradients, at some time."""
        return bool(self.reached) if self.plan is None else self.plan.trains_any(self.reached)

    @property
    def network_is_frozen(self) -> bool:
        """Whether gradients change nothing of the network in the present phase, though they do in others."""
        if self.plan is None or self._trainer is None:
            return False
        return not any(self.plan.at(self.current_epoch).phase.trains(name) for name in self.reached)

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
        self._begun = None
        trial = is_trial(self.trainer)
        if not trial:
            require_wired(self.network.unwired, self._finders)
            for control in self.controls.values():
                control.wire(self.network)
        if self.starting is not None:
            replaced = (control.projections for control in self.controls.values())
            self.starting.on_data(self.trainer, self.network, self.encoders, replaced)
        if trial:
            return
        if self.plan is None:
            self._tabulate()
        else:
            self._enter(self.plan)  # the hook below does not run where an epoch is gone on with
        self.draw_as_before()

    def on_train_epoch_start(self) -> None:
        """Begin the phase of this epoch."""
        if self.plan is not None:
            self._enter(self.plan)

    def _enter(self, plan: Plan) -> None:
        place = plan.at(self.current_epoch)
        if place.name != self._begun:
            self.begin_phase(place)
        self._begun = place.name

    def begin_phase(self, place: Place) -> None:
        """Compute the features once, or free them where what lies below the readout is trained from here."""
        del place
        self._table = None
        if self.network_is_frozen and not is_trial(self.trainer):
            self._tabulate()

    def _tabulate(self) -> None:
        if self.cache:
            self._table, seconds = tabulate(self.trainer, self.present, required=self.cache_required)
            self.encode_seconds += seconds

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
        phases = [] if self.plan is None else self.plan.phases.values()
        frozen = not self.reached or any(not any(map(phase.trains, self.reached)) for phase in phases)
        noisy = any(self.network.layer(name).noise > 0 for name in layers)
        repeatable = [encoder.repeatable for encoder in self.encoders.values()]
        repeatable += [projection.repeatable for projection in self.network.projections.values()]
        return all(repeatable) and frozen and not noisy


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
