"""Flat-LoRA's card: what it is, what it takes and answers."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.method import Baseline, Facts, Input, Method, Paper, Question
from engine.methods.flat_lora.foretold import foretold
from engine.methods.flat_lora.metrics import METRICS
from engine.methods.flat_lora.params import ChangeParams, FlatLoraParams, SayParams
from engine.methods.flat_lora.variants import VARIANTS


def _conflict(params: FlatLoraParams, given: Mapping[str, Facts]) -> tuple[str, str] | None:
    if ("data" in given) == ("images" in given):
        return "data", "expected a table of texts as data, or images, and not both"
    pictures = "images" in given
    if pictures and params.task not in ("auto", "images"):
        return "task", f"{params.task} needs texts, and images are given; expected auto or images"
    if not pictures and params.task == "images":
        return "task", "images needs images, and a table of texts is given"
    for name in ("dev", "test"):
        if name in given and pictures:
            return name, "belongs to a table of texts; images bring their own parts"
    if "model" in given and params.backbone != "auto":
        return "backbone", f"{params.backbone}, but a model is given; expected auto, or no model"
    fits = {"minilm": ("auto", "classify"), "decoder": ("auto", "causal"), "vit": ("auto",)}
    if params.backbone != "auto":
        if (params.backbone == "vit") != pictures:
            return "backbone", f"{params.backbone} does not read {'images' if pictures else 'text'}"
        if not pictures and params.task not in fits[params.backbone]:
            return "backbone", f"{params.backbone} does not do the task {params.task}"
    model = given.get("model", {})
    family = model.get("family")
    if model and not family:
        return "model", "its config.json names no network that can be built here"
    if family and (family == "vision") != pictures:
        return "model", f"reads {'images' if family == 'vision' else 'text'}, as the data do not"
    if family == "encoder" and params.task == "causal":
        return "task", "causal needs a decoder, and the model is an encoder"
    return None


METHOD = Method(
    slug="flat_lora",
    title="Flat-LoRA",
    paper=Paper(
        title="Flat-LoRA: Low-Rank Adaptation over a Flat Loss Landscape",
        authors="Tao Li, Zhengbao He, Yujun Li, Yasheng Wang, Lifeng Shang, Xiaolin Huang",
        year=2025,
        url="https://arxiv.org/abs/2409.14396",
    ),
    summary="Fine-tunes with low-rank adapters while random noise shakes the merged weights, so "
    "that the minimum found is flat where the model will live, and shows how flat it is.",
    inputs=(
        Input(
            "data",
            "text",
            "Texts",
            "A table of labelled texts or pairs, or of prompts and completions; train, dev and "
            "test in one folder or zip, or train alone.",
            optional=True,
        ),
        Input(
            "dev",
            "text",
            "Validation texts",
            "Of the same columns. Left out: the data's own, else training rows, the same for every "
            "seed.",
            optional=True,
        ),
        Input(
            "test",
            "text",
            "Test texts",
            "Of the same columns, looked at once, at the end. Left out: the data's own, else "
            "training rows, the same for every seed.",
            optional=True,
        ),
        Input(
            "images",
            "images",
            "Images",
            "Pictures with classes, instead of texts.",
            optional=True,
        ),
        Input(
            "model",
            "model",
            "Model",
            "A transformers folder with its tokenizer, encoder or decoder. Left out: a "
            "pre-trained MiniLM encoder to classify, a small network from random weights else.",
            optional=True,
        ),
    ),
    params=FlatLoraParams,
    conflict=_conflict,
    foretold=foretold,
    metrics=METRICS,
    baselines=tuple(Baseline(one.name, one.title, one.description) for one in VARIANTS.values()),
    questions=(
        Question("change", "Change the merged weights", ChangeParams),
        Question("say", "Ask every variant", SayParams),
    ),
    whatif="engine.methods.flat_lora.whatif:WhatIf",
    entry="engine.methods.flat_lora.method:run",
    threads=1,
)
