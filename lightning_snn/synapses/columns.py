"""Columns: units that share a field and compete."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.fields import Fields
from lightning_snn.synapses.gathered import Gathered
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.weighted import Efficacy, WeightedProjection


class Columns(Gathered):
    """P fields with ``K = num_post / P`` units each; a rule lets the units of a field compete.

    Where the fields lie is fixed: what is learned is to what in its field a unit responds, so the share of
    localised fields says nothing (`has_fields` is False), though `connected` can be measured.

    With feed-forward ``inhibition``, an interneuron in each field takes from every unit a share of the mean
    drive of the field's units: at 1 a unit is driven by how much more it prefers an input than the others do.
    Rules see the weights without it.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons, a multiple of P; a network fills it in.
        fields: Which nodes the units of each field see.
        below: The sheet of the source; a network fills it in.
        earlier: As in `Fields.nodes`; a network fills it in.
        rule: Rule that wires the projection, in each field on its own.
        homeostasis: What keeps weights and activity in bounds beside the rule.
        gain: As in `Dense`.
        efficacy: As in `Dense`.
        inhibition: Share of the mean drive of a field's units that each of them loses; 0: none.
        trainable: Whether gradients reach the weights.
        seed: As in `Dense`.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, or the sizes do not fit the layers.

    Source: Hubel and Wiesel, J. Physiol. 160 (1962) (columns); fields of a layer of their own weights, as
    in Fukushima's cognitron, Biol. Cybern. 20 (1975); feed-forward inhibition: Pouille and Scanziani,
    Science 293 (2001).
    """

    has_fields = False

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        fields: Fields,
        below: Sheet | None = None,
        earlier: Mapping[str, WeightedProjection] | None = None,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        efficacy: Efficacy | None = None,
        inhibition: float = 0.0,
        trainable: bool = False,
        seed: int | None = None,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            num_pre, num_post, fields.nodes(num_pre, below, earlier), rule=rule, homeostasis=homeostasis,
            gain=gain, efficacy=efficacy, trainable=trainable, seed=seed, delay=delay, kinetics=kinetics,
            norm=norm, dropout=dropout,
        )  # fmt: skip
        checks.non_negative("inhibition", inhibition)
        self.listed = fields
        self.inhibition = inhibition

    def efficacy(self) -> Tensor:
        """As in `WeightedProjection`, less the inhibition ``[P, K, F]``."""
        drive = super().efficacy()
        return drive - self.inhibition * drive.mean(1, keepdim=True) if self.inhibition else drive

    @property
    def units_per_field(self) -> int:
        """K."""
        return self.weight.shape[1]
