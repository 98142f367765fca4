"""Which rows of the given tables train, validate and test, and what stands in their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import UserError
from engine.core.seed import numpy_stream
from engine.core.units import counted
from engine.data.text.repeats import plain
from engine.data.text.table import Texts, ordered
from engine.methods.flat_lora.columns import NONE, ROLES, Columns
from engine.methods.flat_lora.params import held_out as share

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.params import FlatLoraParams

PARTS = ("train", "dev", "test")
FEW = 8  # classes that a message lists
SPLIT = 0  # held-out rows are the same for every seed of a group


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one table."""

    texts: Texts
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, column: str, where: str) -> list[str]:
        found = self.texts.column(column, where)
        return [found[row] for row in self.rows]

    def place(self, number: int) -> str:
        return self.texts.place(int(self.rows[number]))

    def kept(self, keep: np.ndarray) -> Rows:
        return Rows(self.texts, self.rows[keep])


def columns(params: FlatLoraParams, texts: Texts) -> Columns:
    for name in ROLES:
        if (column := getattr(params, name)) not in ("", NONE):
            texts.column(column, name)
    found = Columns.of(params, texts.roles)
    for roles in (("text", "text2", "label"), ("prompt", "completion")):
        for name, other in permutations(roles, 2):
            column = getattr(found, name)
            if getattr(params, name) and column and column == getattr(found, other):
                raise UserError(
                    name, f"column {column[:60]!a} is the {other} too; expected another"
                )
    return found


def parts(run: Run) -> dict[str, Rows]:
    """The rows of each part before any is held out; dev and test may be missing."""
    data, params = run.inputs["data"], run.params
    given = {name: Rows(data, rows) for name, rows in data.parts.items() if len(rows)}
    for name in ("dev", "test"):
        other = run.inputs[name]
        if other is not None:
            missing = next((one for one in data.columns if one not in other.columns), None)
            if missing is not None:
                raise UserError(f"input {name}", f"has no column {missing[:60]!a}; expected the "
                                "columns of data")  # fmt: skip
            if name in given:
                own = counted(len(given[name]), "row")
                run.message(
                    f"{own} of data's own {name} part left out: input {name} is given", "warning"
                )
            given[name] = _of_part(name, other)
    if "train" not in given:
        raise UserError("input data", f"has {' and '.join(given)} only; expected rows to train on")
    if params.rows:
        given = {name: _matching(run, name, rows) for name, rows in given.items()}
    return given


def complete(run: Run, rows: dict[str, Rows], needed: tuple[str, ...]) -> dict[str, Rows]:
    """Without rows that lack a needed cell; how many there were, and where, is said. A part that
    is empty then is refused."""
    found = {}
    for part, some in rows.items():
        cells = [some.cells(column, column) for column in needed]
        there = np.array([[bool(cell.strip()) for cell in column] for column in cells])
        for column, full in zip(needed, there, strict=True):
            if not full.all():
                first = int(np.flatnonzero(~full)[0])
                run.message(
                    f"{part}: {counted(int((~full).sum()), 'row')} without {column} left out, the "
                    f"first is {some.place(first)}",
                    "warning",
                )
        found[part] = some.kept(there.all(axis=0))
        if not len(found[part]):
            raise UserError(_input(run, part), f"its {part} part has no row with "
                            f"{' and '.join(needed)}; expected one at least")  # fmt: skip
    return found


def held_out(
    run: Run, rows: dict[str, Rows], texts: tuple[str, ...], label: str | None
) -> dict[str, Rows]:
    """With a validation and a test part: of the training rows, as many per class as there are of
    it, where the data bring none. Rows of training whose `texts` are in another part too are left
    out."""
    found, params = dict(rows), run.params
    for part, asked in (("test", params.test_rows), ("dev", params.dev_rows)):
        if part in found:
            continue
        train = found["train"]
        count = share(len(train), asked)
        if count >= len(train):
            raise UserError(
                f"{part}_rows", f"{count} of {len(train)} training rows; expected fewer"
            )
        cells = train.cells(label, "label") if label else [""] * len(train)
        labels = [cell.strip() for cell in cells]
        chosen = stratified(labels, count, numpy_stream(SPLIT, f"flat_lora/{part}"))
        found[part] = train.kept(chosen)
        found["train"] = train.kept(~chosen)
    return apart(run, found, texts)


def stratified(labels: list[str], count: int, rng: np.random.Generator) -> np.ndarray:
    """Which rows are held out (n,), `count` in all where that leaves a row of each class: of each
    its share, rounded, so that the largest remainders get the rest; a class of one row stays where
    it is."""
    names, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = np.where(sizes > 1, sizes, 0) * count / len(labels)
    quota = np.minimum(np.floor(shares).astype(int), sizes - 1)
    while (rest := count - quota.sum()) > 0 and (room := quota < sizes - 1).any():
        order = np.argsort(np.where(room, quota - shares, np.inf), kind="stable")
        quota[order[: min(rest, room.sum())]] += 1
    chosen = np.zeros(len(labels), bool)
    for code in range(len(names)):
        members = np.flatnonzero(codes == code)
        chosen[rng.permutation(members)[: quota[code]]] = True
    return chosen


def apart(run: Run, rows: dict[str, Rows], texts: tuple[str, ...]) -> dict[str, Rows]:
    """Without training rows whose texts are in dev or test too, but for white space."""

    def read(some: Rows) -> Iterator[tuple[str, ...]]:
        return zip(*(map(plain, some.cells(name, name)) for name in texts), strict=True)

    def among(some: Rows, *others: str) -> np.ndarray:
        there = {cells for part in others for cells in read(rows[part])}
        return np.array([cells in there for cells in read(some)], bool)

    train = rows["train"]
    fresh = ~among(train, "dev", "test")
    if not fresh.all():
        first = int(np.flatnonzero(~fresh)[0])
        run.message(
            f"{counted(int((~fresh).sum()), 'training row')} left out, being in dev or test too; "
            f"the first is {train.place(first)}",
            "warning",
        )
    if not fresh.any():
        raise UserError("input data", f"all {counted(len(train), 'training row')} are in dev or "
                        "test too; expected rows of their own")  # fmt: skip
    shared = among(rows["dev"], "test")
    if shared.any():
        first = int(np.flatnonzero(shared)[0])
        run.message(
            f"{counted(int(shared.sum()), 'validation row')} of {len(shared)} in test too, so that "
            f"what is chosen on them is chosen on test; the first is {rows['dev'].place(first)}",
            "warning",
        )
    return {part: train.kept(fresh) if part == "train" else rows[part] for part in PARTS}


def classes(run: Run, rows: dict[str, Rows], label: str) -> tuple[str, ...]:
    """Of the training rows. A single one is refused, as is a class that never trains."""
    cells = {part: [cell.strip() for cell in some.cells(label, "label")]
             for part, some in rows.items()}  # fmt: skip
    names = ordered(set(cells["train"]))
    if len(names) < 2:
        raise UserError("label", f"column {label[:60]!a} has one class in the training rows "
                        f"({', '.join(names)[:60]}); expected two or more")  # fmt: skip
    if len(names) > len(cells["train"]) / 2:
        raise UserError("label", f"column {label[:60]!a} has {len(names):,} classes in "
                        f"{counted(len(cells['train']), 'training row')}; expected two rows of a "
                        "class or more")  # fmt: skip
    known = set(names)
    for part in ("dev", "test"):
        strange = next((n for n, cell in enumerate(cells[part]) if cell not in known), None)
        if strange is not None:
            raise UserError(
                rows[part].place(strange),
                f"class {cells[part][strange][:60]!a} is in no training row; expected one of "
                f"{', '.join(names)[:200]}",
            )
    times = Counter(cells["train"])
    rare = [name for name in names if times[name] == 1]
    if rare:
        places = (rows["train"].place(cells["train"].index(name)) for name in rare[:FEW])
        listed = ", ".join(
            f"{name[:40]!a} ({place})" for name, place in zip(rare, places, strict=False)
        )
        run.message(
            f"{counted(len(rare), 'class')} with one training row: {listed}"
            + (" and others" if len(rare) > FEW else ""),
            "warning",
        )
    return names


def _input(run: Run, part: str) -> str:
    """Which input brought a part."""
    brought = part in ("dev", "test") and run.inputs[part] is not None
    return f"input {part}" if brought else "input data"


def _of_part(name: str, given: Texts) -> Rows:
    """The rows of an input of its own: of what brings parts too, that one."""
    there = [part for part, rows in given.parts.items() if len(rows)]
    if name not in there and len(there) > 1:
        raise UserError(f"input {name}", f"has {' and '.join(there)} rows; expected {name} rows, "
                        "or rows of one part")  # fmt: skip
    return Rows(given, given.parts[name if name in there else there[0]])


def _matching(run: Run, part: str, rows: Rows) -> Rows:
    """Of the rows of a part those that `rows` asks for, one at least."""
    wanted = run.params.rows
    column, _, value = wanted.partition("=")
    cells = rows.cells(column, "rows")
    kept = rows.kept(np.array([cell == value for cell in cells], bool))
    if not len(kept):
        raise UserError("rows", f"no {part} row of {_input(run, part)} has {wanted[:80]}; expected "
                        f"one of {', '.join(sorted(set(cells)))[:200]}")  # fmt: skip
    return kept
