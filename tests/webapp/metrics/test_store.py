"""The series store: appended once, read reduced, rewound and compacted without loss."""

import math

import numpy as np
import pytest
from django.db import connection

from webapp.jobs.models import Job
from webapp.metrics import store
from webapp.metrics.models import Chunk, Series

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]


@pytest.fixture
def job(database, make_job):
    return make_job()


def batch(start: int, stop: int, *keys: str) -> list[store.Logged]:
    """Events n = start … stop - 1 at step 10 n; the values tell their key and n."""
    named = keys or ("loss",)
    return [
        (n, 10 * n, 1.7e9 + n / 8, {key: at + n / 1024 for at, key in enumerate(named)})
        for n in range(start, stop)
    ]


def numbers(job, key: str = "loss") -> list[int]:
    return dict(store.read_points(job.pk))[key].n.tolist()


def test_what_was_appended_is_read(job):
    store.append(job.pk, batch(1, 51, "loss", "val_accuracy"))
    store.append(job.pk, batch(51, 101, "loss"))
    found = store.read(job.pk)
    assert found["loss"]["n"] == list(range(1, 101))
    assert found["loss"]["step"][-1] == 1000
    assert found["loss"]["wall"][7] == 1.7e9 + 1
    assert found["loss"]["value"][:2] == [1 / 1024, 2 / 1024]
    assert found["loss"]["count"] == 100
    assert not found["loss"]["reduced"]
    assert found["val_accuracy"]["count"] == 50
    assert store.keys(job.pk) == ["loss", "val_accuracy"]


def test_a_batch_may_be_repeated(job):
    store.append(job.pk, batch(1, 51))
    store.append(job.pk, batch(1, 51))
    store.append(job.pk, batch(40, 61))
    assert numbers(job) == list(range(1, 61))
    assert Series.objects.get().count == 60


def test_the_header_answers_without_reading_points(job):
    store.append(job.pk, batch(5, 1200))
    store.append(job.pk, [(1200, 3, 1.7e9, {"loss": -4.0}), (1201, 4, 1.7e9, {"loss": math.nan})])
    header = Series.objects.get()
    assert (header.count, header.first_step, header.last_step) == (1197, 50, 4)
    assert (header.least, header.most, header.last) == (-4.0, 1199 / 1024, None)
    assert header.last_n == 1201


def test_values_that_are_not_finite_are_kept_and_shown_as_none(job):
    values = [math.nan, math.inf, -math.inf, 1.5]
    store.append(job.pk, [(n, n, 1.7e9, {"loss": value}) for n, value in enumerate(values, 1)])
    assert store.read(job.pk)["loss"]["value"] == [None, None, None, 1.5]
    exact = dict(store.read_points(job.pk))["loss"].value
    assert np.array_equal(exact, values, equal_nan=True)


def test_a_long_series_is_reduced_and_keeps_its_spike(job):
    points = batch(1, 20_001)
    points[7_777][3]["loss"] = 1e6
    store.append(job.pk, points)
    found = store.read(job.pk, points=400)["loss"]
    assert len(found["n"]) <= 400
    assert found["reduced"]
    assert found["count"] == 20_000
    assert max(found["value"]) == 1e6
    assert (found["n"][0], found["n"][-1]) == (1, 20_000)


def test_all_points_are_read_when_none_is_the_limit(job):
    store.append(job.pk, batch(1, 3001))
    assert store.read(job.pk, points=None)["loss"]["n"] == list(range(1, 3001))


def test_reading_after_an_event_number(job):
    store.append(job.pk, batch(1, 101, "loss"))
    store.append(job.pk, batch(101, 151, "other"))
    assert store.read(job.pk, after_n=90)["loss"]["n"] == list(range(91, 101))
    assert "loss" not in store.read(job.pk, after_n=100)


def test_what_is_stored_while_a_page_loads_is_left_to_the_live_messages(job):
    store.append(job.pk, batch(1, 101, "loss"))
    store.append(job.pk, batch(101, 151, "loss", "new"))
    seen_with_seq = 100
    found = store.read(job.pk, upto_n=seen_with_seq)
    assert set(found) == {"loss"}
    assert found["loss"]["n"] == list(range(1, 101))
    assert store.read(job.pk, upto_n=40)["loss"]["n"] == list(range(1, 41))


def test_reading_named_series_only(job):
    store.append(job.pk, batch(1, 11, "a", "b", "c"))
    assert set(store.read(job.pk, ["b", "unknown"])) == {"b"}


def test_many_series_are_read_in_groups(job, monkeypatch):
    monkeypatch.setattr(store, "AT_ONCE", 3)
    store.append(job.pk, batch(1, 5, *(f"k{at}" for at in range(20))))
    assert len(store.read(job.pk)) == 20


def test_another_job_has_its_own_series(job, make_job):
    other = make_job()
    store.append(job.pk, batch(1, 11))
    store.append(other.pk, batch(1, 6))
    store.rewind(other.pk, 0)
    assert numbers(job) == list(range(1, 11))
    assert store.read(other.pk) == {}


class TestRewind:
    def test_everything_after_the_event_is_forgotten(self, job):
        store.append(job.pk, batch(1, 31))
        store.append(job.pk, batch(31, 61, "loss", "late"))
        store.rewind(job.pk, 30)
        assert numbers(job) == list(range(1, 31))
        assert store.keys(job.pk) == ["loss"]
        header = Series.objects.get()
        assert (header.count, header.last_n, header.last_step) == (30, 30, 300)
        assert header.most == 30 / 1024

    def test_a_chunk_that_reaches_over_the_event_is_cut(self, job):
        store.append(job.pk, batch(1, 2501))
        store.rewind(job.pk, 1234)
        assert numbers(job) == list(range(1, 1235))
        assert Series.objects.get().most == 1234 / 1024

    def test_to_zero_leaves_nothing(self, job):
        store.append(job.pk, batch(1, 31, "a", "b"))
        store.rewind(job.pk, 0)
        assert not Series.objects.exists()
        assert not Chunk.objects.exists()

    def test_the_same_numbers_can_be_written_again(self, job):
        store.append(job.pk, batch(1, 61))
        store.rewind(job.pk, 30)
        store.append(job.pk, [(n, n, 1.7e9, {"loss": -1.0}) for n in range(31, 41)])
        found = store.read(job.pk)["loss"]
        assert found["n"] == list(range(1, 41))
        assert found["value"][30:] == [-1.0] * 10


class TestCompaction:
    def test_many_tails_become_few_chunks(self, job):
        for start in range(1, 1 + 25 * 70, 25):
            store.append(job.pk, batch(start, start + 25))
        assert numbers(job) == list(range(1, 1751))
        assert Chunk.objects.count() < store.MAX_TAILS
        store.compact(job.pk, 1750)
        assert list(Chunk.objects.values_list("count", flat=True)) == [1000, 750]
        assert numbers(job) == list(range(1, 1751))
        assert Series.objects.get().tails == 1

    def test_never_crosses_the_newest_checkpoint(self, job):
        for start in range(1, 201, 20):
            store.append(job.pk, batch(start, start + 20))
        job.checkpoint_n = 120
        job.save()
        store.compact(job.pk, 200)
        bounds = list(Chunk.objects.values_list("first_n", "last_n"))
        assert bounds == [(1, 120), (121, 200)]

    def test_a_checkpoint_that_moved_on_lets_older_parts_join(self, job):
        for checkpoint in (40, 120, 200):
            for start in range(checkpoint - 39, checkpoint + 1, 20):
                store.append(job.pk, batch(start, start + 20))
            job.checkpoint_n = checkpoint
            job.save()
            store.compact(job.pk, checkpoint)
        assert list(Chunk.objects.values_list("count", flat=True)) == [120]

    def test_nothing_after_the_given_event_is_touched(self, job):
        for start in range(1, 101, 20):
            store.append(job.pk, batch(start, start + 20))
        store.compact(job.pk, 60)
        assert list(Chunk.objects.values_list("last_n", flat=True)) == [60, 80, 100]

    def test_a_tail_before_a_full_chunk_keeps_the_order(self, job):
        for start in range(1, 1 + 1500 * 3, 1500):
            store.append(job.pk, batch(start, start + 1500))
        store.compact(job.pk, 4500)
        assert numbers(job) == list(range(1, 4501))
        counts = list(Chunk.objects.values_list("count", flat=True))
        assert counts == [1000, 1000, 1000, 1000, 500]

    def test_only_so_many_series_are_merged_in_one_append(self, job, monkeypatch):
        monkeypatch.setattr(store, "MAX_TAILS", 4)
        monkeypatch.setattr(store, "MERGES", 3)
        names = [f"k{at}" for at in range(8)]
        for start in range(1, 6):
            store.append(job.pk, batch(start, start + 1, *names))
        tails = list(Series.objects.order_by("key").values_list("tails", flat=True))
        assert tails == [1, 1, 1, 5, 5, 5, 5, 5]


class TestLimits:
    def test_a_long_or_unprintable_key_is_refused_and_the_rest_kept(self, job):
        long = "ä" * 101
        refused = store.append(job.pk, batch(1, 3, "good", long, "bad\0key"))
        assert set(refused) == {long, "bad\0key"}
        assert "200 bytes" in refused[long]
        assert store.keys(job.pk) == ["good"]

    def test_series_beyond_the_limit_are_refused_and_known_ones_go_on(self, job, monkeypatch):
        monkeypatch.setattr(store, "MAX_SERIES", 3)
        store.append(job.pk, batch(1, 3, "a", "b"))
        refused = store.append(job.pk, batch(3, 5, "a", "c", "d", "e"))
        assert set(refused) == {"d", "e"}
        assert store.keys(job.pk) == ["a", "b", "c"]
        assert numbers(job, "a") == [1, 2, 3, 4]

    def test_a_step_beyond_64_bits_is_named(self, job):
        with pytest.raises(ValueError, match="events 7 to 7"):
            store.append(job.pk, [(7, 2**64, 0.0, {"loss": 1.0})])


def test_an_append_takes_few_statements_whatever_it_holds(job, django_assert_max_num_queries):
    names = [f"k{at}" for at in range(40)]
    store.append(job.pk, batch(1, 30, *names))
    with django_assert_max_num_queries(8):
        store.append(job.pk, batch(30, 90, *names))


def test_a_batch_for_live_pages_is_shortened(job):
    points = batch(1, 2001)
    points[999][3]["loss"] = math.inf
    short = store.shorten(points, 200)["loss"]
    assert len(short["n"]) <= 200
    assert set(short) == {"n", "step", "wall", "value"}


def test_each_database_is_really_asked(job, database):
    assert connection.vendor == database
    assert Job.objects.filter(pk=job.pk).exists()
