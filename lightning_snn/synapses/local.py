"""Local projection: every neuron sees the nodes near its own position."""

from collections.abc import Sequence

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.plasticity import Homeostasis, LearningRule
from lightning_snn.synapses.fields import known, within
from lightning_snn.synapses.gathered import DENSE_UP_TO, Gathered
from lightning_snn.synapses.kinetics import Kinetics


class Local(Gathered):
    """All pairs of neurons closer than ``radius``, both sheets laid over each other.

    To a rule every neuron is a place of its own with one unit, so nothing competes.

    Args:
        num_pre: Presynaptic neurons; a stack fills it in.
        num_post: Postsynaptic neurons; a stack fills it in.
        radius: In the sheets' unit of length; distances are those of the sheet below.
        below: The sheet of the layer below; a stack fills it in.
        here: The sheet of the layer itself; a stack fills it in.
        rule: Rule that wires the projection, for each neuron on its own.
        homeostasis: What keeps weights and activity in bounds beside the rule.
        gain: As in `Dense`.
        trainable: Whether gradients reach the weights.
        seed: As in `Dense`.
        delay: Time in ms that spikes travel; whole steps.
        kinetics: Time course of the current of a spike.

    Raises:
        ValueError: if a number is out of range, a sheet is missing, or a neuron has no node within the
            radius.
    """

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        radius: float,
        below: Sheet | None = None,
        here: Sheet | None = None,
        rule: LearningRule | None = None,
        homeostasis: Sequence[Homeostasis] | None = None,
        gain: float = 1.0,
        trainable: bool = False,
        seed: int | None = None,
        delay: float = 0.0,
        kinetics: Kinetics | None = None,
    ) -> None:
        checks.positive("radius", radius)
        sheet = known("Local", "below", below, num_pre)
        centres = known("Local", "here", here, num_post).positions
        super().__init__(
            num_pre, num_post, within(sheet, centres, radius), rule=rule, homeostasis=homeostasis, gain=gain,
            trainable=trainable, seed=seed, delay=delay, kinetics=kinetics,
        )  # fmt: skip
        self.radius = radius

    @property
    def has_fields(self) -> bool:  # type: ignore[override]
        """Whether the layers are small enough for `connected`."""
        return self.num_pre * self.num_post <= DENSE_UP_TO
