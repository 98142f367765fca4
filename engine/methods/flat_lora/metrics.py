"""What Flat-LoRA's numbers mean. A variant's name stands before each key: flat.accuracy."""

from __future__ import annotations

from engine.core.method import Metric

METRICS = (
    Metric("flat.accuracy", "Test accuracy", better="higher", headline=True),
    Metric("flat.perplexity", "Test perplexity", better="lower", headline=True),
    Metric("flat.e_sharpness", "E-sharpness", "nat", "lower", headline=True),
    Metric("*.accuracy", "Test accuracy", better="higher"),
    Metric("*.mcc", "Matthews correlation", better="higher"),
    Metric("*.f1", "F1", better="higher"),
    Metric("*.test_loss", "Test loss", "nat", "lower"),
    Metric("*.perplexity", "Test perplexity", better="lower"),
    Metric("*.loss_before", "Test loss before training", "nat"),
    Metric("*.e_sharpness", "E-sharpness", "nat", "lower"),
    Metric("*.e_sharpness_error", "Standard error of E-sharpness", "nat"),
    Metric("*.e_sharpness.*", "E-sharpness", "nat", "lower"),
    Metric("*.top_eigenvalue", "Eigenvalue of the Hessian, the largest in size"),  # may be negative
    Metric("*.top_eigenvalue_residual", "Residual of that eigenvalue"),
    Metric("*.trace", "Trace of the Hessian"),
    Metric("*.trace_error", "Standard error of the trace"),
    Metric("*.train_seconds", "Training time", "s", "lower"),
    Metric("*.trained", "Trained parameters"),
    Metric("*.noise_seconds", "Time for noise", "s", "lower"),
    Metric("*.peak_bytes", "Largest memory while training", "bytes", "lower"),
    Metric("*.steps", "Steps"),
    Metric("difference.*", "First variant minus this one"),
    Metric("overhead_ratio", "A step of Flat-LoRA over the same without its noise", better="lower"),
    Metric("*.loss", "Training loss", "nat", "lower"),
    Metric("*.lr", "Step size"),
    Metric("*.sigma", "Noise σ"),
    Metric("*.gradient_norm", "Gradient norm"),
    Metric("*.gradient_norm.a", "Gradient norm of A"),
    Metric("*.gradient_norm.b", "Gradient norm of B"),
    Metric("*.seconds", "A step", "s", "lower"),
    Metric("*.seconds.noise", "Noise in a step", "s", "lower"),
    Metric("*.seconds.forward", "Forward in a step", "s", "lower"),
    Metric("*.seconds.backward", "Backward in a step", "s", "lower"),
    Metric("*.seconds.optimizer", "Optimiser in a step", "s", "lower"),
    Metric("*.clean_loss", "Loss of the probe, without noise", "nat", "lower"),
    Metric("*.sharpness.*", "E-sharpness of the probe while training", "nat", "lower"),
    Metric("*.dev_*", "On validation"),
    Metric("*.drift", "Drift of the frozen weights"),
)
