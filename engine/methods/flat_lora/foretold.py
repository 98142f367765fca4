"""What a job comes to, before it runs: weights that train, and steps. Light: no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING

from engine.core.units import counted
from engine.methods.flat_lora.columns import Columns, task_of
from engine.methods.flat_lora.params import BACKBONES, ends, held_out
from engine.methods.flat_lora.variants import chosen as variants_of

if TYPE_CHECKING:
    from engine.core.method import Facts
    from engine.methods.flat_lora.params import FlatLoraParams

Linear = Mapping[str, list[int]]  # [how many, outputs, inputs] by name, as of families.linear
MINILM = {
    "encoder.layer.*.attention.self.query": [6, 384, 384],
    "encoder.layer.*.attention.self.key": [6, 384, 384],
    "encoder.layer.*.attention.self.value": [6, 384, 384],
    "encoder.layer.*.attention.output.dense": [6, 384, 384],
    "encoder.layer.*.intermediate.dense": [6, 1536, 384],
    "encoder.layer.*.output.dense": [6, 384, 1536],
}


def _decoder(width: int, layers: int) -> Linear:
    inner = round(width * 8 / 3)
    return {
        **{f"model.layers.*.self_attn.{name}_proj": [layers, width, width] for name in "qkvo"},
        "model.layers.*.mlp.gate_proj": [layers, inner, width],
        "model.layers.*.mlp.up_proj": [layers, inner, width],
        "model.layers.*.mlp.down_proj": [layers, width, inner],
    }


def _vit(width: int, layers: int) -> Linear:
    return {
        **{f"layers.*.attention.{name}_proj": [layers, width, width] for name in "qkvo"},
        "layers.*.mlp.fc1": [layers, 4 * width, width],
        "layers.*.mlp.fc2": [layers, width, 4 * width],
    }


FRESH = {"decoder": _decoder, "vit": _vit}


def foretold(params: FlatLoraParams, given: Mapping[str, Facts]) -> list[tuple[str, str]]:
    """Lines (title, words), exact or a bound; nothing is said of what isn't known yet."""
    table = given.get("images") or given.get("data")
    if not table:
        return []
    layers = _linear(params, given)
    lines = _weights(params, layers) if _named(given) or not params.targets else []
    if layers and _named(given):
        there = {name.rpartition("*.")[2]: sizes for name, sizes in layers.items()}
        lines.append(("Layers to adapt", ", ".join(
            f"{end} ({count} of {outputs:,} × {inputs:,})"
            for end, (count, outputs, inputs) in there.items()
        )))  # fmt: skip
    return lines + _steps(params, table, given)


def _named(given: Mapping[str, Facts]) -> bool:
    """Whether layers are called as in the upload: transformers renames those of older images'
    networks as it loads them."""
    return given.get("model", {}).get("family") != "vision"


def _weights(params: FlatLoraParams, layers: Linear) -> list[tuple[str, str]]:
    """Of adapters: r(m + n) of each layer [m, n], and DoRA's m magnitudes."""
    if not all(any(ends(name, end) for name in layers) for end in params.targets):
        return []
    taken = [
        sizes
        for name, sizes in layers.items()
        if not params.targets or any(ends(name, end) for end in params.targets)
    ]
    count = sum(many for many, _, _ in taken)
    plain = sum(many * params.rank * (m + n) for many, m, n in taken)
    titles: dict[str, list[str]] = {}
    for variant in variants_of(params.variants, params.flat_on):
        if variant.trains == "adapters" and taken:
            more = sum(many * m for many, m, _ in taken) if variant.adapter == "dora" else 0
            words = f"{plain + more:,} weights in {counted(count, 'linear layer')}"
            titles.setdefault(words, []).append(variant.title)
    return [(f"Adapters of {', '.join(names)}", words) for words, names in titles.items()]


def _linear(params: FlatLoraParams, given: Mapping[str, Facts]) -> Linear:
    """Empty where nobody has looked into the model."""
    if "model" in given:
        return given["model"].get("linear", {})
    task = "images" if "images" in given else _task(params, given["data"])
    chosen = BACKBONES[task] if params.backbone == "auto" else params.backbone
    return MINILM if chosen == "minilm" else FRESH[chosen](params.width, params.layers)


def _task(params: FlatLoraParams, data: Facts) -> str:
    return task_of(params, Columns.of(params, SimpleNamespace(**{
        column.name: data.get(column.name) or None for column in fields(Columns)
    })))  # fmt: skip


def _steps(
    params: FlatLoraParams, table: Facts, given: Mapping[str, Facts]
) -> list[tuple[str, str]]:
    """The most that there can be: training rows that are in another part, or lack a cell, go."""
    rows = table.get("train", 0)
    if not rows or params.rows:
        return []
    for part, asked in (("test", params.test_rows), ("dev", params.dev_rows)):
        if not table.get(part) and part not in given:
            rows -= held_out(rows, asked)
    if rows < 1:
        return []
    epoch = -(-rows // params.batch)
    steps = params.epochs * epoch
    steps = min(steps, params.max_steps) if params.max_steps else steps
    return [("Steps", f"at most {steps:,}, of at most {epoch:,} in an epoch of {rows:,} rows")]
