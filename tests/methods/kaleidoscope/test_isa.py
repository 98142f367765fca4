"""The 64-bit words, the listing, the timing contract and the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.methods.kaleidoscope.image import STREAM, Entry, Image, assemble, join
from engine.methods.kaleidoscope.isa import (
    DEPENDENT,
    FIELDS,
    USES,
    Fn,
    Instruction,
    Op,
    decode,
    encode,
    listing,
)
from engine.methods.kaleidoscope.timing import check, issue_cycles, latency, settle


def mvm(**fields) -> Instruction:
    return Instruction(Op.MVM, **{"first": True, "last": True, "mask": 0xF} | fields)


def verdict(**fields) -> Instruction:
    return mvm(out=True, end=True, mask=0, n=7, **fields)


def image(program: list[Instruction], *, tables: int = 0, fill: int = 1) -> Image:
    return Image(
        lanes=8,
        program=assemble(program),
        weights=np.full((2, 8, 32), fill, np.int8),
        bias=np.full((3, 8), -fill, np.int32),
        multiplier=np.full(3, 32767, np.uint16),
        shift=np.full(3, 31, np.uint8),
        tables=np.array([np.roll(np.arange(-128, 128), k) for k in range(tables)], np.int8).reshape(
            tables, 256
        ),
        entries=(Entry("m", 0, len(program), 2, classes=("a", "b"), threshold=-5),),
    )


@pytest.mark.parametrize("op", Op)
def test_fields_of_one_kind_do_not_overlap(op):
    taken = [bit for name in USES[op] for low, n in [FIELDS[name]] for bit in range(low, low + n)]
    assert len(taken) == len(set(taken))
    assert max(taken) < 64


def test_an_instruction_survives_its_word():
    rng = np.random.default_rng(0)
    for _ in range(500):
        op = Op(int(rng.integers(len(Op))))
        fields = {name: int(rng.integers(1 << FIELDS[name][1])) for name in USES[op][1:]}
        fields["table"] = min(fields.get("table", 0), 4) if "table" in USES[op] else 0
        fields |= {"fn": Fn(min(fields["fn"], 5))} if "fn" in fields else {}
        fields |= {"end": 0, "out": 0} if "out" in fields else {}
        fields["end"] = 0
        instruction = Instruction(op, **fields)
        assert decode(encode(instruction)) == instruction


def test_known_word():
    word = encode(mvm(gap=5, dst=3, a=2, acc=1, w=7, row=9, table=2, relu=True))
    assert word == 1 << 60 | 5 << 54 | 0b0111 << 50 | 2 << 47 | 15 << 43 | 3 << 37 | 2 << 31 | (
        1 << 18 | 7 << 8 | 9
    )


@pytest.mark.parametrize(
    ("op", "fields", "says"),
    [
        (Op.MVM, {"a": 64}, "a=64"),
        (Op.NOP, {"a": 1}, "NOP has no a"),
        (Op.EW, {"table": 5}, "there are 4"),
        (Op.MVM, {"end": True}, "last tile of logits"),
        (Op.MVM, {"last": True, "out": True, "dst": 4}, "names class 32"),
    ],
)
def test_what_has_no_meaning_is_refused(op, fields, says):
    with pytest.raises(ValueError, match=says):
        Instruction(op, **fields)


def test_unknown_opcode_is_refused():
    with pytest.raises(ValueError, match="15 is not a valid Op"):
        decode(15 << 60)


def test_dependent_instructions_are_set_apart():
    program = settle([mvm(dst=1), mvm(a=1, dst=2), verdict(a=2)], words=1, lanes=8)
    assert [i.gap for i in program] == [0, DEPENDENT - 1, DEPENDENT - 1]
    assert latency(program, lanes=8) == 2 + 2 * DEPENDENT + 7
    check(program, words=1, lanes=8)


def test_independent_instructions_fill_the_gap():
    between = [mvm(dst=4 + k) for k in range(4)]
    program = settle([mvm(dst=1), *between, verdict(a=1)], words=1, lanes=8)
    assert issue_cycles(program) == [2, 3, 4, 5, 6, 8]


def test_late_payload_words_are_waited_for():
    program = settle([verdict(a=7)], words=8, lanes=8)
    assert issue_cycles(program) == [7]


def test_a_gap_too_small_is_found():
    with pytest.raises(ValueError, match="instruction 1 issues in cycle 7, expected 8 or later"):
        check([mvm(dst=1), verdict(a=1, gap=DEPENDENT - 2)], words=1, lanes=8)


def test_unwritten_quarters_are_found():
    with pytest.raises(ValueError, match=r"reads bytes 16\.\.23 of word 1"):
        settle([mvm(dst=1, mask=3), verdict(a=1)], words=1, lanes=8)


def test_a_program_ends_once():
    with pytest.raises(ValueError, match="its last"):
        check([verdict(), verdict()], words=1, lanes=8)


def test_listing_reads():
    program = [mvm(dst=1, relu=True, mask=1), verdict(a=1, gap=5)]
    assert listing(program, pc=10).splitlines() == [
        "  10     2   0  mvm acc0 = w0·a0 + bias0 -> rq0 relu -> a1.0001",
        "  11     8   5  mvm acc0 = w0·a1 + bias0 -> logits 0..7 end",
    ]


def test_image_survives_its_file(tmp_path):
    before = image([verdict()], tables=2)
    before.save(tmp_path / "image.npz")
    after = Image.load(tmp_path / "image.npz")
    assert (after.lanes, after.entries) == (before.lanes, before.entries)
    assert np.array_equal(after.stream(), before.stream())


def test_another_npz_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=1)
    with pytest.raises(ValueError, match=r"other\.npz: not a program image"):
        Image.load(tmp_path / "other.npz")


def test_stream_holds_every_byte():
    stream = image([verdict()], tables=1).stream()
    assert stream.dtype == STREAM
    assert np.bincount(stream["kind"]).tolist() == [1, 2 * 8, 3 * 2, 256, 1]
    bias, scale = stream[stream["kind"] == 2][:2]
    assert bias["data"].view("<i4").tolist() == [-1] * 8
    assert scale["data"][:3].tolist() == [0xFF, 0x7F, 31]
    assert stream[-1]["data"].view("<i4")[:2].tolist() == [0, -5]


def test_export_is_one_word_a_line(tmp_path):
    paths = image([verdict()], tables=1).export(tmp_path)
    lines = {path.stem: path.read_text().split() for path in paths}
    assert {name: (len(v), len(v[0])) for name, v in lines.items()} == {
        "program": (1, 16),
        "weights": (2, 512),
        "bias": (3, 64),
        "scale": (3, 8),
        "tables": (256, 2),
    }
    assert lines["program"] == [f"{encode(verdict()):016x}"]
    assert lines["scale"][0] == "001f7fff"


def test_joined_models_keep_their_own_rows_and_share_tables():
    one, two = image([verdict()], tables=1), image([mvm(dst=1, table=2), verdict()], tables=2)
    joined = join([one, two])
    moved, last = joined.instructions(1)
    assert (moved.w, moved.row, moved.table, last.row) == (2, 3, 2, 3)
    assert (joined.entries[1].pc, len(joined.tables)) == (1, 2)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("shift", np.zeros(3, np.uint8), "shifts in 1..31"),
        ("multiplier", np.full(3, 40000, np.uint16), "multipliers in 1..32767"),
        ("bias", np.zeros((3, 8)), "bias: float64"),
        ("weights", np.zeros((257, 8, 32), np.int8), "the core holds 256"),
        ("entries", (Entry("m", 0, 2, 1),), "outside the program"),
        ("lanes", 16, "expected one of"),
    ],
)
def test_image_outside_the_core_is_refused(field, value, says):
    with pytest.raises(ValueError, match=says):
        replace(image([verdict()]), **{field: value})
