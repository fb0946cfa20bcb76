"""Local projection: every neuron sees the nodes of a field of its own."""

from collections.abc import Mapping, Sequence

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.fields import Fields, known, within
from lightning_snn.synapses.gathered import DENSE_UP_TO, Gathered
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.weighted import Efficacy, WeightedProjection


class Local(Gathered):
    """All pairs of neurons closer than ``radius``, both sheets laid over each other, or other fields.

    To a rule every neuron is a place of its own with one unit, so nothing competes.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons; a network fills it in.
        radius: In the sheets' unit of length; distances are those of the sheet of the source.
        fields: Instead of the radius: which nodes each neuron sees, a field for each.
        below: The sheet of the source; a network fills it in.
        earlier: As in `Fields.nodes`; a network fills it in.
        here: The sheet of the target; a network fills it in.
        rule: Rule that wires the projection, for each neuron on its own.
        homeostasis: What keeps weights and activity in bounds beside the rule.
        gain: As in `Dense`.
        efficacy: As in `Dense`.
        trainable: Whether gradients reach the weights.
        seed: As in `Dense`.
        delay: Time in ms that spikes travel, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, a sheet is missing, or a neuron has no node within the
            radius.
    """

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        radius: float | None = None,
        fields: Fields | None = None,
        below: Sheet | None = None,
        earlier: Mapping[str, WeightedProjection] | None = None,
        here: Sheet | None = None,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        efficacy: Efficacy | None = None,
        trainable: bool = False,
        seed: int | None = None,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        if radius is not None:
            checks.positive("radius", radius)
            sheet = known("Local", "below", below, num_pre)
            nodes = within(sheet, known("Local", "here", here, num_post).positions, radius)
        elif fields is not None:
            nodes = fields.nodes(num_pre, below, earlier)
            if len(nodes) != num_post:
                raise ValueError(
                    f"fields must be {num_post}, one for each neuron (num_post), got {len(nodes)}"
                )
        if (radius is None) == (fields is None):
            raise ValueError("Local needs a radius or fields, one of the two")
        super().__init__(
            num_pre, num_post, nodes, rule=rule, homeostasis=homeostasis, gain=gain,
            efficacy=efficacy, trainable=trainable, seed=seed, delay=delay, kinetics=kinetics,
            norm=norm, dropout=dropout,
        )  # fmt: skip
        self.radius = radius
        self.listed = fields

    @property
    def topographic(self) -> bool:  # type: ignore[override]
        """Whether a neuron sees nodes near its own place."""
        return self.listed is None

    @property
    def has_fields(self) -> bool:  # type: ignore[override]
        """Whether the layers are small enough for `connected`."""
        return self.num_pre * self.num_post <= DENSE_UP_TO
