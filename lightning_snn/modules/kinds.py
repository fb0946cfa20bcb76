"""Which readouts learn by themselves, and which are trained by gradients."""

from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.readout import LocalReadout, Readout


def learners(readouts: ModuleDictOf[Readout], epoch: int) -> dict[str, LocalReadout]:
    """Those that learn by themselves in an epoch, counted from 0; some need only the first."""
    local = {name: readout for name, readout in readouts.items() if isinstance(readout, LocalReadout)}
    return {name: readout for name, readout in local.items() if epoch == 0 or not readout.one_pass}


def trained(readouts: ModuleDictOf[Readout]) -> dict[str, Readout]:
    """Those that are trained by gradients."""
    return {name: readout for name, readout in readouts.items() if not isinstance(readout, LocalReadout)}
