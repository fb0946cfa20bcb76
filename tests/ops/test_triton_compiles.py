"""Every Triton kernel compiles for a card that is not there; the interpreter accepts more than a compiler."""

import pytest

pytest.importorskip("triton")

from lightning_snn.ops.conductance_lif import cuda as conductance_lif
from lightning_snn.ops.integrate_fire import cuda as integrate_fire
from lightning_snn.ops.izhikevich import cuda as izhikevich
from lightning_snn.ops.lif import cuda as lif

from lightning_snn.dynamics.surrogate import number
from lightning_snn.ops.competitive_scan import cuda as competitive
from lightning_snn.ops.exponential_filter import cuda as exponential_filter
from lightning_snn.ops.race_scan import cuda as race
from lightning_snn.ops.stdp_scan import cuda as stdp

KERNELS = {
    "lif scan": (lif._scan, {"SOFT": False, "PER_NEURON": True, "BLOCK": 256}),
    "lif scan soft": (lif._scan, {"SOFT": True, "PER_NEURON": False, "BLOCK": 256}),
    "lif sheet": (lif._scan_sheet, {"SOFT": False, "PER_NEURON": False, "BLOCK": 2048}),
    "lif backward": (
        lif._scan_backward,
        {"SOFT": False, "SURROGATE": number("atan"), "PER_NEURON": True, "BLOCK": 256},
    ),
    "lif backward soft": (
        lif._scan_backward,
        {"SOFT": True, "SURROGATE": number("fast_sigmoid"), "PER_NEURON": False, "BLOCK": 256},
    ),
    "izhikevich scan": (izhikevich._scan, {"PER_NEURON": True, "BLOCK": 256}),
    "izhikevich sheet": (izhikevich._scan_sheet, {"PER_NEURON": True, "BLOCK": 2048}),
    "izhikevich backward": (
        izhikevich._scan_backward,
        {"SURROGATE": number("triangle"), "PER_NEURON": True, "BLOCK": 256},
    ),
    "competitive": (competitive._scan, {"PRE": 2048, "POST": 512}),
    "exponential filter": (exponential_filter._scan, {"BLOCK": 256}),
    **{
        f"integrate and fire {reset}": (integrate_fire._scan, {"RESET": number, "BLOCK": 256})
        for number, reset in enumerate(integrate_fire.RESETS)
    },
    "race": (race._race, {"PRE": 2048, "POST": 512}),
    "conductance sheet": (conductance_lif._scan, {"BLOCK": 2048}),
    "stdp": (stdp._scan, {"PRE": 2048, "POST": 512}),
}
INTEGERS = {
    "st", "sb", "it", "ib", "ft", "gt", "gb", "columns", "steps", "batch", "nodes", "segment", "streams",
    "num_pre", "num_post", "winners", "groups",
}  # fmt: skip
POINTERS = {
    "current", "v", "clock", "adaptation", "f", "spikes", "before", "coupling", "grad", "grad_v", "grad_a",
    "grad_u", "starts", "kept", "grad_current", "recovery", "weight", "threshold", "largest", "pre_trace",
    "post_trace", "adaptive", "drive", "excitation", "inhibition", "inhibited", "start",
    "found", "total",
}  # fmt: skip


def kind_of(name, constants):
    if name in constants:
        return "constexpr"
    if name in INTEGERS:
        return "i32"
    if name == "fired":
        return "*i32"
    if name in ("wins", "winner", "when"):
        return "*i64"
    return "*fp32" if name in POINTERS else "fp32"


@pytest.mark.parametrize("name", KERNELS)
def test_it_compiles_for_a_card(name):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel, constants = KERNELS[name]
    signature = {argument: kind_of(argument, constants) for argument in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    whole_sheet = "sheet" in name or name in ("competitive", "stdp")
    options = {"enable_fp_fusion": False, "num_warps": 8 if whole_sheet else 4}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    assert ".visible .entry" in compiled.asm["ptx"]
