"""The instruction set of the core: fields, encoding, listing and the timing contract.

The set is ours; the released hardware has a three-slot word and saturating adders (brief 1.2),
which this one does not follow. An instruction is one 64-bit word and takes one issue slot. There
are no branches and nothing waits for data, so that timing never depends on values.

Machine
-------
Activations are 64 words of 32 int8 bytes; a word has four quarters of 8 bytes, and `mask` names
the quarters that an instruction writes (bit q is bytes 8q..8q+7). A tile is LANES rows of 32
weights; a tile row of the bias memory holds LANES biases, a multiplier m and a shift s. LANES is
8 (FPE) or 32 (HPE). A core with 8 lanes offers its 8 result bytes to all four quarters alike:
give the last tile of a layer a mask that reaches to the end of the word, since unwritten quarters
may not be read.

Instructions
------------
NOP    nothing; takes its slot.
MVM    acc[acc] = (first ? bias[row] : acc[acc]) + tile · word a. The tile is weights[w], or the
       dynamic tile with `dynamic`. With `last` the lanes are requantised by m and s of `row`
       (clip at 0 with `relu`, else at -128), looked up with `table`, and written to word `dst`
       under `mask`. With `last` and `out` they leave raw instead: lane i is the logit of class
       8·dst + i for i <= n; tiles of logits go out in rising `dst`, from 0 (with 32 lanes it is
       the only one).
EW     dst = sat8((a ∘ b + r) >> shift), r = shift ? 1 << (shift-1) : 0, for 32 lanes; ∘ is `fn`:
       COPY (a alone), ADD, SUB, MUL, MAX, ABSDIFF. `relu`, `table` and `mask` as in MVM: a COPY
       with a table is the lookup of a word.
ALIGN  dst[i] = (a ‖ b)[n + i]: 32 bytes of two words from byte n on; a = b rotates. `table`,
       `mask`, `relu` as in EW.
GAT    dst = line of the embedding of byte n of word a: with v = byte + 128, lane v mod LANES of
       weights[w + v div LANES]. Store rows shorter than a word repeated to 32 bytes; `mask` picks.
LDW    copy word a into the dynamic tile: as row n, or with `column` as column n, where lane i gets
       byte i (with 8 lanes: of the quarter that `mask` names). `first` clears the rest.
SCORE  sum = (first ? 0 : sum) + Σ|a - b| over the quarters of `mask`; with `last` it is the score.
`end` (on MVM with last and out, or on SCORE with last) ends the job with its verdict.
`table` is 0 for none, else 1 + the number of the table; index y + 128.

Timing contract
---------------
Cycle 0 is that of job_valid & job_ready, in which payload word 0 is on the port; word k follows
in cycle k and becomes activation word k. `gap` is the number of cycles that an instruction waits:
instruction 0 issues in cycle FIRST_ISSUE + gap(0), instruction i in issue(i-1) + 1 + gap(i). With
CONTEXTS > 1 another context may take the slot; then this and all later instructions of the job
come later by as much. All but rule 5 are least distances, so being late is always right.
 1. Payload word k may be read by an instruction issued in cycle k or later.
 2. A quarter written by an instruction issued in cycle t may be read, by any kind of instruction,
    by one issued in cycle t + DEPENDENT or later. All kinds write in the same stage, in order:
    write after write and write after read need no care.
 3. Accumulators, the sum of SCORE, the dynamic tile, and the running argmax follow issue order
    with no distance: MVM on an accumulator, or MVM with `dynamic` after LDW, may issue in the
    next cycle, and so may `first` on an accumulator whose `last` has just issued.
 4. A word that is read must be payload of the job or written by the job in all four quarters
    (GAT: the quarter of byte n; LDW with 8 lanes and `column`, and SCORE: those of `mask`).
 5. GAT reads the weight memory GATHER_READ cycles after its issue: an MVM without `dynamic` may
    not issue in exactly that cycle. (The core holds it back, for the sake of other contexts.)
 6. The verdict stands at the port verdict_latency(lanes) cycles after the issue of `end`; in that
    cycle the context is free and takes its next job.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import IntEnum

WORD = 32  # bytes of an activation word, and columns of a tile
QUARTER = 8  # bytes
WORDS = 64  # activation words of a context
PAYLOAD_WORDS = 8  # at most, of a job
ACCUMULATORS = 4
TABLES = 4
CLASSES = 32
LANES = (8, 32)  # FPE, HPE

FIRST_ISSUE = 2  # cycles from acceptance: program memory, its output register
DEPENDENT = 6  # cycles from an instruction to one that reads its result
GATHER_READ = 2  # cycles from the issue of GAT to its use of the weight memory
WRITE = 7  # cycles from issue to the write into the activations
MAX_GAP = 63


def verdict_latency(lanes: int) -> int:
    """Cycles from the issue of `end` to the verdict; the argmax of 32 lanes takes one more."""
    return 7 if lanes <= 8 else 8


class Op(IntEnum):
    NOP = 0
    MVM = 1
    EW = 2
    ALIGN = 3
    GAT = 4
    LDW = 5
    SCORE = 6


class Fn(IntEnum):
    COPY = 0
    ADD = 1
    SUB = 2
    MUL = 3
    MAX = 4
    ABSDIFF = 5


# Field: (lowest bit, width). Fields that overlap belong to different kinds of instruction.
FIELDS: dict[str, tuple[int, int]] = {
    "op": (60, 4),
    "gap": (54, 6),
    "end": (53, 1),
    "first": (52, 1),
    "last": (51, 1),
    "relu": (50, 1),
    "table": (47, 3),
    "mask": (43, 4),
    "dst": (37, 6),
    "a": (31, 6),
    "b": (25, 6),
    "n": (20, 5),
    "acc": (18, 2),
    "dynamic": (17, 1),
    "out": (16, 1),
    "w": (8, 8),
    "row": (0, 8),
    "fn": (17, 3),
    "shift": (13, 4),
    "column": (17, 1),
}

_COMMON = ("op", "gap")
_WRITES = ("relu", "table", "mask", "dst")
USES: dict[Op, tuple[str, ...]] = {
    Op.NOP: _COMMON,
    Op.MVM: (
        *_COMMON,
        *("end", "first", "last", *_WRITES, "a", "n", "acc", "dynamic", "out", "w", "row"),
    ),
    Op.EW: (*_COMMON, *_WRITES, "a", "b", "fn", "shift"),
    Op.ALIGN: (*_COMMON, *_WRITES, "a", "b", "n"),
    Op.GAT: (*_COMMON, "mask", "dst", "a", "n", "w"),
    Op.LDW: (*_COMMON, "first", "mask", "a", "n", "column"),
    Op.SCORE: (*_COMMON, "end", "first", "last", "mask", "a", "b"),
}


@dataclass(frozen=True)
class Instruction:
    """One instruction; a field that its kind does not use is 0."""

    op: Op
    gap: int = 0
    end: bool = False
    first: bool = False
    last: bool = False
    relu: bool = False
    table: int = 0
    mask: int = 0
    dst: int = 0
    a: int = 0
    b: int = 0
    n: int = 0
    acc: int = 0
    dynamic: bool = False
    out: bool = False
    w: int = 0
    row: int = 0
    fn: Fn = Fn.COPY
    shift: int = 0
    column: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = int(getattr(self, field.name))
            if not 0 <= value < 1 << FIELDS[field.name][1]:
                raise ValueError(f"{self.op.name}: {field.name}={value} does not fit its field")
            if value and field.name not in USES[self.op]:
                raise ValueError(f"{self.op.name} has no {field.name}")
        if self.table > TABLES:
            raise ValueError(f"table={self.table}: there are {TABLES}")
        if self.end and not (self.last and (self.out or self.op is Op.SCORE)):
            raise ValueError("end belongs to the last tile of logits, or to the last SCORE")
        if self.out and self.dst > 3:
            raise ValueError(f"out: dst={self.dst} names class {8 * self.dst}; there are {CLASSES}")

    @property
    def writes(self) -> int:
        """Mask of the quarters of `dst` that it writes; 0 for none."""
        silent = self.op is Op.MVM and (self.out or not self.last)
        return 0 if silent or self.op in (Op.NOP, Op.LDW, Op.SCORE) else self.mask

    def reads(self, lanes: int) -> dict[int, int]:
        """Activation words that it reads, with the mask of quarters."""
        if self.op is Op.NOP:
            return {}
        if self.op is Op.GAT:
            return {self.a: 1 << self.n // QUARTER}
        if self.op is Op.LDW:
            return {self.a: self.mask if self.column and lanes == QUARTER else 0xF}
        if self.op is Op.SCORE:
            return {self.a: self.mask, self.b: self.mask}
        two = self.op is Op.ALIGN or (self.op is Op.EW and self.fn is not Fn.COPY)
        return {self.a: 0xF, self.b: 0xF} if two else {self.a: 0xF}


def encode(instruction: Instruction) -> int:
    """The 64-bit word."""
    word = 0
    for name in USES[instruction.op]:
        low, _ = FIELDS[name]
        word |= int(getattr(instruction, name)) << low
    return word


def decode(word: int) -> Instruction:
    """The instruction of a 64-bit word. Raises ValueError for an opcode or field that is none."""
    op = Op(_field(word, "op"))
    values: dict[str, int] = {name: _field(word, name) for name in USES[op]}
    kinds = {"op": Op, "fn": Fn} | dict.fromkeys(
        ("end", "first", "last", "relu", "dynamic", "out", "column"), bool
    )
    return Instruction(**{k: kinds[k](v) if k in kinds else v for k, v in values.items()})


def _field(word: int, name: str) -> int:
    low, width = FIELDS[name]
    return word >> low & (1 << width) - 1


def text(instruction: Instruction) -> str:
    """One line of the listing, without its address."""
    i = instruction
    if i.op is Op.NOP:
        words = ["nop"]
    elif i.op is Op.MVM:
        tile = "dynamic" if i.dynamic else f"w{i.w}"
        words = ["mvm", f"acc{i.acc}", "=" if i.first else "+=", f"{tile}·a{i.a}"]
        words += [f"+ bias{i.row}"] if i.first else []
        if i.last:
            words += ["->", f"logits {8 * i.dst}..{8 * i.dst + i.n}" if i.out else f"rq{i.row}"]
    elif i.op is Op.EW:
        second = "" if i.fn is Fn.COPY else f" a{i.b}"
        words = [i.fn.name.lower(), f"a{i.a}{second}", f">>{i.shift}" if i.shift else ""]
    elif i.op is Op.ALIGN:
        words = ["align", f"a{i.a}‖a{i.b}", f"from {i.n}"]
    elif i.op is Op.GAT:
        words = ["gather", f"w{i.w}[a{i.a}.{i.n}]"]
    elif i.op is Op.LDW:
        words = ["load", f"a{i.a}", "->", f"{'column' if i.column else 'row'} {i.n}"]
        words += ["clear" if i.first else ""]
    else:
        words = ["score", "=" if i.first else "+=", f"|a{i.a}-a{i.b}|", "-> verdict" * i.last]
    words += ["relu" * i.relu, f"table{i.table - 1}" if i.table else ""]
    if i.writes:
        words += ["->", f"a{i.dst}" + ("" if i.mask == 0xF else f".{i.mask:04b}")]
    words += ["end" * i.end]
    return " ".join(word for word in words if word)


def listing(instructions: Iterable[Instruction], *, pc: int = 0) -> str:
    """Address, earliest issue cycle after acceptance, gap and text of each instruction."""
    lines, cycle = [], FIRST_ISSUE - 1
    for address, instruction in enumerate(instructions, start=pc):
        cycle += 1 + instruction.gap
        lines.append(f"{address:4} {cycle:5} {instruction.gap:3}  {text(instruction)}")
    return "\n".join(lines)
