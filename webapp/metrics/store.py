"""Series of a job in the database: append, read reduced, rewind, compact.

Each append adds one small chunk per series (a tail). When a series has many tails they are
merged into full chunks, never across the newest checkpoint, so that a rewind to it deletes
whole chunks. One writer per job at a time: the supervisor that holds its attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from webapp.jobs.models import Job
from webapp.metrics import codec, reduce, rows
from webapp.metrics.codec import MAX_POINTS, Points
from webapp.metrics.columns import Logged, as_lists, by_key, shorten
from webapp.metrics.models import Chunk, Series
from webapp.metrics.rows import Header, Row

__all__ = ["Logged", "append", "compact", "keys", "read", "read_points", "rewind", "shorten"]

MAX_SERIES = 5000  # of one job
MAX_KEY = 200  # bytes of UTF-8
MAX_TAILS = 64  # of one series, before they are merged
MERGES = 32  # series merged in one append at most: 32 merges take about 50 ms
AT_ONCE = 2000  # chunks in memory while reading: about 50 MB


def append(job_id: str, points: Sequence[Logged]) -> dict[str, str]:
    """Store points; returns {key: why} of those keys that were refused.

    A point whose n its series already has is skipped, so a batch may be repeated.
    """
    columns = by_key(points)
    refused = {key: fault for key in columns if (fault := _fault(key))}
    with transaction.atomic(savepoint=False):
        known, beyond = _open(job_id, [key for key in columns if key not in refused])
        changed, chunks = [], []
        for header in known:
            fresh = _after(columns[header.key], header.last_n)
            if len(fresh):
                packed = rows.pack(header.id, fresh)
                header.extend(packed)
                changed.append(header)
                chunks += packed
        rows.update(changed)
        rows.insert(chunks)
        due = [each.id for each in changed if each.tails > MAX_TAILS][:MERGES]
        if due:
            _merge(due, upto_n=None, boundary=_checkpoint(job_id))
    return refused | beyond


def read(
    job_id: str,
    keys: Iterable[str] | None = None,
    *,
    points: int | None = 1000,
    after_n: int = 0,
    upto_n: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Columns of each series, at most `points` long (None: all); not finite becomes None.

    `upto_n`, a job's `last_n` as read together with its `seq`, leaves out what is stored
    meanwhile: that comes as a live message, and would be drawn twice.
    """
    found = {}
    for key, whole in read_points(job_id, keys, after_n=after_n, upto_n=upto_n):
        chosen = whole if points is None else whole.take(reduce.choose(whole.value, points))
        reduced = len(chosen) < len(whole)
        found[key] = {**as_lists(chosen), "count": len(whole), "reduced": reduced}
    return found


def read_points(
    job_id: str,
    keys: Iterable[str] | None = None,
    *,
    after_n: int = 0,
    upto_n: int | None = None,
) -> Iterator[tuple[str, Points]]:
    """Every point of each series, exactly as logged; series without any are left out."""
    wanted = rows.headers(job_id, None if keys is None else list(keys))
    for group in _groups(each for each in wanted if each.last_n > after_n):
        names = {each.id: each.key for each in group}
        chunks = Chunk.objects.filter(series__in=list(names), last_n__gt=after_n)
        if upto_n is not None:
            chunks = chunks.filter(first_n__lte=upto_n)
        data = chunks.order_by("series_id", "first_n").values_list("series_id", "data")
        stored = {
            pk: _join([codec.decode(part) for _, part in own])
            for pk, own in groupby(data, key=lambda row: row[0])
        }
        for pk, key in names.items():
            if pk in stored:
                points = _upto(_after(stored[pk], after_n), upto_n)
                if len(points):
                    yield key, points


def keys(job_id: str) -> list[str]:
    return [each.key for each in rows.headers(job_id)]


def rewind(job_id: str, n: int) -> None:
    """Forget every point with a larger event number."""
    with transaction.atomic(savepoint=False):
        later = [each for each in rows.headers(job_id) if each.last_n > n]
        own = Chunk.objects.filter(series__in=[each.id for each in later])
        own.filter(first_n__gt=n).delete()
        _cut(own.filter(last_n__gt=n), n)
        _recount(later)


def compact(job_id: str, upto_n: int) -> None:
    """Merge all tails up to an event number, apart on both sides of the newest checkpoint."""
    with transaction.atomic(savepoint=False):
        boundary = _checkpoint(job_id)
        tailed = [each.id for each in rows.headers(job_id) if each.tails > 1]
        for start in range(0, len(tailed), MERGES):
            _merge(tailed[start : start + MERGES], upto_n=upto_n, boundary=boundary)


def _fault(key: str) -> str:
    """Why a key cannot be stored, or nothing."""
    if not key or not key.isprintable():
        return "a key of printable characters was expected"
    if len(key.encode("utf-8", "replace")) > MAX_KEY:
        return f"a key of at most {MAX_KEY} bytes was expected"
    return ""


def _open(job_id: str, wanted: list[str]) -> tuple[list[Header], dict[str, str]]:
    """The headers of the wanted series, new ones made; and which have no room any more."""
    known = rows.headers(job_id, wanted)
    new = set(wanted).difference(each.key for each in known)
    if not new:
        return known, {}
    ordered = [key for key in wanted if key in new]
    room = max(MAX_SERIES - Series.objects.filter(job_id=job_id).count(), 0)
    why = f"a job has at most {MAX_SERIES} series"
    return known + rows.new_headers(job_id, ordered[:room]), dict.fromkeys(ordered[room:], why)


def _groups(headers: Iterable[Header]) -> Iterator[list[Header]]:
    """Series whose chunks together are few enough to be read at once."""
    group, chunks = [], 0
    for each in headers:
        more = each.count // MAX_POINTS + each.tails
        if group and chunks + more > AT_ONCE:
            yield group
            group, chunks = [], 0
        group.append(each)
        chunks += more
    if group:
        yield group


def _after(points: Points, n: int) -> Points:
    if not len(points) or points.n[0] > n:
        return points
    return points.take(slice(int(np.searchsorted(points.n, n, side="right")), None))


def _upto(points: Points, n: int | None) -> Points:
    if n is None or not len(points) or points.n[-1] <= n:
        return points
    return points.take(slice(0, int(np.searchsorted(points.n, n, side="right"))))


def _join(parts: list[Points]) -> Points:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*((part.n, part.step, part.wall, part.value) for part in parts), strict=True)
    return Points(*(np.concatenate(column) for column in columns))


def _checkpoint(job_id: str) -> int:
    return Job.objects.filter(pk=job_id).values_list("checkpoint_n", flat=True).get() or 0


def _merge(pks: list[int], *, upto_n: int | None, boundary: int) -> None:
    """From the first tail of each series on, make full chunks; apart on both sides of boundary."""
    old, new = [], []
    for (pk, _), own in groupby(
        _from_first_tail(pks, upto_n),
        key=lambda chunk: (chunk.series_id, chunk.last_n <= boundary),
    ):
        run = list(own)
        if len(run) > 1:
            old += [chunk.pk for chunk in run]
            new += rows.pack(pk, _join([codec.decode(chunk.data) for chunk in run]))
    Chunk.objects.filter(pk__in=old).delete()
    rows.insert(new)
    tails = Chunk.objects.filter(series=OuterRef("pk"), count__lt=MAX_POINTS)
    counted = tails.order_by().values("series").annotate(many=Count("pk")).values("many")
    Series.objects.filter(pk__in=pks).update(tails=Coalesce(Subquery(counted), 0))


def _from_first_tail(pks: list[int], upto_n: int | None) -> QuerySet[Chunk]:
    tails = Chunk.objects.filter(series__in=pks, count__lt=MAX_POINTS)
    starts = tails.order_by().values_list("series").annotate(Min("first_n"))
    chosen = Q(pk__in=[])
    for pk, first_n in starts:
        chosen |= Q(series=pk, first_n__gte=first_n)
    if upto_n is not None:
        chosen &= Q(last_n__lte=upto_n)
    return Chunk.objects.filter(chosen).order_by("series_id", "first_n")


def _cut(chunks: QuerySet[Chunk], n: int) -> None:
    """Shorten chunks that reach over n: an older checkpoint than the newest was resumed."""
    for chunk in list(chunks):
        points = codec.decode(chunk.data)
        chunk.delete()
        rows.insert(rows.pack(chunk.series_id, _upto(points, n)))


def _recount(later: list[Header]) -> None:
    """Make headers anew from what is left of their chunks; a series without any is deleted."""
    left = (
        Chunk.objects.filter(series__in=[each.id for each in later])
        .order_by("series_id", "first_n")
        .values_list(*Row._fields[:-1])
    )
    chunks = {
        pk: [Row(*row, data=b"") for row in own]
        for pk, own in groupby(left, key=lambda row: row[0])
    }
    Series.objects.filter(pk__in=[each.id for each in later if each.id not in chunks]).delete()
    anew = [Header(each.id, each.key) for each in later if each.id in chunks]
    for each in anew:
        each.extend(chunks[each.id])
    rows.update(anew)
