"""The query grammar: what it finds, and that its errors name the place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.jobs import listing
from webapp.jobs.models import Job, State
from webapp.jobs.query import FIELDS, QueryError, parse, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def found(editor):
    def names(q: str, **given: str) -> list[str]:
        return [row["name"] for row in listing.jobs_page(editor, q=q, **given).rows]

    return names


@pytest.fixture
def three(make_job):
    make_job(
        name="one", method="gagn", state=State.DONE, seed=1, tags=["paper"],
        params={"lr": 0.001, "filter": "auto", "degree": True, "fail_at": None},
        summary={"test_accuracy": 0.81, "baseline.gcn.test_accuracy": 0.57},
    )  # fmt: skip
    make_job(
        name="two", method="gagn", state=State.RUNNING, seed=2, tags=["paper", "noise test"],
        params={"lr": 0.1, "filter": "off", "degree": False, "fail_at": 3},
        summary={"test_accuracy": None},
    )  # fmt: skip
    make_job(name="three", method="fake", notes="kept for the talk", params={"lr": "big"})


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("", ["three", "two", "one"]),
        ("method:gagn", ["two", "one"]),
        ("-method:gagn", ["three"]),
        ("state:done", ["one"]),
        ("state:active", ["two"]),
        ("params.lr<0.01", ["one"]),
        ("params.lr>=0.001", ["two", "one"]),
        ("params.filter:off", ["two"]),
        ("params.filter!=off", ["three", "one"]),
        ("params.degree:true", ["one"]),
        ("params.fail_at:3", ["two"]),
        ("summary.test_accuracy>0.8", ["one"]),
        ("summary.test_accuracy<0.9", ["one"]),
        ("summary.baseline.gcn.test_accuracy<0.6", ["one"]),
        ("tag:paper", ["two", "one"]),
        ('tag:"noise test"', ["two"]),
        ("-tag:paper", ["three"]),
        ("seed>=2", ["two"]),
        ("talk", ["three"]),
        ("by:me", ["three", "two", "one"]),
        ("by:editor@example.org method:fake", ["three"]),
        ("by:nobody", []),
        ("project:bench seed:1", ["one"]),
        ("created>1d", ["three", "two", "one"]),
        ("created<1d", []),
        ("created<2001-01-01", []),
        ("method:gagn state:done params.lr<0.01 summary.test_accuracy>0.8 tag:paper", ["one"]),
    ],
)
def test_a_query_finds_what_it_says(three, found, q, expected):
    assert sorted(found(q)) == sorted(expected)


def test_a_day_is_over_before_what_comes_after_it(three, found):
    Job.objects.filter(name="one").update(created=datetime(2026, 5, 1, tzinfo=UTC))
    Job.objects.filter(name="two").update(created=datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC))
    Job.objects.filter(name="three").update(created=datetime(2026, 5, 2, tzinfo=UTC))
    for q, names in {
        ":2026-05-01": ["one", "two"], ">2026-05-01": ["three"], "<=2026-05-01": ["one", "two"],
        ">=2026-05-01": ["one", "three", "two"], "<2026-05-02": ["one", "two"],
    }.items():  # fmt: skip
        assert sorted(found(f"created{q}")) == names, q


def test_archived_jobs_show_only_when_asked_for(make_job, found):
    make_job(name="old", archived=True)
    make_job(name="new")
    assert found("") == ["new"]
    assert found("is:archived") == ["old"]
    assert found("-is:archived") == ["new"]


def test_a_job_is_found_by_its_id(make_job, found):
    job = make_job(name="it")
    make_job(name="other")
    assert found(job.pk) == ["it"]
    assert found(f"id:{job.pk.upper()}") == ["it"]


@pytest.mark.parametrize(
    ("q", "position", "word"),
    [
        ("state:burning", 7, "queued"),
        ("method:fake nonsense:1", 13, "params.NAME"),
        ("params.lr<small", 11, "a number"),
        ("params.=1", 1, "a name"),
        ("method:", 8, "a value"),
        ('tag:"open', 5, "quote to be closed"),
        ('"a"b', 4, "a space"),
        ("method<3", 1, "a colon"),
        ("seed:x", 6, "a whole number"),
        ("created:soon", 9, "a day"),
        ("created:9999-12-31", 9, "a day"),
        ("is:nice", 4, "pinned"),
        ("x " * 31, 61, "30 terms"),
        ("x" * 1001, 1001, "1000 characters"),
        ("a\0b", 2, "NUL"),
    ],
)
def test_an_error_names_the_place_and_what_was_expected(editor, q, position, word):
    with pytest.raises(QueryError, match=word) as error:
        parse(q, editor)
    assert error.value.position == position


PIECES = st.sampled_from(
    [name.replace("NAME", "lr") for name in FIELDS]
    + ["params.", "summary.a.b", ":", "<", "<=", ">", "=", "!=", "-", '"', " ", ".", "me", "done"]
    + ["1", "-1", "1e400", "nan", "3d", "99999w", "2026-02-30", "0001-01-01", "é", "\x7f", "%", "_"]
    + ["9" * 30, "'", "\\", ";", "$", "{}", "\u202e", "\ud800"]
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(text=st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join))
def test_any_text_is_a_query_or_an_error_with_a_place(editor, three, text):
    try:
        listing.jobs_page(editor, q=text)
    except QueryError as error:
        place, expected = error.position, error.expected
    else:
        return
    assert 1 <= place <= len(text) + 1
    assert expected


@settings(max_examples=300, database=None)
@given(text=st.text(alphabet='ab:<>=!-" .\t', max_size=40))
def test_tokens_cover_the_text_without_overlap(text):
    try:
        terms = list(tokens(text))
    except QueryError:
        return
    place = 0
    for term in terms:
        assert text[place : term.position - 1].strip() == ""
        assert text.startswith(term.text, term.position - 1)
        place = term.position - 1 + len(term.text)
    assert text[place:].strip() == ""
