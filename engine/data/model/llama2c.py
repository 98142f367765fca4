"""Weights in the first form of llama2.c's export (version 0): a header of seven numbers, then all
floats without names, and a file of the tokenizer beside them.

Read as transformers' Llama: the rows of the query and key projections, which llama2.c turns in
neighbouring pairs (2i, 2i+1), are put in the order of halves (i, i + d/2) that transformers turns.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, normalizers, processors
from tokenizers.models import BPE
from torch import Tensor

from engine.core.errors import UserError
from engine.data.archive import Member, Source
from engine.data.kind import Report
from engine.data.model.foreign import refuse_stand_in
from engine.data.model.weights import Weights

HEADER = struct.Struct("<7i")
RECORD = struct.Struct("<fi")  # the score of a piece and its bytes
NAMED = b"24ka"  # what later versions begin with: "ak42", read as a number
MOST = (1 << 16, 1 << 18, 1024, 1024, 1024, 1 << 20, 1 << 17)  # of each number of the header
LONGEST = 1024  # bytes of a piece
THETA = 10_000.0
CLOSE = 1e-3  # tables of angles may have been made in half precision
UNKNOWN, FIRST, LAST = "<unk>", "<s>", "</s>"
BYTES = range(3, 259)  # pieces that stand for a byte each
SPACE = "▁"  # what stands for a space within a piece
SUFFIX = ".bin"


@dataclass(frozen=True)
class Sizes:
    width: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    positions: int
    shared: bool  # the output layer is the embedding

    @property
    def each(self) -> int:
        """The width of a head."""
        return self.width // self.heads

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What follows the header, in its order; "{}" is the number of the layer."""
        layers, width, inner = self.layers, self.width, self.inner
        narrow, half = self.kv_heads * self.each, self.each // 2
        block = "model.layers.{}"
        found = {
            "model.embed_tokens": (self.vocabulary, width),
            f"{block}.input_layernorm": (layers, width),
            f"{block}.self_attn.q_proj": (layers, width, width),
            f"{block}.self_attn.k_proj": (layers, narrow, width),
            f"{block}.self_attn.v_proj": (layers, narrow, width),
            f"{block}.self_attn.o_proj": (layers, width, width),
            f"{block}.post_attention_layernorm": (layers, width),
            f"{block}.mlp.gate_proj": (layers, inner, width),
            f"{block}.mlp.down_proj": (layers, width, inner),
            f"{block}.mlp.up_proj": (layers, inner, width),
            "model.norm": (width,),
            "cosines": (self.positions, half),
            "sines": (self.positions, half),
        }
        return found if self.shared else found | {"lm_head": (self.vocabulary, width)}

    @property
    def bytes(self) -> int:
        return HEADER.size + 4 * sum(map(prod, self.shapes().values()))

    def config(self) -> dict[str, Any]:
        """config.json of the same network."""
        return {
            "model_type": "llama",
            "architectures": ["LlamaForCausalLM"],
            "hidden_size": self.width,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.positions,
            "tie_word_embeddings": self.shared,
            "rms_norm_eps": 1e-5,
            "rope_theta": THETA,
            "hidden_act": "silu",
            "bos_token_id": 1,
            "eos_token_id": 2,
        }


def holds_one(source: Source) -> bool:
    """A .bin that begins as one, alone or among others without safetensors."""
    return any(_sizes(member) or _is_named(member) for member in _bins(source))


def read(source: Source, report: Report) -> Weights:
    """The network, and its tokenizer where the other .bin is there. Raises UserError for what is
    truncated, has more than the header tells of, or turns by other angles."""
    bins = _bins(source)
    named = next((member for member in bins if _is_named(member)), None)
    if named is not None:
        raise UserError(named.name, "a later version of llama2.c's export; expected version 0 "
                        "(export.py --version 0), or safetensors")  # fmt: skip
    networks = [member for member in bins if _sizes(member)]
    others = [member for member in bins if member not in networks]
    if len(networks) > 1 or len(others) > 1:
        names = ", ".join(member.name for member in bins)
        raise UserError(source.name, f"{names}; expected one network and its tokenizer")
    (member,) = networks
    sizes = _sizes(member)
    left = sorted(set(source.members) - {one.name for one in bins})
    if left:
        report.ok(source.name, f"not needed and left out: {', '.join(left[:8])}")
    files = _tokenizer(others[0], sizes.vocabulary) if others else {}
    if not files:
        report.warn(source.name, "no tokenizer beside it; expected tokenizer.bin in the same zip")
    return Weights(source.name, "llama2.c", _tensors(member, sizes), sizes.config(), files=files)


def _bins(source: Source) -> list[Member]:
    names = [member.name.lower() for member in source]
    if any(name.endswith(".safetensors") for name in names):
        return []
    return [member for member in source if member.name.lower().endswith(SUFFIX)]


def _is_named(member: Member) -> bool:
    return member.head(4) == NAMED


def _sizes(member: Member) -> Sizes | None:
    """What the header says, where it can be one."""
    head = member.head(HEADER.size)
    if len(head) < HEADER.size:
        return None
    width, inner, layers, heads, kv_heads, vocabulary, positions = HEADER.unpack(head)
    said = (width, inner, layers, heads, kv_heads, abs(vocabulary), positions)
    if not all(0 < number <= most for number, most in zip(said, MOST, strict=True)):
        return None
    if width % (2 * heads) or heads % kv_heads:
        return None
    return Sizes(*said, shared=vocabulary > 0)


def _tensors(member: Member, sizes: Sizes) -> dict[str, Tensor]:
    refuse_stand_in(member)
    if member.size != sizes.bytes:
        fault = "truncated" if member.size < sizes.bytes else "more than that"
        raise UserError(member.name, f"the header tells of {sizes.bytes:,} bytes, {member.size:,} "
                        f"are there: {fault}")  # fmt: skip
    numbers = np.frombuffer(member.read(member.size), "<f4", offset=HEADER.size)
    found, at = {}, 0
    for name, shape in sizes.shapes().items():
        found[name] = numbers[at : at + prod(shape)].reshape(shape)
        at += prod(shape)
    _refuse_other_angles(found.pop("cosines"), found.pop("sines"), sizes, member.name)
    for name in ("q_proj", "k_proj"):
        key = f"model.layers.{{}}.self_attn.{name}"
        found[key] = _in_halves(found[key], sizes.each)
    return dict(_named(found))


def _named(stacks: dict[str, np.ndarray]) -> Iterator[tuple[str, Tensor]]:
    for name, stack in stacks.items():
        parts = enumerate(stack) if "{}" in name else [(0, stack)]
        for layer, part in parts:
            yield f"{name.format(layer)}.weight", torch.from_numpy(part.copy())


def _in_halves(rows: np.ndarray, each: int) -> np.ndarray:
    """[layers, heads * each, width]: within a head, first its even rows and then the odd."""
    layers, narrow, width = rows.shape
    pairs = rows.reshape(layers, narrow // each, each // 2, 2, width)
    return pairs.swapaxes(2, 3).reshape(layers, narrow, width)


def _refuse_other_angles(cosines: np.ndarray, sines: np.ndarray, sizes: Sizes, where: str) -> None:
    """Position p turns pair i by p θ^(-2i/d)."""
    speed = THETA ** (-2 * np.arange(sizes.each // 2) / sizes.each)
    angles = np.arange(sizes.positions)[:, None] * speed
    far = np.abs(cosines - np.cos(angles)) + np.abs(sines - np.sin(angles))
    if not far.max(initial=0) < 2 * CLOSE:
        raise UserError(where, f"tables of angles that are not those of base {THETA:,.0f}")


def _tokenizer(member: Member, vocabulary: int) -> dict[str, bytes]:
    """tokenizer.json and tokenizer_config.json of the same pieces: pairs are merged, the one whose
    piece scores most first; what no piece has is spelled in bytes."""
    pieces, scores = _pieces(member, vocabulary)
    numbers = {piece: number for number, piece in enumerate(pieces)}
    if len(numbers) < len(pieces):
        twice = next(piece for number, piece in enumerate(pieces) if numbers[piece] != number)
        raise UserError(member.name, f"piece {twice[:40]!a} is there twice")
    made = Tokenizer(
        BPE(numbers, _merges(numbers, scores), unk_token=UNKNOWN, fuse_unk=True, byte_fallback=True)
    )
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)]
    )
    made.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(),
         decoders.Strip(" ", 1, 0)]
    )  # fmt: skip
    made.add_special_tokens([UNKNOWN, FIRST, LAST])
    made.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A", pair=f"{FIRST} $A $B", special_tokens=[(FIRST, 1)]
    )
    roles = {"unk_token": UNKNOWN, "bos_token": FIRST, "eos_token": LAST}
    return {
        "tokenizer.json": made.to_str().encode(),
        "tokenizer_config.json": json.dumps(roles).encode(),
    }


def _pieces(member: Member, vocabulary: int) -> tuple[list[str], list[float]]:
    raw = member.read(4 + vocabulary * (RECORD.size + LONGEST))
    pieces, scores, at = [], [], 4
    for number in range(vocabulary):
        if at + RECORD.size > len(raw):
            raise UserError(member.name, f"{number:,} pieces; the network has {vocabulary:,}: "
                            "truncated, or of another network")  # fmt: skip
        score, size = RECORD.unpack_from(raw, at)
        at += RECORD.size
        if not 0 <= size <= LONGEST or at + size > len(raw) or not np.isfinite(score):
            raise UserError(f"{member.name} piece {number}", f"a score of {score} and {size:,} "
                            "bytes; expected a record of a tokenizer")  # fmt: skip
        pieces.append(_piece(raw[at : at + size], number, member.name))
        scores.append(score)
        at += size
    if at != len(raw):
        raise UserError(member.name, f"{len(raw) - at:,} bytes behind the {vocabulary:,} pieces "
                        "of the network")  # fmt: skip
    return pieces, scores


def _piece(raw: bytes, number: int, where: str) -> str:
    if number < BYTES.start:
        return (UNKNOWN, FIRST, LAST)[number]
    if number in BYTES:
        expected = f"<0x{number - BYTES.start:02X}>"
        if raw != expected.encode():
            raise UserError(f"{where} piece {number}", f"{raw[:20]!r}; expected {expected}")
        return expected
    try:
        return raw.decode().replace(" ", SPACE)
    except UnicodeDecodeError as fault:
        raise UserError(f"{where} piece {number}", f"{raw[:20]!r} is not UTF-8") from fault


def _merges(numbers: dict[str, int], scores: list[float]) -> list[tuple[str, str]]:
    """Every pair of pieces that makes a third, by the third's score."""
    longer = [piece for piece, number in numbers.items() if number not in BYTES and number > 2]
    longer.sort(key=lambda piece: -scores[numbers[piece]])
    return [
        (piece[:cut], piece[cut:])
        for piece in longer
        for cut in range(1, len(piece))
        if piece[:cut] in numbers and piece[cut:] in numbers
    ]
