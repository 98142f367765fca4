"""The job list: filtered, sorted, cut into pages by keyset. Never touches points.

Only what a page shows is read: rows load their parameters or summaries where a chosen column
stands in them, as whole JSON, since SQLite's text of a number lacks its last digits.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.lookups import GreaterThan, IsNull, LessThan

from engine.core.registry import methods
from webapp import policy
from webapp.accounts.models import User
from webapp.jobs import query as queries
from webapp.jobs.fields import KEY, Number
from webapp.jobs.models import Job
from webapp.refused import UNKEPT, Refused

PAGE = 50
MOST_COLUMNS = 12
MOMENTS = ("started", "ended")
PLAIN = ("name", "method", "state", "seed", "started", "ended", "priority")
SHOWN = (
    "id", "name", "method", "state", "phase", "progress", "seed", "tags", "pinned", "archived",
    "created", "started", "ended", "group_id",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A chosen parameter or metric: "params.lr", "summary.test_accuracy"."""

    name: str

    @property
    def place(self) -> tuple[str, str]:
        column, _, key = self.name.partition(".")
        return column, key

    @property
    def title(self) -> str:
        column, key = self.place
        for method in methods().values():
            if column == "params" and key in method.params.model_fields:
                return method.params.model_fields[key].title or key
            if column == "summary" and any(metric.key == key for metric in method.metrics):
                return method.metric(key).title
        return key


@dataclass(frozen=True)
class Sort:
    """One key and a direction; the id settles ties in the same direction."""

    name: str
    down: bool

    @property
    def text(self) -> str:
        return f"{'-' if self.down else ''}{self.name}"

    @property
    def expression(self) -> Any:
        column, dot, key = self.name.partition(".")
        return Number(column, key) if dot else F(self.name)


@dataclass(frozen=True)
class Page:
    rows: list[dict[str, Any]]
    columns: list[Column]
    sort: Sort
    next: str | None  # cursor


def jobs_page(
    user: User,
    *,
    q: str = "",
    sort: str = "",
    columns: str = "",
    cursor: str = "",
    size: int = PAGE,
) -> Page:
    """One page of what the user may see. Raises `QueryError`, or `Refused` for the rest."""
    chosen, order = read_columns(columns), read_sort(sort)
    rows = matching(user, q)
    if order.name != "created":
        rows = rows.annotate(sort_value=order.expression)
    rows = _after(rows, order, cursor=cursor)
    holders = sorted({column.place[0] for column in chosen})
    names = [*holders, "sort_value"] if order.name != "created" else holders
    found = list(
        rows.order_by(*_order(order)).values(
            *SHOWN, "project__name", "created_by__name", "created_by__email", *names
        )[: size + 1]
    )
    for row in found:
        inside = {holder: row.pop(holder) for holder in holders}
        row["columns"] = [inside[holder].get(key) for holder, key in (c.place for c in chosen)]
    more = len(found) > size
    return Page(found[:size], chosen, order, _cursor(found[size - 1], order) if more else None)


def matching(user: User, q: str) -> QuerySet:
    """Jobs that a query means; archived ones only if it speaks of them."""
    query = queries.parse(q, user)
    rows = policy.visible(user, Job).filter(query.condition)
    return rows if query.shows_archived else rows.filter(archived=False)


def read_columns(text: str) -> list[Column]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if len(names) > MOST_COLUMNS:
        raise Refused([("cols", f"expected at most {MOST_COLUMNS} columns, got {len(names)}")])
    for name in names:
        if not _is_key(name):
            expected = "expected params.NAME or summary.NAME, separated by commas"
            raise Refused([("cols", f"{expected}, got {name!r:.60}")])
    return [Column(name) for name in names]


def read_sort(text: str) -> Sort:
    name = text.removeprefix("-")
    if not name:
        return Sort("created", down=True)
    if name != "created" and name not in PLAIN and not _is_key(name):
        known = ", ".join(("created", *PLAIN))
        expected = f"expected one of {known}, params.NAME, summary.NAME, with - for down"
        raise Refused([("sort", f"{expected}, got {text!r:.60}")])
    return Sort(name, down=text.startswith("-"))


def _is_key(name: str) -> bool:
    column, dot, key = name.partition(".")
    return bool(dot) and column in ("params", "summary") and bool(KEY.fullmatch(key))


def _order(sort: Sort) -> list[Any]:
    if sort.name == "created":  # ids rise with time
        return ["-id" if sort.down else "id"]
    value = F("sort_value")
    return [
        value.desc(nulls_last=True) if sort.down else value.asc(nulls_last=True),
        "-id" if sort.down else "id",
    ]


def _after(rows: QuerySet, sort: Sort, *, cursor: str) -> QuerySet:
    """Rows behind the last one of the page before; those without a value come last."""
    if not cursor:
        return rows
    value, pk = _read_cursor(cursor, sort)
    beyond_id = Q(id__lt=pk) if sort.down else Q(id__gt=pk)
    if sort.name == "created":
        return rows.filter(beyond_id)
    empty = Q(IsNull(F("sort_value"), True))
    if value is None:
        return rows.filter(empty & beyond_id)
    compare = LessThan if sort.down else GreaterThan
    beyond = Q(compare(F("sort_value"), value))
    return rows.filter(beyond | (Q(sort_value=value) & beyond_id) | empty)


def _cursor(row: dict[str, Any], sort: Sort) -> str:
    value = row.get("sort_value")
    text = json.dumps(
        [sort.text, value.isoformat() if hasattr(value, "isoformat") else value, row["id"]]
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: Sort) -> tuple[Any, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, value, pk = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Refused([("cursor", "expected the cursor of the page before")]) from None
    if (
        made_for != sort.text
        or not isinstance(pk, str)
        or UNKEPT.search(pk)
        or not _fits(value, sort)
    ):
        raise Refused([("cursor", "expected a cursor made with the same sort")])
    if value is not None and sort.name in MOMENTS:
        value = datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(value, int) and "." in sort.name:
        value = float(value)  # what the column is read as; a database may not take it whole
    return value, pk


def _fits(value: Any, sort: Sort) -> bool:
    """Whether a cursor's value is of the type that this sort compares."""
    if value is None:
        return True
    if sort.name in ("seed", "priority"):
        return type(value) is int and abs(value) < 1 << 63
    if "." in sort.name:
        return type(value) in (int, float) and _is_finite(value)
    if sort.name in MOMENTS:
        return isinstance(value, str) and _is_moment(value)
    return isinstance(value, str) and not UNKEPT.search(value)


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
        return moment.tzinfo is not None and moment.astimezone(UTC).year > 1
    except (ValueError, OverflowError):  # a zone can lead out of the calendar
        return False


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
