"""What CBraMod can be set to."""

from __future__ import annotations

from typing import Literal

import regex
from pydantic import ValidationInfo, field_validator

from engine.core.params import Params, param

Baselines = Literal["majority", "band_power", "csp", "eegnet", "shallow"]
Precision = Literal["fp32", "bf16"]


class CBraModParams(Params):
    task: Literal["finetune", "pretrain"] = param(
        "finetune",
        "Task",
        "finetune: answer labelled windows of unseen subjects; pretrain: reconstruct hidden "
        "patches of recordings without labels.",
        source="paper",
    )
    start: Literal["pretrained", "scratch"] = param(
        "pretrained",
        "Starts from",
        "pretrained: the given weights, else a pre-training of its own on the training subjects of "
        "each fold; scratch: random weights.",
        source="paper",
    )
    frozen: bool = param(
        False,
        "Frozen network",
        "Train the head alone. The network stays in evaluation mode, without dropout or decay.",
        source="paper; evaluation mode is ours",
    )
    scratch_beside: bool = param(
        False,
        "From scratch beside it",
        "Fine-tune from random weights too, on the same folds: what pre-training is worth. Takes "
        "as long again.",
        source="paper",
    )
    preset: Literal["small", "base"] = param(
        "small",
        "Size",
        "small: 2 blocks, without dropout, for a few hours of recordings; base: the paper's 12. "
        "Given weights bring their own depth.",
        paper="base",
        source="small is ours",
    )
    # What a window is
    window: int = param(
        5, "Window", "Length of a window.", unit="s", paper=30, source="paper", ge=1, le=60
    )
    offset: float = param(
        0.0,
        "Offset from an annotation",
        "Where a window begins after the onset of its annotation.",
        unit="s",
        ge=-60,
        le=60,
        advanced=True,
    )
    channels: list[str] = param(
        [],
        "Channels",
        "By name, in the order that the network shall see. Empty: the EEG channels that all "
        "recordings have, in the order of the first.",
        max_length=512,
    )
    highpass: float = param(
        0.0, "High-pass", "0: none.", unit="Hz", paper=0.3, source="paper", ge=0, le=50
    )
    lowpass: float = param(
        0.0, "Low-pass", "0: none.", unit="Hz", paper=75, source="paper", ge=0, le=500
    )
    notch: float = param(
        0.0, "Notch", "Frequency of the mains; 0: none.", unit="Hz", paper=60, source="paper",
        ge=0, le=500,
    )  # fmt: skip
    reference: Literal["as recorded", "average"] = param(
        "as recorded",
        "Reference",
        "average: minus the mean of the channels in use.",
        source="paper",
    )
    scale: Literal["fixed", "subject", "recording"] = param(
        "fixed",
        "Scale",
        "fixed: 100 µV is 1. subject, recording: each channel of it is first brought to a typical "
        "deviation of 10 µV, for all models alike. That takes out what differs between heads and "
        "caps without a look at labels, but of a new person some minutes must be recorded before "
        "the first answer.",
        paper="fixed",
        source="ours",
    )
    reject: float = param(
        100.0,
        "Rejection",
        "Pre-training leaves out windows with a sample of this size; 0: none.",
        unit="µV",
        paper=100,
        source="paper",
        ge=0,
        le=100_000,
    )
    # What a label is
    labels: Literal["auto", "annotations", "table", "name"] = param(
        "auto",
        "Labels from",
        "annotations: a window begins with one; table: a CSV or TSV beside the recordings with a "
        "column label; name: the recording's; auto: the first of table, annotations and name that "
        "tells classes apart, annotations where a recording has two or more kinds of them.",
    )
    target: Literal["class", "number"] = param(
        "class",
        "Labels are",
        "class: names of what is told apart; number: a quantity, which is learnt by its squared "
        "error and judged by R².",
        paper="class",
        source="paper",
    )
    label_pattern: str = param(
        "_([^_/]+)$",
        "Label in a name",
        "Regular expression on a recording's name without suffix; its first group is the label.",
        max_length=200,
        advanced=True,
    )
    classes: list[str] = param(
        [],
        "Classes",
        "Labels to tell apart, in order; other windows are left out. Empty: all.",
        max_length=100,
    )
    # Who trains, who judges
    folds: int = param(
        4,
        "Folds",
        "Cross-validation by whole subjects; each window is tested once. At most as many as there "
        "are subjects, which leaves each of them out once.",
        ge=2,
        le=50,
    )
    split_by: Literal["subject", "recording"] = param(
        "subject",
        "Split by",
        "recording: for data of one subject. Windows of a person are then on both sides.",
        advanced=True,
    )
    val_share: float = param(
        0.15,
        "Validation share",
        "Share of a fold's training subjects that choose the epoch and the baselines' settings; "
        "of its last windows, where there is one subject to train on.",
        gt=0,
        lt=0.9,
        advanced=True,
    )
    val_units: list[str] = param(
        [],
        "Validation subjects",
        "By name, instead of some drawn by the seed.",
        max_length=10_000,
        advanced=True,
    )
    test_units: list[str] = param(
        [],
        "Test subjects",
        "By name: one split instead of folds.",
        max_length=10_000,
        advanced=True,
    )
    # Pre-training
    pretrain_epochs: int = param(
        8,
        "Epochs of pre-training",
        "Passes over the windows that were not rejected.",
        unit="epochs",
        paper=40,
        source="for two hours of recordings",
        ge=1,
        le=10_000,
    )
    pretrain_batch: int = param(
        8,
        "Batch of pre-training",
        "Windows in a step.",
        unit="windows",
        paper=128,
        source="tuned by us on validation",
        ge=1,
        le=4096,
        advanced=True,
    )
    pretrain_lr: float = param(
        2e-3,
        "Step size of pre-training",
        "At its highest; a cosine leads to 1e-5.",
        paper=5e-4,
        source="tuned by us on validation",
        gt=0,
        le=1,
        advanced=True,
    )
    fast_start: bool = param(
        True,
        "Fast start",
        "Begin with the reconstruction near zero. Off: the official initial weights, which first "
        "have to come down from far above the signal's variance.",
        paper=False,
        source="ours",
        advanced=True,
    )
    warmup: int = param(
        20,
        "Warm-up",
        "Steps in which the step size rises.",
        unit="steps",
        paper=0,
        source="ours",
        ge=0,
        le=100_000,
        advanced=True,
    )
    # Fine-tuning
    head: Literal["time_pool", "avg_pool", "all_patch", "two_layer", "one_layer", "sleep"] = param(
        "time_pool",
        "Head",
        "time_pool: one layer on the mean over time, channels apart; avg_pool: on the mean of all "
        "patches; one_layer, two_layer, all_patch: one to three layers on all of them, millions of "
        "weights; sleep: windows in a row hear one another, for sleep stages.",
        paper="all_patch",
        source="time_pool is ours: ahead of avg_pool on validation of MentalArithmetic",
    )
    sequence: int = param(
        20,
        "Sequence",
        "Windows in a row, without a gap, that the head sleep answers together.",
        unit="windows",
        paper=20,
        source="paper",
        ge=1,
        le=1000,
        advanced=True,
    )
    epochs: int = param(
        6,
        "Epochs of fine-tuning",
        "Passes over the training windows; validation chooses one.",
        unit="epochs",
        paper=50,
        source="tuned by us on validation",
        ge=1,
        le=10_000,
    )
    batch: int = param(
        32,
        "Batch of fine-tuning",
        "Windows in a step; of the head sleep, as many whole sequences as fit, one at least.",
        unit="windows",
        paper=64,
        ge=1,
        le=4096,
        advanced=True,
    )
    lr: float = param(
        5e-4,
        "Step size of the network",
        "In fine-tuning, at its highest; a cosine leads to 1e-6.",
        paper=1e-4,
        source="tuned by us on validation",
        gt=0,
        le=1,
        advanced=True,
    )
    lr_head: float = param(
        5e-4,
        "Step size of the head",
        "At its highest.",
        paper=5e-4,
        source="paper",
        gt=0,
        le=1,
        advanced=True,
    )
    balanced: bool = param(
        True,
        "Balanced loss",
        "Classes weigh alike in the loss, however many windows they have.",
        paper=False,
        source="ours",
        advanced=True,
    )
    weight_decay: float = param(
        5e-2,
        "Weight decay",
        "Of AdamW, on every parameter, in both tasks.",
        paper=5e-2,
        source="paper",
        ge=0,
        le=1,
        advanced=True,
    )
    # On a GPU
    precision: Precision = param(
        "fp32",
        "Precision",
        "bf16: products of training in bfloat16, on a GPU alone; weights, losses and judging stay "
        "float32.",
        advanced=True,
    )
    compiled: bool = param(
        False,
        "Compiled",
        "The blocks by torch.compile, on a GPU alone: some time at the start, faster steps then.",
        advanced=True,
    )
    baselines: list[Baselines] = param(
        ["majority", "band_power"],
        "Baselines",
        "Fitted on the same folds; validation chooses their settings.",
    )
    # What is left behind
    save_windows: bool = param(
        False,
        "Export cleaned windows",
        "All windows that are not rejected, after the filters, as epochs of MNE (FIF).",
        advanced=True,
    )

    @field_validator("label_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            regex.compile(value)
        except regex.error as fault:
            raise ValueError(f"expected a regular expression ({fault})") from None
        return value

    @field_validator("lowpass")
    @classmethod
    def _above(cls, value: float, info: ValidationInfo) -> float:
        # The other way round, MNE takes the band out.
        highpass = info.data.get("highpass", 0)
        if 0 < value <= highpass:
            raise ValueError(f"expected 0 or more than the high-pass, {highpass:g} Hz")
        return value

    @field_validator("notch")
    @classmethod
    def _broad(cls, value: float) -> float:
        if 0 < value < 1:
            raise ValueError("expected 0, or 1 Hz or more")
        return value

    @field_validator("channels", "classes", "val_units", "test_units", "baselines")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))
