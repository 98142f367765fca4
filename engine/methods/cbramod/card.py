"""CBraMod's card: what it is, what it takes and answers."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.method import Baseline, Facts, Input, Method, Metric, Need, Paper, Question
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.questions import (
    AttentionParams,
    OcclusionParams,
    SpectrumParams,
    TraceParams,
    WindowParams,
)

MEASURES = (  # key, title, which is better, headline
    ("balanced_accuracy", "Balanced accuracy", "higher", True),
    ("auroc", "AUROC", "higher", True),
    ("auc_pr", "Area under precision and recall", "higher", False),
    ("kappa", "Cohen's kappa", "higher", True),
    ("weighted_f1", "Weighted F1", "higher", False),
    ("r2", "R²", "higher", True),
    ("pearson_r", "Pearson's r", "higher", True),
    ("rmse", "RMSE in the labels' unit", "lower", False),
)
JUDGES = ("balanced_accuracy", "r2")


def _metrics() -> tuple[Metric, ...]:
    found = [
        Metric("masked_mse", "Masked error on validation", "(100 µV)²", "lower", headline=True),
        Metric("loss", "Masked error of a batch", "(100 µV)²", "lower"),
        Metric("lr", "Step size"),
        Metric("gradient_norm", "Gradient norm before clipping"),
        Metric("line.zero", "Masked error of guessing nothing", "(100 µV)²", "lower"),
        Metric("line.channel_mean", "Masked error of the channels' mean", "(100 µV)²", "lower"),
        Metric("line.gaussian", "Masked error of a Gaussian", "(100 µV)²", "lower"),
        Metric("*.lead", "Lead over it, in balanced accuracy or R²", better="higher"),
        Metric("fold.*.masked_mse", "Masked error of a fold", "(100 µV)²", "lower"),
        Metric("fold.*.pretrain.loss", "Masked error of a batch", "(100 µV)²", "lower"),
        Metric("fold.*.lr", "Step size"),
        Metric("fold.*.gradient_norm", "Gradient norm before clipping"),
        Metric("fold.*.loss", "Loss of a batch", better="lower"),
    ]
    for key, title, better, headline in MEASURES:
        found += [
            Metric(key, f"{title}, unseen subjects", better=better, headline=headline),
            Metric(f"scratch.{key}", f"{title} from scratch", better=better),
            Metric(f"baseline.*.{key}", f"{title} of a baseline", better=better),
            Metric(f"fold.*.val_{key}", f"{title} on validation", better=better),
        ]
    for key, title, better, _ in (one for one in MEASURES if one[0] in JUDGES):
        found += [
            Metric(f"{prefix}val_{key}", f"{title} on validation", better=better)
            for prefix in ("", "scratch.", "baseline.*.")
        ]
    return tuple(found)


def _conflict(params: CBraModParams, given: Mapping[str, Facts]) -> tuple[str, str] | None:
    if "weights" in given and params.start == "scratch":
        return "start", "scratch, but weights are given; expected pretrained, or no weights"
    if given.get("recordings", {}).get("windows"):
        for name in ("highpass", "lowpass", "notch"):
            if getattr(params, name):
                return name, "the windows were cut before the upload; expected 0"
    if params.task == "finetune" and params.target == "number":
        if "csp" in params.baselines:
            return "baselines", "csp tells classes apart; expected none of it with target=number"
        if params.classes:
            return "classes", "the labels are numbers; expected none with target=number"
    return None


METHOD = Method(
    slug="cbramod",
    title="CBraMod",
    paper=Paper(
        title="CBraMod: A Criss-Cross Brain Foundation Model for EEG Decoding",
        authors="Jiquan Wang, Sha Zhao, Zhiling Luo, Yangxuan Zhou, Haiteng Jiang, Shijian Li, "
        "Tao Li, Gang Pan",
        year=2025,
        url="https://arxiv.org/abs/2412.07236",
    ),
    summary="A transformer that reads EEG criss-cross, over channels and over moments, learns by "
    "guessing hidden seconds of unlabelled recordings, and is then tuned to tell windows apart.",
    inputs=(
        Input(
            "recordings",
            "eeg",
            "Recordings",
            "Recordings or windows of EEG; with labels to fine-tune on.",
        ),
        Input(
            "weights",
            "model",
            "Weights",
            "Of CBraMod: the authors' file, or the export of another job. Every fold of a "
            "fine-tuning starts from them, and a pre-training goes on from them. Left out: each "
            "fold pre-trains on its own training subjects.",
            optional=True,
            needs=(
                Need(
                    "architecture",
                    "cbramod",
                    "expected weights of CBraMod, by the names of its tensors; this is another "
                    "network",
                ),
            ),
        ),
    ),
    params=CBraModParams,
    conflict=_conflict,
    metrics=_metrics(),
    baselines=(
        Baseline(
            "majority",
            "Majority or mean",
            "The commonest class of the training windows; of numbers, their mean.",
        ),
        Baseline(
            "band_power",
            "Band power",
            "Logistic or ridge regression on five band powers a channel.",
        ),
        Baseline("csp", "CSP + LDA", "Spatial patterns of 8 to 30 Hz, and a linear discriminant."),
        Baseline("eegnet", "EEGNet", "EEGNet-8,2, trained until validation stops it."),
        Baseline("shallow", "ShallowConvNet", "Two convolutions and log power, trained likewise."),
    ),
    questions=(
        Question("window", "Hide, scale or reorder a window", WindowParams),
        Question("attention", "See who hears whom", AttentionParams),
        Question("occlusion", "Find what an answer hangs on", OcclusionParams),
        Question("trace", "Read a recording as the network gets it", TraceParams),
        Question("spectrum", "See a recording's spectrum", SpectrumParams),
    ),
    whatif="engine.methods.cbramod.whatif:WhatIf",
    entry="engine.methods.cbramod.method:run",
    threads=1,
)
