"""Texts as numbers of tokens, and batches of them in which little is padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from engine.core.errors import UserError
from engine.data.model.tokenizer_file import Unfit, guarded

IGNORED = -100  # the label of a token whose loss does not count
CHUNK = 1000  # texts that are split into tokens at once
POOL = 50  # batches whose rows are sorted by length together


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows of tokens, one behind another in `tokens`; row r is `ids[r]`."""

    tokens: np.ndarray  # int32, of all rows
    starts: np.ndarray  # int64 [rows + 1]: where each row begins, and the end
    cut: int  # rows that were longer than they may be
    pad: int  # the padding token
    types: np.ndarray | None = None  # uint8 like `tokens`: 1 in the second text, where models ask
    scored: np.ndarray | None = None  # bool like `tokens`: tokens whose loss counts

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    @property
    def ids(self) -> list[np.ndarray]:
        return np.split(self.tokens, self.starts[1:-1])


def encode(
    tokenizer: PreTrainedTokenizerFast,
    text: Sequence[str],
    text2: Sequence[str] | None = None,
    *,
    max_length: int,
    place: Callable[[int], str] = lambda row: f"text {row + 1}",
) -> Encoded:
    """Sentences, or pairs of them, with the special tokens of the tokenizer.

    Of what is longer than `max_length` tokens the end is cut; of a pair, that of the longer text
    first. Raises UserError for a text without a token; `place` says where a row comes from.
    """
    ids: list[np.ndarray] = []
    types: list[np.ndarray] | None = []
    cut = 0
    for start in range(0, len(text), CHUNK):  # the tokenizer keeps what it cuts off
        told = _split(
            tokenizer,
            list(text[start : start + CHUNK]),
            None if text2 is None else list(text2[start : start + CHUNK]),
            truncation=True,
            max_length=max_length,
            return_attention_mask=False,
        )
        cut += sum(bool(row.overflowing) for row in told.encodings or ())
        ids += [np.asarray(row, np.int32) for row in told["input_ids"]]
        if types is not None and "token_type_ids" in told:
            types += [np.asarray(row, np.uint8) for row in told["token_type_ids"]]
        else:
            types = None
    empty = next((row for row, found in enumerate(ids) if not len(found)), None)
    if empty is not None:
        raise UserError(place(empty), "has no token; expected one at least")
    return Encoded(
        np.concatenate(ids),
        _starts(ids),
        cut,
        _padding(tokenizer),
        types=None if types is None else np.concatenate(types),
    )


def encode_causal(
    tokenizer: PreTrainedTokenizerFast,
    prompt: Sequence[str] | None,
    completion: Sequence[str],
    *,
    max_length: int,
) -> Encoded:
    """Rows of a causal language model: first token, prompt, completion, last token.

    Only the completion and the last token are scored; without prompts the whole text is. Prompt
    and completion are told apart before they are split into tokens, so that no token is of both.
    Of what is too long the beginning of the prompt is cut, then the end of the completion.
    """
    first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    last = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    answers = plain(tokenizer, completion)
    asked = [[] for _ in answers] if prompt is None else plain(tokenizer, prompt)
    rows, scored, cut = [], [], 0
    room = max_length - len(first)
    for question, answer in zip(asked, answers, strict=True):
        answer = (answer + last)[:room]
        kept = question[max(len(question) + len(answer) - room, 0) :]
        cut += len(kept) + len(answer) < len(question) + len(answers[len(rows)]) + len(last)
        rows.append(first + kept + answer)
        scored.append([False] * (len(first) + len(kept)) + [True] * len(answer))
    return Encoded(
        _joined(rows, np.int32),
        _starts(rows),
        cut,
        _padding(tokenizer),
        scored=_joined(scored, np.bool_),
    )


def order(
    lengths: np.ndarray, size: int, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """The rows of each batch of one pass, those of like length together. lengths: (n,) tokens.

    Rows are shuffled by `rng`, sorted by length in pools of 50 batches, and the batches shuffled
    again; without `rng`, which is for evaluation, sorted over all, the longest first.
    """
    rows = np.arange(len(lengths))
    if rng is None:
        return _cut(rows[np.argsort(-lengths, kind="stable")], size)
    found = [
        chosen
        for pool in _cut(rng.permutation(rows), POOL * size)
        for chosen in _cut(pool[np.argsort(-lengths[pool], kind="stable")], size)
    ]
    return [found[at] for at in rng.permutation(len(found))]


def batch(encoded: Encoded, rows: np.ndarray, *, device: str = "cpu") -> dict[str, Tensor]:
    """Rows padded to the longest of them: input_ids and attention_mask [batch, tokens], and
    token_type_ids or labels where there are some. Labels stand where their token stands; padding
    and what is not scored is -100."""
    lengths = encoded.lengths[rows]
    place = np.arange(lengths.max())
    there = place < lengths[:, None]
    at = np.where(there, encoded.starts[rows][:, None] + place, 0)
    found = {
        "input_ids": np.where(there, encoded.tokens[at], encoded.pad),
        "attention_mask": there,
    }
    if encoded.types is not None:
        found["token_type_ids"] = np.where(there, encoded.types[at], 0)
    if encoded.scored is not None:
        scored = there & encoded.scored[at]
        found["labels"] = np.where(scored, encoded.tokens[at], IGNORED)
    return {
        key: torch.from_numpy(value.astype(np.int64)).to(device) for key, value in found.items()
    }


def plain(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text without special ones."""
    return _split(tokenizer, list(texts), add_special_tokens=False)["input_ids"]


def around(tokenizer: PreTrainedTokenizerFast) -> tuple[int, int]:
    """The largest number and the largest type of what it puts around every text and every pair."""
    bare = [_split(tokenizer, [""]), _split(tokenizer, [""], [""])]
    number, kind = (
        max((token for one in bare for row in one.get(key, ()) for token in row), default=0)
        for key in ("input_ids", "token_type_ids")
    )
    return number, kind


def _split(tokenizer: PreTrainedTokenizerFast, *texts: list[str] | None, **asked: Any) -> Any:
    try:
        with guarded():
            return tokenizer(*texts, **asked)
    except Unfit as fault:
        raise UserError(
            "model", f"its tokenizer cannot split a text: {str(fault)[:160]}"
        ) from fault


def _padding(tokenizer: PreTrainedTokenizerFast) -> int:
    """Never seen through the mask: any token will do where a tokenizer has none for it."""
    return tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0


def _joined(rows: Iterable[Sequence[int]], dtype: type) -> np.ndarray:
    return np.concatenate([np.asarray(row, dtype=dtype) for row in rows])


def _starts(rows: Sequence[Sequence[int]] | Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *map(len, rows)], dtype=np.int64)


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]
