"""Keeping datasets: versions by content, cleaned names, refusals, and who may."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from webapp.datasets import names, store
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import JobInput
from webapp.refused import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def create(team, editor, home):
    def make(content: bytes = b"{}", user=None, **changed):
        asked = {"team": team, "name": "one", "kind": "split", "file_name": "split.json"}
        return store.create(user or editor, file=io.BytesIO(content), **{**asked, **changed})

    return make


def test_a_new_dataset_waits_for_its_check(create):
    version = create()
    assert (version.number, version.state, version.file_name) == (1, "checking", "split.json")


def test_its_check_is_asked_for_after_the_commit(create, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        create()
    assert len(callbacks) == 1


def test_other_bytes_are_the_next_version_and_equal_bytes_the_same(create):
    first, second, again = create(b"1"), create(b"2"), create(b"1")
    assert (first.number, second.number) == (1, 2)
    assert again == first
    assert Version.objects.count() == 2


def test_a_name_keeps_its_kind(create):
    create()
    with pytest.raises(Refused, match="kind: expected split, the kind of one"):
        create(kind="graph")


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x07"}, "name"),
        ({"kind": "nope"}, "kind"),
        ({"content": b""}, "file"),
        ({"description": "\0"}, "description"),
    ],
)
def test_a_fault_names_its_field(create, changed, where):
    with pytest.raises(Refused) as error:
        create(**changed)
    assert where in dict(error.value.faults)
    assert not Dataset.objects.exists()


def test_too_large_a_file_is_told_the_limit(create, settings):
    settings.MAX_UPLOAD = 3
    with pytest.raises(Refused, match="file: expected at most 3 B, got 4 B"):
        create(b"1234")


def test_who_may(create, viewer, maintainer, person):
    with pytest.raises(PermissionDenied):
        create(user=viewer)
    create()
    with pytest.raises(PermissionDenied):
        create(b"x", user=person("other", "editor"))  # a version of another one's dataset
    assert create(b"y", user=maintainer).number == 2


def test_what_a_job_uses_is_not_deleted(create, editor, make_job):
    version = create()
    JobInput.objects.create(job=make_job(name="user of it"), name="data", version=version)
    with pytest.raises(Refused, match="user of it"):
        store.delete(version.dataset, editor)
    JobInput.objects.all().delete()
    store.delete(version.dataset, editor)
    assert not Dataset.objects.exists()


def test_edit_refuses_a_name_that_is_taken(create, editor):
    first = create().dataset
    create(name="two")
    with pytest.raises(Refused, match="name"):
        store.edit(first, editor, name="two")
    assert store.edit(first, editor, name="three", description="d").name == "three"


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("cora.npz", "cora.npz"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\cora.npz", "cora.npz"),
        ("a\0b\n.npz", "ab.npz"),
        ("e\u0301.npz", "\u00e9.npz"),  # one form of é
        ("gpj.\u202eexe", "gpj.exe"),  # no character that turns the direction of writing
        ("..", "file"),
        ("", "file"),
        ("\ud800.npz", "?.npz"),
    ],
)
def test_a_file_name_is_made_fit_to_be_shown(given_name, cleaned):
    assert names.clean(given_name) == cleaned


@given(st.text(max_size=400))
def test_a_cleaned_name_is_short_printable_and_stays_clean(text):
    name = names.clean(text)
    assert 0 < len(name.encode()) <= 255
    assert not any(ord(letter) < 32 or letter in "/\\\x7f" for letter in name)
    assert names.clean(name) == name


def test_a_long_name_keeps_its_suffix():
    assert names.clean("é" * 300 + ".npz").endswith("é.npz")


def without_nul(execute, sql, params, many, context):
    """As strict as PostgreSQL, which takes no NUL in a text."""
    assert not any("\0" in value for value in params or () if isinstance(value, str))
    return execute(sql, params, many, context)


def test_a_name_that_cannot_be_kept_is_refused_before_the_database_sees_it(create, editor):
    dataset = create().dataset
    with connection.execute_wrapper(without_nul):
        with pytest.raises(Refused, match="control character"):
            create(name="a\0b")
        with pytest.raises(Refused, match="control character"):
            store.edit(dataset, editor, name="a\0b")
