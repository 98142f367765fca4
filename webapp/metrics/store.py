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
from webapp.metrics import codec, reduce
from webapp.metrics.codec import MAX_POINTS, Points
from webapp.metrics.models import Chunk, Series

Logged = tuple[int, int, float, dict[str, float]]  # n, step, wall, {key: value}

MAX_SERIES = 5000  # of one job
MAX_KEY = 200  # bytes of UTF-8
MAX_TAILS = 64  # of one series, before they are merged
MERGES = 32  # series merged in one append at most: 32 merges take about 50 ms
MAX_NAMED = 500  # keys named in a statement; beyond, all headers are read and chosen from
AT_ONCE = 2000  # chunks in memory while reading: about 50 MB

_HEADER = ("count", "first_step", "last_step", "last", "least", "most", "last_n", "tails")


def append(job_id: str, points: Sequence[Logged]) -> dict[str, str]:
    """Store points; returns {key: why} of those keys that were refused.

    A point whose n its series already has is skipped, so a batch may be repeated.
    """
    columns = _columns(points)
    refused = {key: fault for key in columns if (fault := _fault(key))}
    wanted = [key for key in columns if key not in refused]
    series = {each.key: each for each in _headers(job_id, wanted)}
    for key, why in _beyond_limit(job_id, wanted, series).items():
        refused[key] = why
    changed, chunks = [], []
    for key in wanted:
        if key in refused:
            continue
        each = series.get(key) or Series(job_id=job_id, key=key)
        fresh = _after(columns[key], each.last_n)
        if len(fresh):
            cut = [_chunk(each, part) for part in _parts(fresh)]
            _extend(each, cut)
            changed.append(each)
            chunks += cut
    _write(changed, chunks)
    due = [each.pk for each in changed if each.tails > MAX_TAILS][:MERGES]
    if due:
        _merge(due, upto_n=None, boundary=_checkpoint(job_id))
    return refused


def read(
    job_id: str, keys: Iterable[str] | None = None, *, points: int | None = 1000, after_n: int = 0
) -> dict[str, dict[str, Any]]:
    """Columns of each series, at most `points` long (None: all); not finite becomes None."""
    found = {}
    for key, whole in read_points(job_id, keys, after_n=after_n):
        chosen = whole if points is None else whole.take(reduce.choose(whole.value, points))
        reduced = len(chosen) < len(whole)
        found[key] = {**as_lists(chosen), "count": len(whole), "reduced": reduced}
    return found


def read_points(
    job_id: str, keys: Iterable[str] | None = None, *, after_n: int = 0
) -> Iterator[tuple[str, Points]]:
    """Every point of each series, exactly as logged; series without any are left out."""
    wanted = None if keys is None else list(keys)
    for group in _groups(each for each in _headers(job_id, wanted) if each.last_n > after_n):
        names = {each.pk: each.key for each in group}
        rows = (
            Chunk.objects.filter(series__in=list(names), last_n__gt=after_n)
            .order_by("series_id", "first_n")
            .values_list("series_id", "data")
        )
        stored = {
            pk: _join([codec.decode(data) for _, data in own])
            for pk, own in groupby(rows, key=lambda row: row[0])
        }
        for pk, key in names.items():
            if pk in stored:
                yield key, _after(stored[pk], after_n)


def keys(job_id: str) -> list[str]:
    return list(Series.objects.filter(job_id=job_id).order_by("key").values_list("key", flat=True))


def rewind(job_id: str, n: int) -> None:
    """Forget every point with a larger event number."""
    with transaction.atomic():
        later = Series.objects.filter(job_id=job_id, last_n__gt=n)
        pks = list(later.values_list("pk", flat=True))
        Chunk.objects.filter(series__in=later.values("pk"), first_n__gt=n).delete()
        _cut(list(Chunk.objects.filter(series__in=later.values("pk"), last_n__gt=n)), n)
        _recount(pks)


def compact(job_id: str, upto_n: int) -> None:
    """Merge all tails up to an event number, within the newest checkpoint and after it."""
    tailed = Series.objects.filter(job_id=job_id, tails__gt=1)
    with transaction.atomic():
        boundary = _checkpoint(job_id)
        pks = list(tailed.values_list("pk", flat=True))
        for start in range(0, len(pks), MERGES):
            _merge(pks[start : start + MERGES], upto_n=upto_n, boundary=boundary)


def shorten(points: Sequence[Logged], at_most: int = 200) -> dict[str, dict[str, Any]]:
    """A batch as live pages get it: columns per key, reduced."""
    return {
        key: as_lists(columns.take(reduce.choose(columns.value, at_most)))
        for key, columns in _columns(points).items()
    }


def as_lists(points: Points) -> dict[str, list]:
    """Columns as JSON holds them: a value that is not finite is None."""
    return {
        "n": points.n.tolist(),
        "step": points.step.tolist(),
        "wall": _finite(points.wall),
        "value": _finite(points.value),
    }


def _finite(column: np.ndarray) -> list[float | None]:
    if np.isfinite(column).all():
        return column.tolist()
    return [value if np.isfinite(value) else None for value in column.tolist()]


def _columns(points: Sequence[Logged]) -> dict[str, Points]:
    """Points by key; steps and numbers beyond 64 bits are refused with their event."""
    if not points:
        return {}
    try:
        ns = np.array([point[0] for point in points], np.int64)
        steps = np.array([point[1] for point in points], np.int64)
    except OverflowError:
        raise ValueError(
            f"events {points[0][0]} to {points[-1][0]}: a step of over 64 bits"
        ) from None
    walls = np.array([point[2] for point in points], np.float64)
    shared = Points(ns, steps, walls, walls)
    values: dict[str, list[float]] = {}
    rows: dict[str, list[int]] = {}
    for row, (_, _, _, numbers) in enumerate(points):
        for key, value in numbers.items():
            if key in values:
                values[key].append(value)
                rows[key].append(row)
            else:
                values[key], rows[key] = [value], [row]
    return {key: _column(shared, rows[key], values[key]) for key in values}


def _column(shared: Points, rows: list[int], values: list[float]) -> Points:
    """The points of one key, in the order of n, each n once."""
    chosen = shared if len(rows) == len(shared) else shared.take(np.array(rows))
    column = Points(chosen.n, chosen.step, chosen.wall, np.array(values, np.float64))
    if len(column) > 1 and not (np.diff(column.n) > 0).all():
        return column.take(np.unique(column.n, return_index=True)[1])
    return column


def _fault(key: str) -> str:
    """Why a key cannot be stored, or nothing."""
    if not key or not key.isprintable():
        return "a key of printable characters was expected"
    if len(key.encode("utf-8", "replace")) > MAX_KEY:
        return f"a key of at most {MAX_KEY} bytes was expected"
    return ""


def _headers(job_id: str, wanted: list[str] | None) -> list[Series]:
    """The named series of a job (None: all), by key."""
    chosen = Series.objects.filter(job_id=job_id).order_by("key")
    if wanted is None:
        return list(chosen)
    if len(wanted) <= MAX_NAMED:
        return list(chosen.filter(key__in=wanted))
    named = set(wanted)
    return [each for each in chosen if each.key in named]


def _groups(headers: Iterable[Series]) -> Iterator[list[Series]]:
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


def _beyond_limit(job_id: str, wanted: list[str], known: dict[str, Series]) -> dict[str, str]:
    new = [key for key in wanted if key not in known]
    if not new:
        return {}
    room = MAX_SERIES - Series.objects.filter(job_id=job_id).count()
    return dict.fromkeys(new[max(room, 0) :], f"a job has at most {MAX_SERIES} series")


def _after(points: Points, n: int) -> Points:
    if not len(points) or points.n[0] > n:
        return points
    return points.take(slice(int(np.searchsorted(points.n, n, side="right")), None))


def _parts(points: Points) -> Iterator[Points]:
    for start in range(0, len(points), MAX_POINTS):
        yield points.take(slice(start, start + MAX_POINTS))


def _join(parts: list[Points]) -> Points:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*((part.n, part.step, part.wall, part.value) for part in parts), strict=True)
    return Points(*(np.concatenate(column) for column in columns))


def _chunk(series: Series, points: Points) -> Chunk:
    finite = points.value[np.isfinite(points.value)]
    last = float(points.value[-1])
    return Chunk(
        series=series,
        first_n=int(points.n[0]),
        last_n=int(points.n[-1]),
        count=len(points),
        first_step=int(points.step[0]),
        last_step=int(points.step[-1]),
        least=float(finite.min()) if len(finite) else None,
        most=float(finite.max()) if len(finite) else None,
        last=last if np.isfinite(last) else None,
        data=codec.encode(points),
    )


def _extend(series: Series, chunks: Sequence[Chunk]) -> None:
    """Bring a header up to its new last chunks."""
    if series.count == 0:
        series.first_step = chunks[0].first_step
    series.count += sum(chunk.count for chunk in chunks)
    series.tails += sum(chunk.count < MAX_POINTS for chunk in chunks)
    series.last_n, series.last_step = chunks[-1].last_n, chunks[-1].last_step
    series.last = chunks[-1].last
    known = [each for each in (series, *chunks) if each.least is not None]
    series.least = min((each.least for each in known), default=None)
    series.most = max((each.most for each in known), default=None)


def _write(series: list[Series], chunks: list[Chunk]) -> None:
    """Headers, new and old in one statement each, then the chunks that name them."""
    if not series:
        return
    new = [each for each in series if each.pk is None]
    old = [each for each in series if each.pk is not None]
    with transaction.atomic():
        Series.objects.bulk_create(new)
        _update(old)
        for chunk in chunks:
            chunk.series_id = chunk.series.pk
        Chunk.objects.bulk_create(chunks)


def _update(series: list[Series]) -> None:
    """One upsert: `bulk_update` would write a CASE per field and row."""
    Series.objects.bulk_create(
        series, update_conflicts=True, unique_fields=["pk"], update_fields=_HEADER
    )


def _checkpoint(job_id: str) -> int:
    return Job.objects.filter(pk=job_id).values_list("checkpoint_n", flat=True).get() or 0


def _merge(pks: list[int], *, upto_n: int | None, boundary: int) -> None:
    """From the first tail of each series on, make full chunks; apart on both sides of boundary."""
    old, new = [], []
    for _, own in groupby(
        _from_first_tail(pks, upto_n),
        key=lambda chunk: (chunk.series_id, chunk.last_n <= boundary),
    ):
        run = list(own)
        if len(run) > 1:
            old += [chunk.pk for chunk in run]
            whole = _join([codec.decode(chunk.data) for chunk in run])
            new += [_chunk(run[0].series, part) for part in _parts(whole)]
    with transaction.atomic():
        Chunk.objects.filter(pk__in=old).delete()
        Chunk.objects.bulk_create(new)
        tails = Chunk.objects.filter(series=OuterRef("pk"), count__lt=MAX_POINTS)
        counted = tails.order_by().values("series").annotate(many=Count("pk")).values("many")
        Series.objects.filter(pk__in=pks).update(tails=Coalesce(Subquery(counted), 0))


def _from_first_tail(pks: list[int], upto_n: int | None) -> QuerySet[Chunk]:
    tails = Chunk.objects.filter(series__in=pks, count__lt=MAX_POINTS)
    starts = tails.order_by().values_list("series").annotate(Min("first_n"))
    chosen = Q(pk__in=[])
    for pk, first_n in starts:
        chosen |= Q(series=pk, first_n__gte=first_n)
    chunks = Chunk.objects.filter(chosen).select_related("series")
    if upto_n is not None:
        chunks = chunks.filter(last_n__lte=upto_n)
    return chunks.order_by("series_id", "first_n")


def _cut(chunks: list[Chunk], n: int) -> None:
    """Shorten chunks that reach over n: an older checkpoint than the newest was resumed."""
    for chunk in chunks:
        points = codec.decode(chunk.data)
        rest = points.take(slice(0, int(np.searchsorted(points.n, n, side="right"))))
        shorter = _chunk(chunk.series, rest)
        shorter.pk = chunk.pk
        shorter.save(force_update=True)


def _recount(pks: list[int]) -> None:
    """Make headers anew from the chunks; a series without any is deleted."""
    chunks = Chunk.objects.filter(series__in=pks).defer("data").order_by("series_id", "first_n")
    by_series = {pk: list(own) for pk, own in groupby(chunks, key=lambda chunk: chunk.series_id)}
    Series.objects.filter(pk__in=set(pks) - set(by_series)).delete()
    headers = Series.objects.in_bulk(by_series)
    for pk, own in by_series.items():
        header = headers[pk]
        header.count = header.tails = 0
        header.least = header.most = None
        _extend(header, own)
    _update(list(headers.values()))
