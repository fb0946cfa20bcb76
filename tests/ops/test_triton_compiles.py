"""Every Triton kernel compiles for a card that is not there; the interpreter accepts more than a compiler."""

import pytest
import torch

pytest.importorskip("triton")

from lightning_snn import neurons
from lightning_snn.neurons import LIF, ConductanceLIF, NeuronModel
from lightning_snn.ops.competitive_scan import cuda as competitive
from lightning_snn.ops.compiler import store
from lightning_snn.ops.exponential_filter import cuda as exponential_filter
from lightning_snn.ops.race_scan import cuda as race
from lightning_snn.ops.stdp_scan import cuda as stdp

KERNELS = {
    "competitive": (competitive._scan, {"PRE": 2048, "POST": 512}),
    "exponential filter": (exponential_filter._scan, {"BLOCK": 256}),
    "race": (race._race, {"PRE": 2048, "POST": 512}),
    "stdp": (stdp._scan, {"PRE": 2048, "POST": 512}),
}
MODELS = {
    name: kind
    for name, kind in vars(neurons).items()
    if isinstance(kind, type) and issubclass(kind, NeuronModel) and kind is not NeuronModel
}
INTEGERS = {
    "ft", "it", "ib", "st", "sb", "gt", "gb", "columns", "steps", "batch", "nodes", "streams", "num_pre",
    "num_post", "winners", "groups", "SEGMENT", "T", "B", "N",
}  # fmt: skip
POINTERS = {
    "current", "f", "spikes", "grad", "starts", "kept", "weight", "threshold", "largest", "pre_trace",
    "post_trace", "adaptive", "start", "found", "total", "before", "coupling", "out", "g", "v", "adaptation",
}  # fmt: skip


def kind_of(name, constants, kernel):
    if name == "how":  # what each neuron sends to each, or one number
        return "*fp32" if kernel.__name__.startswith("sheet") else "fp32"
    if name in constants:
        return "constexpr"
    if name in INTEGERS or name.endswith(("_t", "_b")):
        return "i32"
    if name in ("fired", "listed"):
        return "*i32"
    if name in ("wins", "winner", "when"):
        return "*i64"
    numbered = name[-1].isdigit()  # inputs, states, constants and gradients of a generated kernel
    return "*fp32" if name in POINTERS or numbered else "fp32"


def compiles(kernel, constants, warps):
    """Whether the kernel becomes code of a card."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature = {argument: kind_of(argument, constants, kernel) for argument in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    options = {"enable_fp_fusion": False, "num_warps": warps}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    return ".visible .entry" in compiled.asm["ptx"]


def modules(model):
    """The generated modules of a model, forward and backward, and the number of their last variants."""
    found = [store.load(key.split()[0], "triton") for key in model.program()]
    return [(module, len(module.VARIANTS) - 1) for module in found]


@pytest.mark.parametrize("name", KERNELS)
def test_it_compiles_for_a_card(name):
    assert compiles(*KERNELS[name], warps=8 if name in ("competitive", "stdp") else 4)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_compiles_for_a_card(name):
    (forward, k), (backward, last) = modules(MODELS[name]())
    assert compiles(getattr(forward, f"scan_{k}"), {"BLOCK": 256}, warps=4)
    assert compiles(getattr(backward, f"back_{last}"), {"BLOCK": 256}, warps=4)


def test_constants_of_each_neuron_compile_for_a_card():
    model = LIF(torch.tensor([5.0, 6.0]), refractory=[0.0, 2.0], adaptation=0.1, reset="soft")
    for (module, k), name in zip(modules(model), ("scan", "back"), strict=True):
        assert compiles(getattr(module, f"{name}_{k}"), {"BLOCK": 256}, warps=4)


@pytest.mark.parametrize("name", ["scan", "sheet", "uniform0", "uniform1"])
def test_neurons_that_send_to_each_other_compile_for_a_card(name):
    module, k = modules(ConductanceLIF())[0]
    assert compiles(getattr(module, f"{name}_{k}"), {"BLOCK": 2048}, warps=8)
