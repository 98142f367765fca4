"""What a job works on: a task, its examples in three parts, and the backbone of all variants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.core.errors import UserError
from engine.core.seed import entropy
from engine.core.units import counted
from engine.methods.flat_lora import rows as tables
from engine.methods.flat_lora.tasks import Batch, Classes, Examples, NextToken, Task
from engine.models import backbone as backbones
from engine.models import tokens
from engine.models.backbone import Backbone
from engine.models.vocabulary import trained

if TYPE_CHECKING:
    from engine.core.run import Run

VOCABULARY = 2000  # pieces of a tokenizer that is made here
SHOWN = 200  # characters of a text that a table shows


@dataclass(frozen=True, eq=False)
class Case:
    kind: str  # classify, causal, images
    task: Task
    parts: dict[str, Examples]  # train, dev, test
    backbone: Callable[[], Backbone]  # the same weights at each call
    told: Callable[[str, int], str]  # of a part and a place in it: its text, to be shown
    encode: Callable[[str, str], Batch] | None = None  # a text, and a second, as a batch of one
    tokenizer: Any = None  # of texts

    @torch.no_grad()
    def written(self, model: Any, batch: Batch, count: int) -> str:
        """How a decoder goes on after a batch of one: the likeliest token, `count` times or until
        the end token."""
        ids, end, room = batch["input_ids"], self.tokenizer.eos_token_id, model.config
        start = ids.shape[1]
        for _ in range(min(count, room.max_position_embeddings - start)):
            told = model(input_ids=ids).logits[:, -1].argmax(1, keepdim=True)
            if told.item() == end:
                break
            ids = torch.cat([ids, told], dim=1)
        return self.tokenizer.decode(ids[0, start:])


def prepare(run: Run) -> Case:
    if run.inputs["images"] is not None:
        return _images(run)
    data, params = run.inputs["data"], run.params
    found = tables.columns(params, data)
    kind = tables.task_of(params, found)
    rows = tables.parts(run)
    return _classify(run, rows, found) if kind == "classify" else _causal(run, rows, found)


def fresh(run: Run, kind: str, texts: Callable[[], list[str]]) -> Callable[[], Backbone]:
    """How to get the backbone, anew at each call. `texts` are what a tokenizer is made from."""
    weights, params, device = run.inputs["model"], run.params, run.device
    if weights is not None:
        made = backbones.from_weights(weights, device=device)
        if (made.family == "vision") != (kind == "images"):
            raise UserError("model", f"a {made.family}; expected one that reads "
                            f"{'images' if kind == 'images' else 'text'}")  # fmt: skip
        if kind == "causal" and made.family != "decoder":
            raise UserError("model", f"causal needs a decoder, and this is an {made.family}")
        if kind != "images" and made.tokenizer is None:
            raise UserError("model", "has no tokenizer; expected tokenizer.json beside the weights")
        return lambda: backbones.from_weights(weights, device=device)
    seed = entropy(run.seed, "backbone")
    chosen = {"classify": "minilm", "causal": "decoder", "images": "vit"}[kind]
    chosen = chosen if params.backbone == "auto" else params.backbone
    if chosen == "minilm":
        return lambda: backbones.minilm(device)
    run.message("the backbone starts from random weights: adapters alone learn little on it, "
                "variant full trains all of it", "warning")  # fmt: skip
    tokenizer = trained(texts(), VOCABULARY)
    return lambda: backbones.small_decoder(
        tokenizer, max_length=params.max_length, seed=seed, device=device
    )


def _classify(run: Run, rows: dict[str, tables.Rows], found: tables.Columns) -> Case:
    for name in ("text", "label"):
        if getattr(found, name) is None:
            raise UserError(name, f"no column is called like a {name}; expected its name, one "
                            f"of {_names(run)}")  # fmt: skip
    needed = found.classify
    rows = tables.held_out(run, tables.complete(run, rows, needed), needed, found.label)
    names = tables.classes(run, rows, found.label)
    make = fresh(run, "classify", lambda: rows["train"].cells(found.text, "text"))
    built = make()
    longest = min(run.params.max_length, built.max_length)
    place = {name: number for number, name in enumerate(names)}

    def encoded(text: list[str], text2: list[str] | None) -> tokens.Encoded:
        return tokens.encode(built.tokenizer, text, text2, max_length=longest)

    parts, cut = {}, 0
    for part, some in rows.items():
        text2 = some.cells(found.text2, "text2") if found.text2 else None
        seen = encoded(some.cells(found.text, "text"), text2)
        cut += seen.cut
        labels = np.array([place[cell.strip()] for cell in some.cells(found.label, "label")])
        parts[part] = _of_text(seen, some.rows, labels, run.device)
    _describe(run, parts, names, cut, longest)

    def told(part: str, number: int) -> str:
        cells = [rows[part].texts.columns[name][rows[part].rows[number]]
                 for name in (found.text, found.text2) if name]  # fmt: skip
        return " | ".join(cells)[:SHOWN]

    def asked(text: str, text2: str) -> Batch:
        if found.text2 and not text2:
            raise UserError("text2", "expected a second text: the job was trained on pairs")
        seen = encoded([text], [text2] if found.text2 else None)
        return tokens.batch(seen, np.array([0]), device=run.device)

    return Case("classify", Classes(names), parts, make, told, asked, built.tokenizer)


def _causal(run: Run, rows: dict[str, tables.Rows], found: tables.Columns) -> Case:
    answer = found.completion or found.text
    if answer is None:
        raise UserError("completion", f"no column of {run.inputs['data'].name} is called like a "
                        f"completion or text; expected its name, one of {_names(run)}")  # fmt: skip
    before = found.causal[:-1] if found.completion else ()
    needed = (*(name for name in (found.prompt,) if name in before), answer)
    rows = tables.held_out(run, tables.complete(run, rows, needed), needed, None)
    make = fresh(run, "causal", lambda: [
        " ".join(cells) for cells in zip(
            *(rows["train"].cells(name, name) for name in (*before, answer)), strict=True
        )
    ])  # fmt: skip
    built = make()
    longest = min(run.params.max_length, built.max_length)

    def prompts(some: tables.Rows) -> list[str] | None:
        if not before:
            return None
        cells = zip(*(some.cells(name, name) for name in before), strict=True)
        return ["\n".join(filter(None, one)) + "\n" for one in cells]

    parts, cut = {}, 0
    for part, some in rows.items():
        answers = some.cells(answer, "completion")
        seen = tokens.encode_causal(built.tokenizer, prompts(some), answers, max_length=longest)
        cut += seen.cut
        parts[part] = _of_text(seen, some.rows, None, run.device)
    _describe(run, parts, (), cut, longest)

    def told(part: str, number: int) -> str:
        asked = prompts(rows[part].kept(np.array([number])))
        text = rows[part].cells(answer, "completion")[number]
        return ((asked[0] if asked else "") + text)[:SHOWN]

    def asked(text: str, text2: str) -> Batch:
        start = [built.tokenizer.bos_token_id] if built.tokenizer.bos_token_id is not None else []
        text = text + "\n" if before else text
        ids = built.tokenizer(text, add_special_tokens=False)["input_ids"]
        if not start + ids:
            raise UserError("text", "expected a text to go on with")
        whole = torch.tensor([(start + ids)[-longest:]], device=run.device)
        return {"input_ids": whole, "attention_mask": torch.ones_like(whole)}

    return Case("causal", NextToken(), parts, make, told, asked, built.tokenizer)


def _of_text(
    seen: tokens.Encoded, rows: np.ndarray, labels: np.ndarray | None, device: str
) -> Examples:
    def make(places: np.ndarray) -> Batch:
        found = tokens.batch(seen, places, device=device)
        if labels is not None:
            found["labels"] = torch.from_numpy(labels[places]).to(device)
        return found

    return Examples(rows, seen.lengths, labels, make)


def _images(run: Run) -> Case:
    images = run.inputs["images"]
    given = {name: rows for name, rows in images.parts.items() if len(rows)}
    if "train" not in given:
        raise UserError("input images", "no training part; expected images to train on")
    for part, asked in (("test", run.params.test_rows), ("dev", run.params.dev_rows)):
        if part in given:
            continue
        train = given["train"]
        count = asked or max(1, len(train) // 10)
        if count >= len(train):
            raise UserError(f"{part}_rows", f"{count} of {len(train)} images; expected fewer")
        rng = tables.numpy_stream(tables.SPLIT, f"flat_lora/{part}")
        chosen = tables.stratified(images.labels[train].tolist(), count, rng)
        given |= {part: train[chosen], "train": train[~chosen]}
    if len(set(images.labels[given["train"]].tolist())) < 2:
        raise UserError("input images", "one class to train on; expected two or more")
    side, channels = images.pixels.shape[1], images.pixels.shape[3]
    if images.pixels.shape[2] != side:
        raise UserError(
            "input images", f"{images.pixels.shape[2]} x {side} pixels; expected squares"
        )
    weights, seed = run.inputs["model"], entropy(run.seed, "backbone")
    if weights is None:

        def make() -> Backbone:
            return backbones.small_vit(side, channels, seed=seed, device=run.device)
    else:
        make = fresh(run, "images", list)
    centre, spread = _levels(images.pixels[given["train"]])

    def of(rows: np.ndarray) -> Examples:
        labels = images.labels[rows]

        def batch(places: np.ndarray) -> Batch:
            pixels = (images.pixels[rows[places]].astype(np.float32) - centre) / spread
            return {
                "pixel_values": torch.from_numpy(pixels.transpose(0, 3, 1, 2)).to(run.device),
                "labels": torch.from_numpy(labels[places]).to(run.device),
            }

        return Examples(rows, np.ones(len(rows), np.int64), labels, batch)

    parts = {name: of(given[name]) for name in tables.PARTS}
    _describe(run, parts, images.classes, 0, 0)
    return Case(
        "images", Classes(images.classes), parts, make,
        lambda part, number: f"image {given[part][number]}",
    )  # fmt: skip


def _levels(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each channel over training images."""
    whole = pixels.reshape(-1, pixels.shape[3])
    return whole.mean(0, dtype=np.float64).astype(np.float32), np.maximum(
        whole.std(0, dtype=np.float64), 1e-6
    ).astype(np.float32)


def _describe(
    run: Run, parts: dict[str, Examples], names: tuple[str, ...], cut: int, longest: int
) -> None:
    sizes = ", ".join(f"{len(examples)} {part}" for part, examples in parts.items())
    run.message(f"rows: {sizes}" + (f"; {len(names)} classes" if names else ""))
    if cut:
        run.message(f"{counted(cut, 'row')} cut at {longest} tokens", "warning")


def _names(run: Run) -> str:
    return ", ".join(ascii(name)[1:-1] for name in list(run.inputs["data"].columns)[:20])
