"""llama2.c's first export against an own forward in its conventions, and its encoder of texts."""

from __future__ import annotations

import struct
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.archive import Member
from engine.data.model import io
from engine.data.model.llama2c import Sizes, _tokenizer
from engine.models.backbone import from_weights
from engine.models.tokenizer import from_files
from tests.engine.data.making import folder_of, report_on, said, zip_of
from tests.engine.data.model.llama2c import SMALL, arrays, files, network, pieces, tokenizer


def logits(sizes: Sizes, tokens: list[int]) -> np.ndarray:
    """[tokens, vocabulary], written after the conventions of llama2.c: neighbouring pairs turn."""
    w = {
        key.replace("model.layers.{}.", ""): one.astype(float) for key, one in arrays(sizes).items()
    }
    x = w["model.embed_tokens"][tokens]
    count, each = len(tokens), sizes.each
    cos, sin = (w[key][:count, None] for key in ("cosines", "sines"))
    norm = lambda x, g: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * g  # noqa: E731
    mask = np.triu(np.full((count, count), -np.inf), 1)

    def turned(rows: np.ndarray) -> np.ndarray:
        even, odd = rows[..., 0::2], rows[..., 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(rows.shape)

    for layer in range(sizes.layers):
        h = norm(x, w["input_layernorm"][layer])
        split = lambda name: (h @ w[f"self_attn.{name}"][layer].T).reshape(count, -1, each)  # noqa: B023, E731
        q, k, v = turned(split("q_proj")), turned(split("k_proj")), split("v_proj")
        k, v = (np.repeat(one, sizes.heads // sizes.kv_heads, axis=1) for one in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(each) + mask
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        mixed = np.einsum("hij,jhd->ihd", share, v).reshape(count, -1)
        x = x + mixed @ w["self_attn.o_proj"][layer].T
        h = norm(x, w["post_attention_layernorm"][layer])
        gate = h @ w["mlp.gate_proj"][layer].T
        up = h @ w["mlp.up_proj"][layer].T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w["mlp.down_proj"][layer].T
    out = w["model.embed_tokens" if sizes.shared else "lm_head"]
    return norm(x, w["model.norm"]) @ out.T


def encoded(text: str, words: list[tuple[float, bytes]]) -> list[int]:
    """As llama2.c does: bytes where a character has no piece, then merge by the best score."""
    if not text:
        return [1]
    numbers = {raw: at for at, (_, raw) in reversed(list(enumerate(words))) if at > 258}
    found = [numbers[b" "]]
    for letter in text:
        raw = letter.encode()
        found += [numbers[raw]] if raw in numbers else [byte + 3 for byte in raw]
    while True:
        spelled = [words[at][1] if at > 258 else None for at in found]
        best = None
        for place, (left, right) in enumerate(pairwise(spelled)):
            number = numbers.get(left + right) if left and right else None
            if number is not None and (best is None or words[number][0] > best[0]):
                best = (words[number][0], place, number)
        if best is None:
            return [1, *found]
        found[best[1] : best[1] + 2] = [best[2]]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_the_network_computes_what_llama2c_does(tmp_path, shared, kv_heads):
    sizes = Sizes(16, 24, 2, 4, kv_heads, 300, 12, shared)
    (tmp_path / "net.bin").write_bytes(network(sizes))
    backbone = from_weights(io.load(tmp_path / "net.bin"))
    tokens = [1, 7, 299, 4, 4, 200, 31]
    with torch.no_grad():
        found = backbone.model(input_ids=torch.tensor([tokens])).logits[0].numpy()
    assert np.abs(found - logits(sizes, tokens)).max() < 1e-5
    assert backbone.tokenizer is None
    assert (backbone.width, backbone.max_length) == (16, 12)


@pytest.mark.parametrize("way", [folder_of, zip_of])
def test_a_network_and_its_tokenizer_are_one_upload(tmp_path, way):
    path = way(tmp_path / "stories", files())
    assert io.sniff(path)
    told = report_on(io, path)
    assert told.passed
    facts = ("format", "architecture", "family", "tokenizer", "layers", "parameters")
    assert [told.facts[key] for key in facts] == [
        "llama2.c", "LlamaForCausalLM", "decoder", True, 2, 13520
    ]  # fmt: skip
    assert "a tokenizer of 300 pieces beside them" in said(told, "ok")
    assert from_weights(io.load(path)).tokenizer.decode([261, 262, 3 + 10]) == "ab ab\n"


def test_a_network_alone_is_read_and_the_lack_told(tmp_path):
    path = tmp_path / "net.bin"
    path.write_bytes(network())
    assert io.sniff(path)
    told = report_on(io, path)
    assert told.facts["tokenizer"] is False
    assert "no tokenizer beside it" in said(told, "warning")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab c\n<>s/é€q1😀", max_size=40))
def test_texts_are_encoded_as_llama2c_does(text):
    if "<s>" in text or "</s>" in text:  # which transformers reads as the special token
        return
    assert ENCODER(text).input_ids == encoded(text, pieces())


def encoder():
    raw = tokenizer(pieces())
    member = Member("tok.bin", len(raw), lambda: BytesIO(raw))
    return from_files(_tokenizer(member, 300), "llama", "tok")


ENCODER = encoder()


# What is wrong with one


def last(score: float, raw: bytes) -> dict[str, bytes]:
    """A tokenizer whose last piece is this."""
    return {"tok.bin": tokenizer([*pieces()[:299], (score, raw)])}


FOURTH = [*pieces()[:3], (0.0, b"x"), *pieces()[4:]]
ONES, NONE = (network(sines=np.full((12, 2), value)) for value in (1, np.nan))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"net.bin": network()[:-4]}, "tells of 54,300 bytes, 54,296 are there: truncated"),
        ({"net.bin": network() + b"more"}, "tells of 54,300 bytes, 54,304 are there: more"),
        ({"net.bin": ONES}, "net.bin: tables of angles that are not those of base 10,000"),
        ({"net.bin": NONE}, "net.bin: tables of angles that are not those of base 10,000"),
        ({"net.bin": b"24ka" + network()}, "net.bin: a later version of llama2.c's export"),
        ({"more.bin": network()}, "expected one network and its tokenizer"),
        ({"tok.bin": tokenizer(pieces()[:280])}, "tok.bin: 280 pieces; the network has 300"),
        ({"tok.bin": tokenizer(pieces()) + b"1"}, "tok.bin: 1 bytes behind the 300 pieces"),
        ({"tok.bin": tokenizer(pieces())[:-1]}, "tok.bin piece 299: a score of"),
        ({"tok.bin": tokenizer(FOURTH)}, "tok.bin piece 3: b'x'; expected <0x00>"),
        ({"tok.bin": b""}, "tok.bin: 0 pieces; the network has 300"),
        (last(0.0, b"q1q"), "tok.bin: piece 'q1q' is there twice"),
        (last(0.0, b"\xff"), "tok.bin piece 299: b'\\xff' is not UTF-8"),
        (last(float("nan"), b"x"), "tok.bin piece 299: a score of nan"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_piece(tmp_path, changes, message):
    assert message in said(report_on(io, folder_of(tmp_path / "a", files() | changes)), "error")


def test_numbers_that_are_none_are_a_warning_with_the_tensor(tmp_path):
    wrong = arrays(SMALL)["model.norm"]
    wrong[3] = np.inf
    path = folder_of(tmp_path / "a", files(net=network(**{"model.norm": wrong})))
    assert "NaN or infinite values in 'model.norm.weight' (1)" in said(
        report_on(io, path), "warning"
    )


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("value", [0, -1, 1 << 30])
def test_a_header_of_other_things_is_no_network(tmp_path, at, value):
    """The vocabulary may be negative, which says that the output layer has its own weights."""
    raw = bytearray(network())
    struct.pack_into("<i", raw, 4 * at, value)
    path = tmp_path / "net.bin"
    path.write_bytes(raw)
    assert not report_on(io, path).passed


# The real one


@pytest.mark.realdata
def test_the_published_values_hold(shared_data):
    backbone = from_weights(io.load(shared_data / "lm"))
    model, tokenizer_ = backbone.model, backbone.tokenizer
    assert tokenizer_("Once upon a time").input_ids == [1, 403, 407, 261, 378]

    def loss(text: str) -> tuple[float, int]:
        ids = torch.tensor([tokenizer_(text).input_ids])
        scores = model(input_ids=ids).logits.log_softmax(-1)[0, :-1]
        return -scores.gather(1, ids[0, 1:, None]).sum().item(), ids.shape[1] - 1

    with torch.no_grad():
        known = loss("Once upon a time, there was a little girl named Lily.")
        strange = loss("The committee approved the annual budget on Tuesday.")
        first = model(input_ids=torch.tensor([[1]])).logits[0, 0].topk(3)
        start = torch.tensor([[1, 403, 407, 261, 378]])
        told = model.generate(start, max_new_tokens=60, do_sample=False)
    assert known == (pytest.approx(1.502, abs=5e-4), 15)
    assert strange == (pytest.approx(125.525, abs=5e-4), 31)
    assert first.indices.tolist() == [403, 385, 410]
    assert first.values.tolist() == pytest.approx([17.0235, 15.4062, 13.1083], abs=1e-4)
    assert tokenizer_.decode(told[0], skip_special_tokens=True).startswith(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
        "park. One day, she saw a big, red ball. She wanted to play with it, but it was too high."
    )
