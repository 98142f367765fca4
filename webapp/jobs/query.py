"""The query of the job list: words to a condition.

    method:gagn state:done params.lr<0.01 summary.test_accuracy>0.8 tag:paper -is:archived noisy

Terms are joined by "and"; a minus turns one round; quotes hold spaces together. A term with
neither `:` nor a comparison is looked for in names, ids and notes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, Case, F, Q, QuerySet, When
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)
from django.utils import timezone

from webapp.accounts.models import User
from webapp.jobs.fields import KEY, Number, Tagged, Text
from webapp.jobs.models import ACTIVE, ENDED, WAITING, JobInput, State

LONGEST = 1000  # characters of a query
MOST_TERMS = 30
FIELDS = (
    "method", "state", "tag", "project", "by", "group", "parent", "name", "id", "seed", "is",
    "input", "created", "params.NAME", "summary.NAME",
)  # fmt: skip
COMPARISONS = {
    "<=": LessThanOrEqual,
    ">=": GreaterThanOrEqual,
    "<": LessThan,
    ">": GreaterThan,
    "=": Exact,
}
TERM = re.compile(r"(?P<minus>-?)(?P<field>[A-Za-z][\w.\-/]*?)(?P<op>:|!=|<=|>=|<|>|=)")
UNKEPT = re.compile("[\0\ud800-\udfff]")  # no database takes these
STATES = {"waiting": WAITING, "active": ACTIVE, "ended": ENDED} | {
    str(state): (state,) for state in State
}


class QueryError(Exception):
    """What is wrong with a query, and at which character (counted from 1)."""

    def __init__(self, position: int, expected: str):
        super().__init__(f"character {position}: {expected}")
        self.position = position
        self.expected = expected


@dataclass(frozen=True)
class Term:
    """One condition as written; `field` is empty for a plain word."""

    position: int
    value_position: int
    text: str
    negated: bool
    field: str
    op: str
    value: str


@dataclass(frozen=True)
class Query:
    terms: tuple[Term, ...]
    condition: Q

    @property
    def shows_archived(self) -> bool:
        return any(term.field == "is" and term.value == "archived" for term in self.terms)


def parse(text: str, user: User | None = None) -> Query:
    """`user` is who `by:me` means. Raises `QueryError`."""
    if len(text) > LONGEST:
        raise QueryError(LONGEST + 1, f"expected at most {LONGEST} characters, got {len(text)}")
    if found := UNKEPT.search(text):
        raise QueryError(found.start() + 1, "expected no NUL character and no half of a character")
    terms = tuple(tokens(text))
    if len(terms) > MOST_TERMS:
        expected = f"expected at most {MOST_TERMS} terms, got {len(terms)}"
        raise QueryError(terms[MOST_TERMS].position, expected)
    condition = Q()
    for term in terms:
        part = _condition(term, user)
        condition &= _not(part) if term.negated else part
    return Query(terms, condition)


def _not(condition: Q) -> Q:
    """What does not fulfil it, also where a value is missing and SQL would say "unknown"."""
    return ~Q(Case(When(condition, then=True), default=False, output_field=BooleanField()))


def tokens(text: str) -> Iterator[Term]:
    place = 0
    while True:
        while place < len(text) and text[place].isspace():
            place += 1
        if place == len(text):
            return
        start, field, op, negated = place, "", "", False
        if found := TERM.match(text, place):
            negated, field, op = bool(found["minus"]), found["field"], found["op"]
            place = found.end()
        elif text[place] == "-" and text[place + 1 : place + 2].strip():
            negated, place = True, place + 1
        value_place = place
        value, place = _value(text, place)
        if op == "!=":
            negated, op = not negated, "="
        yield Term(start + 1, value_place + 1, text[start:place], negated, field, op, value)


def _value(text: str, place: int) -> tuple[str, int]:
    """The value that starts here, quoted or up to the next space, and where it ends."""
    if text[place : place + 1] != '"':
        end = place
        while end < len(text) and not text[end].isspace():
            end += 1
        return text[place:end], end
    end = text.find('"', place + 1)
    if end == -1:
        raise QueryError(place + 1, "expected this quote to be closed")
    if text[end + 1 : end + 2].strip():
        raise QueryError(end + 2, "expected a space after the closing quote")
    return text[place + 1 : end], end + 1


def _condition(term: Term, user: User | None) -> Q:
    if not term.field:
        return _words(term)
    if not term.value:
        raise QueryError(term.value_position, f"expected a value after {term.field}{term.op}")
    head, dot, key = term.field.partition(".")
    if dot and head in ("params", "summary"):
        return _inside(term, head, key=key)
    read = READERS.get(term.field)
    if read is None:
        raise QueryError(term.position, f"expected a field, one of: {', '.join(FIELDS)}")
    if term.field not in ("created", "seed") and term.op not in (":", "="):
        raise QueryError(term.position, f"expected a colon after {term.field}, got {term.op!r}")
    return read(term, user)


def _words(term: Term) -> Q:
    if not term.value:
        raise QueryError(term.position, "expected a word")
    return (
        Q(name__icontains=term.value)
        | Q(notes__icontains=term.value)
        | Q(method__icontains=term.value)
        | Q(id=term.value.lower())
    )


def _inside(term: Term, column: str, *, key: str) -> Q:
    if not KEY.fullmatch(key):
        raise QueryError(term.position, f"expected a name after {column}.")
    number = _number(term.value)
    if term.op in ("<", "<=", ">", ">="):
        if number is None:
            raise QueryError(term.value_position, f"expected a number, got {term.value!r:.40}")
        return Q(COMPARISONS[term.op](Number(column, key), number))
    same = Q(Exact(Text(column, key), term.value))
    return same if number is None else same | Q(Exact(Number(column, key), number))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _state(term: Term, user: User | None) -> Q:
    states = STATES.get(term.value)
    if states is None:
        raise QueryError(term.value_position, f"expected a state, one of: {', '.join(STATES)}")
    return Q(state__in=states)


def _by(term: Term, user: User | None) -> Q:
    if term.value == "me":
        if user is None:
            raise QueryError(term.value_position, "expected somebody who is signed in")
        return Q(created_by=user)
    return Q(created_by__email__iexact=term.value) | Q(created_by__name__iexact=term.value)


def _is(term: Term, user: User | None) -> Q:
    known = {
        "pinned": Q(pinned=True),
        "archived": Q(archived=True),
        "grouped": Q(group__isnull=False),
        "forked": Q(parent__isnull=False),
    }
    if term.value not in known:
        raise QueryError(term.value_position, f"expected one of {', '.join(known)}")
    return known[term.value]


def _seed(term: Term, user: User | None) -> Q:
    try:
        seed = int(term.value)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 63:
        raise QueryError(term.value_position, f"expected a whole number, got {term.value!r:.40}")
    return Q(COMPARISONS["=" if term.op == ":" else term.op](F("seed"), seed))


AGE = re.compile(r"(\d{1,5})([hdw])")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def _created(term: Term, user: User | None) -> Q:
    """`created>2026-05-01`, or `created>3d`: within the last three days."""
    if found := AGE.fullmatch(term.value):
        moment, after = _ago(int(found[1]) * UNITS[found[2]]), None
    else:
        try:
            moment = datetime.strptime(term.value, "%Y-%m-%d").replace(tzinfo=UTC)
            after = moment + timedelta(days=1)
        except (ValueError, OverflowError):  # the calendar's last day has no day after it
            raise QueryError(
                term.value_position, "expected a day (2026-05-01) or an age (12h, 3d, 2w)"
            ) from None
    if term.op in (":", "="):
        if after is None:
            raise QueryError(term.value_position, "expected < or > before an age")
        return Q(created__gte=moment, created__lt=after)
    if after is not None and term.op == ">":
        return Q(created__gte=after)  # a day is over before what comes after it
    if after is not None and term.op == "<=":
        return Q(created__lt=after)
    return Q(COMPARISONS[term.op](F("created"), moment))


def _ago(age: timedelta) -> datetime:
    try:
        return timezone.now() - age
    except OverflowError:  # older than the calendar
        return datetime.min.replace(tzinfo=UTC)


def _users(pk: str) -> QuerySet:
    """Jobs that took this version, artifact or any version of this dataset."""
    rows = JobInput.objects.filter(Q(version=pk) | Q(artifact=pk) | Q(version__dataset=pk))
    return rows.values("job")


READERS: dict[str, Callable[[Term, User | None], Q]] = {
    "method": lambda term, _: Q(method=term.value),
    "state": _state,
    "tag": lambda term, _: Q(Tagged("tags", term.value)),
    "project": lambda term, _: Q(project__slug=term.value) | Q(project=term.value),
    "by": _by,
    "group": lambda term, _: Q(group=term.value),
    "parent": lambda term, _: Q(parent=term.value),
    "name": lambda term, _: Q(name__icontains=term.value),
    "id": lambda term, _: Q(id__startswith=term.value.lower()),
    "seed": _seed,
    "is": _is,
    "input": lambda term, _: Q(pk__in=_users(term.value)),
    "created": _created,
}
