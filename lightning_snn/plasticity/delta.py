"""The delta rule: a readout learns from its own error and its own inputs, nothing else."""

from torch import Tensor


def delta_update(
    weight: Tensor,
    bias: Tensor | None,
    features: Tensor,
    target: Tensor,
    output: Tensor,
    *,
    learning_rate: float,
) -> tuple[Tensor, Tensor | None]:
    """One step of the delta rule on the rates or traces of a batch.

        dw = learning_rate mean_b e_b features_b^T,    db = learning_rate mean_b e_b,    e = target - output

    For a linear output this is a step down the gradient of half the squared error. For spikes or other
    outputs it is the perceptron's rule: each synapse needs its own input and its unit's error only.

    Args:
        weight: Weights ``[K, F]``; not modified.
        bias: Biases ``[K]``, or None.
        features: Inputs ``[B, F]``: spikes, rates or traces; without any nothing changes.
        target: Wanted outputs ``[B, K]``.
        output: Outputs ``[B, K]``.
        learning_rate: Step.

    Returns:
        New weights and biases.

    Raises:
        ValueError: if the shapes do not belong together.

    Source: Widrow and Hoff, IRE WESCON Convention Record 4 (1960).
    """
    expected = (features.shape[0], weight.shape[0])
    if features.ndim != 2 or features.shape[1] != weight.shape[1]:
        raise ValueError(f"features must be [B, {weight.shape[1]}], got {list(features.shape)}")
    for name, values in (("target", target), ("output", output)):
        if values.shape != expected:
            raise ValueError(f"{name} must be {list(expected)}, got {list(values.shape)}")
    error = learning_rate / max(len(features), 1) * (target - output)
    return weight + error.t() @ features, None if bias is None else bias + error.sum(0)
