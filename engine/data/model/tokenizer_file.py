"""The files of a tokenizer beside weights, in the forms that transformers writes.

`tokenizer.json` is the whole of one. Before it there were `vocab.txt` (WordPiece, as of BERT), and
`vocab.json` with `merges.txt` (byte-level pairs, as of GPT-2); what special tokens are for stands
in `tokenizer_config.json` or `special_tokens_map.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tokenizers import Tokenizer

from engine.core.errors import UserError
from engine.data import strict_json

WHOLE = "tokenizer.json"
WORDS = "vocab.txt"
PAIRS = ("vocab.json", "merges.txt")
ROLES = ("tokenizer_config.json", "special_tokens_map.json")
NAMES = (WHOLE, WORDS, *PAIRS, *ROLES)
MOST = 1 << 24  # pieces
MAX_BYTES = 64 << 20  # of each


def there(files: Mapping[str, bytes]) -> bool:
    return WHOLE in files or WORDS in files or set(PAIRS) <= set(files)


def pieces(files: Mapping[str, bytes], where: str) -> int:
    """How many there are, after a look at what the files hold. Raises UserError with the file."""
    for name in set(ROLES) & set(files):
        object_of(files, name, where)
    if WHOLE in files:
        return parsed(files, where).get_vocab_size()
    if WORDS in files:
        return len(words(files, where))
    found = vocabulary(files, where)
    merges(files, found, where)
    return len(found)


class Unfit(Exception):
    """What the tokenizers library has to say of a file or a text."""


@contextmanager
def guarded() -> Iterator[None]:
    """Within, its faults are Unfit: it raises Exception by that very name, and of what its authors
    did not foresee a panic, which is no Exception and would pass by every guard."""
    try:
        yield
    except BaseException as fault:
        if type(fault) is not Exception and type(fault).__name__ != "PanicException":
            raise
        raise Unfit(str(fault)) from fault


def parsed(files: Mapping[str, bytes], where: str) -> Tokenizer:
    text = _text(files, WHOLE, where)
    try:
        with guarded():
            return Tokenizer.from_str(text)
    except Unfit as fault:
        raise UserError(f"{where}: {WHOLE}", f"no tokenizer: {str(fault)[:160]!a}") from fault


def words(files: Mapping[str, bytes], where: str) -> dict[str, int]:
    """Numbers by pieces: a line each."""
    found: dict[str, int] = {}
    for row, word in enumerate(_text(files, WORDS, where).split("\n")):
        word = word.removesuffix("\r")
        if word in found:
            raise UserError(f"{where}: {WORDS} row {row + 1}", f"{word[:40]!a} is there twice")
        if word:
            found[word] = row
    return found


def vocabulary(files: Mapping[str, bytes], where: str) -> dict[str, int]:
    """Numbers by pieces, of vocab.json."""
    found = object_of(files, PAIRS[0], where)
    for piece, number in found.items():
        if type(number) is not int or not 0 <= number < MOST:
            raise UserError(f"{where}: {PAIRS[0]}", f"piece {piece[:40]!a} has "
                            f"{ascii(number)[:20]}; expected a whole number")  # fmt: skip
    return found


def merges(
    files: Mapping[str, bytes], known: Mapping[str, int], where: str
) -> list[tuple[str, str]]:
    """The pairs that become one piece, the first ones first."""
    found = []
    for row, line in enumerate(_text(files, PAIRS[1], where).split("\n"), 1):
        line = line.removesuffix("\r")
        if not line or (row == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not {left, right, left + right} <= known.keys():
            raise UserError(
                f"{where}: {PAIRS[1]} row {row}",
                f"{line[:40]!a}; expected two pieces of {PAIRS[0]} that make a third",
            )
        found.append((left, right))
    return found


def object_of(files: Mapping[str, bytes], name: str, where: str) -> dict[str, Any]:
    """The object in a file; empty where there is no such file."""
    if name not in files:
        return {}
    found = strict_json.read(files[name], f"{where}: {name}", expected="a JSON object")
    if not isinstance(found, dict):
        raise UserError(f"{where}: {name}", f"a {type(found).__name__}; expected an object")
    return found


def _text(files: Mapping[str, bytes], name: str, where: str) -> str:
    try:
        return files[name].decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UserError(f"{where}: {name}", f"not UTF-8 at byte {fault.start}") from fault
