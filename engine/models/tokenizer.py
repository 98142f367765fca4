"""Tokenizers out of the files that came with an uploaded model.

They are read from bytes by the `tokenizers` library; no class is looked up by a name in a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import (
    BertTokenizer,
    GPT2Tokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
)

from engine.data.model import families
from engine.data.model import tokenizer_file as file

SPECIAL = (
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
)  # fmt: skip
LONGEST = 1 << 20  # tokens; files say 10^30 for "no limit"


def from_files(
    files: Mapping[str, bytes], model_type: str, where: str
) -> PreTrainedTokenizerFast | None:
    """The tokenizer of `Weights.files`; None where they make none. Raises UserError that names the
    file."""
    if not file.there(files):
        return None
    config = file.object_of(files, "tokenizer_config.json", where)
    roles = file.object_of(files, "special_tokens_map.json", where)
    typed = ["token_type_ids"] if model_type in families.TYPED else []
    options = {
        **_special(config | roles),
        "model_max_length": _longest(config),
        "model_input_names": ["input_ids", *typed, "attention_mask"],
    }
    if file.WHOLE in files:
        made = file.parsed(files, where)
        made.no_truncation()  # files keep what their author last asked for
        made.no_padding()
        return PreTrainedTokenizerFast(tokenizer_object=made, **options)
    if file.WORDS in files:
        lower = bool(config.get("do_lower_case", True))
        return BertTokenizer(vocab=file.words(files, where), do_lower_case=lower, **options)
    vocabulary = file.vocabulary(files, where)
    pairs = RobertaTokenizer if model_type == "roberta" else GPT2Tokenizer
    return pairs(vocab=vocabulary, merges=file.merges(files, vocabulary, where), **options)


def _special(said: Mapping[str, Any]) -> dict[str, str]:
    """Special tokens by their roles; files write them as texts or as objects."""
    found = {}
    for role in SPECIAL:
        one = said.get(role)
        word = one.get("content") if isinstance(one, dict) else one
        if isinstance(word, str) and word:
            found[role] = word
    return found


def _longest(config: Mapping[str, Any]) -> int:
    """Tokens of a text."""
    said = config.get("model_max_length")
    known = isinstance(said, int | float) and 1 <= said < LONGEST
    return int(said) if known else LONGEST
