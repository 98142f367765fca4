"""Trainings of a tiny network, and batches for them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from engine.methods.flat_lora.tasks import Classes
from engine.methods.flat_lora.training import Training
from engine.models import tokens
from engine.models.adapters import adapt, adapted
from engine.models.classifier import Classifier
from tests.methods.flat_lora.conftest import sentences
from tests.models.making import tiny_bert

CLASSES = Classes(("cat", "none"))
STEPS = 30


def batches(count: int = STEPS, rows: int = 16) -> list[dict[str, torch.Tensor]]:
    tokenizer = tiny_bert().tokenizer
    found = sentences(count * rows)
    seen = tokens.encode(tokenizer, [text for text, _ in found], max_length=40)
    labels = np.array([label == "none" for _, label in found], np.int64)
    made = []
    for at in range(0, len(found), rows):
        places = np.arange(at, at + rows)
        made.append(tokens.batch(seen, places) | {"labels": torch.from_numpy(labels[places])})
    return made


def judged_by(objective):
    return SimpleNamespace(objective=objective, count=CLASSES.count)


def start(variant, params, *, steps=STEPS):
    model = Classifier(tiny_bert(), 2, seed=1)
    model.requires_grad_(False)
    layers = []
    if variant.trains == "adapters":
        model = adapt(model, kind=variant.adapter, rank=4, alpha=8.0, seed=3)
        layers = adapted(model)
    else:
        model.requires_grad_(True)
    model.head.requires_grad_(True)
    return Training(model, layers, variant, params, CLASSES, steps=steps, seed=5)
