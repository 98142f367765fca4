"""A case of texts: classes of sentences and pairs, or how a text goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.core.errors import UserError
from engine.data.kind import Report
from engine.data.text.tell import tell_mixed, tell_words
from engine.methods.flat_lora import rows as tables
from engine.methods.flat_lora.case import WRITTEN, Case, describe, fresh
from engine.methods.flat_lora.columns import Columns, task_of
from engine.methods.flat_lora.tasks import Batch, Classes, Examples, NextToken
from engine.models import tokens
from engine.models.backbone import Backbone

if TYPE_CHECKING:
    from engine.core.run import Run

SHOWN = 200  # characters of a text that a table shows
SHORTEST = 8  # tokens: what stands around a pair, and a few of each text


def of_texts(run: Run) -> Case:
    data, params = run.inputs["data"], run.params
    found = tables.columns(params, data)
    rows = tables.parts(run)
    task = task_of(params, found)
    _remark(run, found, task)
    if task == "classify":
        return _classify(run, rows, found)
    if params.task == "auto" and not found.completion and not found.label:
        run.message("task: causal, to go on with a text, since no column is taken for a label; "
                    "name one to learn its classes", "warning")  # fmt: skip
    return _causal(run, rows, found)


def _remark(run: Run, found: Columns, task: str) -> None:
    """What the checks of the tables warn of and a job would not refuse."""
    read = found.classify if task == "classify" else found.causal if found.completion else ()
    names = read or tuple(filter(None, [found.text]))
    for texts in filter(None, (run.inputs[name] for name in ("data", "dev", "test"))):
        report = Report()
        tell_words(texts, names, report)
        if task == "classify" and found.label:
            tell_mixed(texts, found.label, report)
        for line in (*texts.remarks, *report.warnings):
            run.message(f"{line.where}: {line.text}", "warning")


def _classify(run: Run, rows: dict[str, tables.Rows], found: Columns) -> Case:
    for name in ("text", "label"):
        if getattr(found, name) is None:
            raise UserError(name, f"no column is called like a {name}; expected its name, one "
                            f"of {_names(run)}")  # fmt: skip
    needed = found.classify
    texts = tuple(name for name in (found.text, found.text2) if name)
    rows = tables.held_out(run, tables.complete(run, rows, needed), texts, found.label)
    names = tables.classes(run, rows, found.label)
    make = fresh(run, "classify", lambda: rows["train"].cells(found.text, "text"))
    tokenizer, longest = _reads(run, make())
    place = {name: number for number, name in enumerate(names)}

    parts, cut = {}, 0
    for part, some in rows.items():
        text2 = some.cells(found.text2, "text2") if found.text2 else None
        seen = tokens.encode(
            tokenizer, some.cells(found.text, "text"), text2, max_length=longest, place=some.place
        )
        cut += seen.cut
        labels = np.array([place[cell.strip()] for cell in some.cells(found.label, "label")])
        parts[part] = _of_text(seen, labels, run.device)
    describe(run, parts, names, cut, longest)

    def told(part: str, number: int) -> str:
        cells = [rows[part].texts.columns[name][rows[part].rows[number]] for name in texts]
        return " | ".join(cells)[:SHOWN]

    pairs = bool(found.text2)

    def asked(text: str, text2: str) -> tuple[Batch, bool]:
        both = ([text], [text2]) if pairs else ([text], None)
        seen = tokens.encode(tokenizer, *both, max_length=longest)
        return tokens.batch(seen, np.array([0]), device=run.device), bool(seen.cut)

    return Case(
        "classify", Classes(names), parts, make, _place(rows), told,
        encode=asked, tokenizer=tokenizer, pairs=pairs,
    )  # fmt: skip


def _causal(run: Run, rows: dict[str, tables.Rows], found: Columns) -> Case:
    answer = found.completion or found.text
    if answer is None:
        raise UserError("completion", f"no column of {run.inputs['data'].name} is called like a "
                        f"completion or text; expected its name, one of {_names(run)}")  # fmt: skip
    before = found.causal[:-1] if found.completion else ()
    needed = (*(name for name in (found.prompt,) if name in before), answer)
    rows = tables.held_out(run, tables.complete(run, rows, needed), (*before, answer), None)
    make = fresh(run, "causal", lambda: [
        " ".join(cells) for cells in zip(
            *(rows["train"].cells(name, name) for name in (*before, answer)), strict=True
        )
    ])  # fmt: skip
    tokenizer, longest = _reads(run, make())

    def prompts(some: tables.Rows) -> list[str] | None:
        if not before:
            return None
        cells = zip(*(some.cells(name, name) for name in before), strict=True)
        return ["\n".join(filter(None, one)) + "\n" for one in cells]

    parts, cut = {}, 0
    for part, some in rows.items():
        answers = some.cells(answer, "completion")
        seen = tokens.encode_causal(tokenizer, prompts(some), answers, max_length=longest)
        cut += seen.cut
        parts[part] = _of_text(seen, None, run.device)
    describe(run, parts, (), cut, longest)

    def told(part: str, number: int) -> str:
        asked = prompts(rows[part].kept(np.array([number])))
        text = rows[part].cells(answer, "completion")[number]
        return ((asked[0] if asked else "") + text)[:SHOWN]

    def asked(text: str, text2: str) -> tuple[Batch, bool]:
        start = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
        text = text + "\n" if before else text
        (ids,) = tokens.plain(tokenizer, [text])
        if not start + ids:
            raise UserError("text", "expected a text to go on with")
        room = max(longest - WRITTEN, longest // 2) - len(start)  # the answer needs some too
        whole = torch.tensor([start + ids[-room:]], device=run.device)
        batch = {"input_ids": whole, "attention_mask": torch.ones_like(whole)}
        return batch, len(ids) > room

    return Case(
        "causal", NextToken(), parts, make, _place(rows), told, encode=asked, tokenizer=tokenizer
    )


def _place(rows: dict[str, tables.Rows]) -> Callable[[str, int], str]:
    return lambda part, number: rows[part].place(number)


def _reads(run: Run, built: Backbone) -> tuple[Any, int]:
    """The tokenizer, and how many tokens a text may have. The network itself is let go."""
    if built.max_length < SHORTEST:
        raise UserError("model", f"reads {built.max_length} tokens at most, by its config.json or "
                        f"its tokenizer; expected {SHORTEST} or more")  # fmt: skip
    return built.tokenizer, min(run.params.max_length, built.max_length)


def _of_text(seen: tokens.Encoded, labels: np.ndarray | None, device: str) -> Examples:
    def make(places: np.ndarray) -> Batch:
        found = tokens.batch(seen, places, device=device)
        if labels is not None:
            found["labels"] = torch.from_numpy(labels[places]).to(device)
        return found

    return Examples(seen.lengths, labels, make)


def _names(run: Run) -> str:
    return ", ".join(ascii(name)[1:-1] for name in list(run.inputs["data"].columns)[:20])
