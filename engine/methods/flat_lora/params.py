"""What Flat-LoRA can be set to."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from engine.core.params import Params, param

Name = Literal[
    "flat", "lora", "sam", "lora_plus", "rslora", "dora", "pissa", "loraga", "full", "head"
]
On = Literal["lora", "rslora", "dora", "pissa", "loraga", "lora_plus"]
Landscape = Literal["line", "plane"]
BACKBONES = {"classify": "minilm", "causal": "decoder", "images": "vit"}  # by task, where auto


def ends(name: str, target: str) -> bool:
    """Whether `target` means the layer of this name."""
    return name == target or name.endswith(f".{target}")


def held_out(rows: int, asked: int) -> int:
    """How many of the training rows another part takes: what was asked for, else a tenth."""
    return asked or max(1, rows // 10)


class FlatLoraParams(Params):
    variants: list[Name] = param(
        ["flat", "lora"],
        "Variants",
        "What is trained, one after the other, on the same batches from the same start. The first "
        "is compared with each of the others.",
        min_length=1,
    )
    # What is learnt
    task: Literal["auto", "classify", "causal", "images"] = param(
        "auto",
        "Task",
        "classify: one text or a pair, with a label; causal: go on after a prompt, or with a text; "
        "images: a picture with a label; auto: by the inputs and their columns.",
    )
    text: str = param("", "Text column", "Empty: found by its name.", max_length=200)
    text2: str = param(
        "",
        "Second text column",
        "Of pairs. Empty: found by its name, if there is one; -: none.",
        max_length=200,
        advanced=True,
    )
    label: str = param(
        "", "Label column", "Empty: found by its name.", max_length=200, advanced=True
    )
    prompt: str = param(
        "",
        "Prompt column",
        "Of causal tasks: what the loss is not counted on. Empty: found by its name; -: none.",
        max_length=200,
        advanced=True,
    )
    completion: str = param(
        "",
        "Completion column",
        "Of causal tasks. Empty: found by its name, else the text column.",
        max_length=200,
        advanced=True,
    )
    rows: str = param(
        "",
        "Rows",
        "COLUMN=VALUE: only rows with this value, as dataset=cos_e. Empty: all.",
        max_length=400,
        advanced=True,
    )
    dev_rows: int = param(
        0,
        "Validation rows",
        "Held out of training where the data bring no validation part; 0: a tenth.",
        unit="rows",
        ge=0,
        le=1_000_000,
        advanced=True,
    )
    test_rows: int = param(
        0,
        "Test rows",
        "Held out of training where the data bring no test part; 0: a tenth.",
        unit="rows",
        ge=0,
        le=1_000_000,
        advanced=True,
    )
    max_length: int = param(
        128,
        "Longest text",
        "Tokens; what is longer is cut and counted: classes at the end, of a prompt its beginning "
        "first.",
        unit="tokens",
        paper=128,
        source="paper",
        ge=4,
        le=8192,
        advanced=True,
    )
    # The backbone
    backbone: Literal["auto", "minilm", "decoder", "vit"] = param(
        "auto",
        "Backbone",
        "Where no model is given. minilm: a pre-trained encoder of 22.6 million weights; decoder, "
        "vit: small ones from random weights; auto: minilm to classify text, decoder for causal, "
        "vit for images.",
    )
    width: int = param(
        128,
        "Width of a small backbone",
        "Of the decoder or vit from random weights, in heads of 32.",
        ge=32,
        le=4096,
        multiple_of=32,
        advanced=True,
    )
    layers: int = param(
        4, "Layers of a small backbone", "Of the decoder or vit from random weights.",
        ge=1, le=96, advanced=True,
    )  # fmt: skip
    # Adapters
    rank: int = param(
        8, "Rank r", "Columns of B, rows of A.", paper=8, source="paper", ge=1, le=1024
    )
    alpha: float = param(
        16.0, "α", "B·A counts α/r times.", paper=16, source="paper", gt=0, le=4096, advanced=True
    )
    targets: list[str] = param(
        [],
        "Adapted layers",
        "Ends of the names of linear layers, as query. Empty: all but head and embeddings.",
        paper=[],
        source="paper",
        max_length=200,
        advanced=True,
    )
    # Flat-LoRA
    rho: float = param(
        0.05,
        "Noise ρ",
        "Of the merged weight's row, at the end of training: ‖ε‖ is ρ‖w‖ on average. 0: exactly "
        "what it perturbs, without noise.",
        paper=0.05,
        source="paper",
        ge=0,
        le=2,
    )
    flat_on: On = param(
        "lora", "Flat-LoRA perturbs", "The variant that Flat-LoRA adds its noise to.",
        paper="lora", source="paper", advanced=True,
    )  # fmt: skip
    sam_rho: float = param(
        0.05,
        "LoRA-SAM's ρ",
        "How far (A, B) are moved along their gradient.",
        paper=0.05,
        source="SAM's own",
        gt=0,
        le=10,
        advanced=True,
    )
    plus_ratio: float = param(
        16.0,
        "LoRA+ ratio",
        "Step size of B over that of A; their geometric mean is the step size.",
        paper=16,
        source="paper; the mean is ours",
        ge=1,
        le=1024,
        advanced=True,
    )
    # Training
    epochs: int = param(3, "Epochs", "Passes over the training rows.", unit="epochs", ge=1, le=1000)
    max_steps: int = param(
        0, "Most steps", "Ends earlier; the schedules then end there. 0: no limit.",
        unit="steps", ge=0, le=10_000_000,
    )  # fmt: skip
    batch: int = param(
        32, "Batch", "Rows in a step.", unit="rows", paper=32, source="paper", ge=1, le=4096
    )
    accumulate: int = param(
        1,
        "Accumulation",
        "Parts that a batch is cut into, to save memory; one noise holds for all of them.",
        ge=1,
        le=256,
        advanced=True,
    )
    lr: float = param(
        1e-3, "Step size", "Of adapters and head, at its highest.", paper=1e-4,
        source="tuned by us on validation", gt=0, le=1,
    )  # fmt: skip
    lr_full: float = param(
        1e-4,
        "Step size of full fine-tuning",
        "Of the whole network.",
        source="tuned by us on validation",
        gt=0,
        le=1,
        advanced=True,
    )
    warmup: float = param(
        0.03, "Warm-up", "Share of the steps; a cosine leads to 0 after it.",
        paper=0.03, source="paper", ge=0, le=0.5, advanced=True,
    )  # fmt: skip
    clip: float = param(
        1.0, "Gradient norm", "Longer gradients are shortened to it; 0: none are.",
        ge=0, le=1000, advanced=True,
    )  # fmt: skip
    weight_decay: float = param(
        0.0, "Weight decay", "Of AdamW.", paper=0, source="paper", ge=0, le=1, advanced=True
    )
    dropout: float = param(
        0.0,
        "Dropout",
        "Of the backbone while it trains; of decoders like Llama on attention alone.",
        paper=0, source="paper", ge=0, lt=1, advanced=True,
    )  # fmt: skip
    precision: Literal["fp32", "bf16"] = param(
        "fp32",
        "Precision",
        "bf16: steps compute on 16-bit casts of the noisy weights; the weights themselves, "
        "adapters, loss and measures stay fp32. Slow on most CPUs.",
        paper="bf16",
        source="paper for large models",
        advanced=True,
    )
    # What is looked at
    look_every: int = param(
        50,
        "Steps between looks",
        "At the clean loss and the sharpness of a few fixed rows; 0: none.",
        unit="steps",
        ge=0,
        le=1_000_000,
        advanced=True,
    )
    sigmas: list[float] = param(
        [0.1, 0.3],
        "σ of E-sharpness",
        "Noise under which the loss of the merged weights is measured; the last is the headline.",
        min_length=1,
        max_length=8,
        advanced=True,
    )
    draws: int = param(
        10, "Draws of E-sharpness", "Seeds 0, 1, …: the same for all variants.", ge=2, le=1000,
        advanced=True,
    )  # fmt: skip
    probe: int = param(
        32,
        "Probe",
        "Fixed rows of training, and as many of test, on which flatness is measured. Few, so that "
        "a first job is quick; 512 for figures to be published.",
        unit="rows",
        ge=8,
        le=100_000,
        advanced=True,
    )
    hessian: bool = param(
        True,
        "Curvature",
        "Largest eigenvalue and trace of the Hessian over the merged weights, on 16 rows of the "
        "probe at most.",
        advanced=True,
    )
    landscape: list[Landscape] = param(
        ["line"],
        "Landscapes",
        "line: the loss along random directions; plane: over two of them. Of the merged weights, "
        "and of (A, B) beside them.",
        advanced=True,
    )
    grid: int = param(
        11, "Points", "Of a line, and of a side of a plane.", ge=5, le=101, advanced=True
    )
    reach: float = param(
        1.0,
        "Reach",
        "How far a landscape goes, in lengths of each row.",
        gt=0,
        le=10,
        advanced=True,
    )

    save_model: bool = param(
        True,
        "Keep the merged network",
        "Of the first variant, as a transformers folder that other jobs take; as large as the "
        "backbone.",
        advanced=True,
    )

    @field_validator("variants", "landscape")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands twice; expected each once")
        return names

    @field_validator("sigmas")
    @classmethod
    def _rising(cls, values: list[float]) -> list[float]:
        told = [float(f"{value:.6g}") for value in values]  # as keys of metrics and phases name it
        if any(not 0 < value <= 2 for value in values) or told != sorted(set(told)):
            raise ValueError("expected numbers over 0 and up to 2, each larger than the last in "
                             "its first six digits")  # fmt: skip
        return values

    @field_validator("rows")
    @classmethod
    def _pair(cls, text: str) -> str:
        if text and not all(text.partition("=")[::2]):
            raise ValueError(f"expected COLUMN=VALUE, got {text[:80]!r}")
        return text


class ChangeParams(Params):
    """What is done to the merged weights before they are asked again."""

    sigma: float = param(0.0, "Noise σ", "Of each row's length.", ge=0, le=2)
    bits: Literal[32, 8, 4] = param(32, "Rounding", "Bits of a weight, a scale for each row.")
    pruned: float = param(
        0.0, "Pruned", "Share of the smallest weights of each layer that become 0.", ge=0, lt=1
    )
    draw: int = param(0, "Draw", "Which noise: the same number is the same noise.", ge=0, le=1000)


class SayParams(Params):
    """A text to ask every variant."""

    text: str = param("", "Text", "To classify, or to go on with.", max_length=4000)
    text2: str = param("", "Second text", "Of a pair.", max_length=4000)
