"""A job's directory: made anew, made ready to go on, or rebuilt from what the store holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from engine.core.job import EVENTS, REQUEST, RESULT
from webapp.artifacts.models import Artifact, Blob
from webapp.artifacts.storage import is_local, local_path, open_blob
from webapp.jobs.models import ENDED, Job, State

INPUTS = ".inputs"  # no artifact's path starts with a dot
PARAMS = ".params.json"
ATTEMPT = ".attempt"
SCRATCH = ".tmp"
KEPT = timedelta(days=1)  # after its end, where a directory is only a copy
CHECKS = ".check-"  # scratch of a check; no job's id starts with a dot
CHECK_AGE = 3600  # seconds; a check is long ended by then, or its worker was killed


def folder_of(job: Job) -> Path:
    return settings.JOBS_DIR / job.pk


def clear(job: Job) -> Path:
    """An empty directory: a retry begins with nothing."""
    folder = folder_of(job)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def restore(job: Job, *, after: int) -> Path:
    """The directory with all that the job has stored up to this attempt, wherever that ran.

    A directory that an earlier attempt left here is stale: another machine went on since.
    """
    folder = folder_of(job)
    if last_attempt(folder) != after:
        clear(job)
    for artifact in job.artifacts.select_related("blob"):
        path = folder / artifact.path
        if not path.is_file():
            _fetch(artifact, path)
    mark(folder, after)
    return folder


def mark(folder: Path, attempt: int) -> None:
    """Note which attempt's files these are."""
    (folder / ATTEMPT).write_text(str(attempt))


def last_attempt(folder: Path) -> int | None:
    path = folder / ATTEMPT
    text = path.read_text() if path.is_file() else ""
    return int(text) if text.isdecimal() else None


def rebuild(job: Job, stack: ExitStack) -> Path:
    """What a question needs: the artifacts, the request, the inputs and the result."""
    folder = restore(job, after=job.attempt)
    inputs = place_inputs(job, folder, stack)
    request = {
        "method": job.method,
        "params": job.params,
        "inputs": {name: str(path) for name, path in inputs.items()},
        "seed": job.seed,
        "device": job.device,
        "threads": job.threads,
    }
    if not (folder / REQUEST).exists() or not (folder / EVENTS).exists():
        (folder / REQUEST).write_text(json.dumps(request))
    if job.state == State.DONE and not (folder / RESULT).exists():
        (folder / RESULT).write_text(json.dumps(_result(job, request)))
    return folder


def _result(job: Job, request: dict[str, Any]) -> dict[str, Any]:
    """The engine's `result.json`, out of the database."""
    about = ("path", "title", "role", "media", "kind", "facts", "meta", "step")
    checked = ("oracle", "expected", "got", "tolerance", "ok")
    kept = job.artifacts.exclude(role=Artifact.Role.CHECKPOINT)
    return {
        **{name: value for name, value in request.items() if name != "inputs"},
        "params": job.params_now,
        "summary": job.summary,
        "artifacts": list(kept.values(*about)),
        "verifications": list(job.verifications.order_by("n").values(*checked)),
        "environment": job.environment,
        "seconds": (job.ended - job.started).total_seconds(),
    }


def place_inputs(job: Job, folder: Path, stack: ExitStack) -> dict[str, Path]:
    """Links to the job's inputs under their own file names, for readers that look at names."""
    placed = {}
    for given in job.inputs.select_related("version__blob", "artifact__blob"):
        if given.version is not None:
            blob, name = given.version.blob, given.version.file_name
        else:
            blob, name = given.artifact.blob, Path(given.artifact.path).name
        placed[given.name] = link(blob, folder / INPUTS / given.name, name, stack)
    return placed


def link(blob: Blob, folder: Path, name: str, stack: ExitStack) -> Path:
    """A link to a blob under a file name that nobody's choice can turn into another path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / plain_name(name)
    path.unlink(missing_ok=True)
    path.symlink_to(stack.enter_context(local_path(blob)))
    return path


def plain_name(name: str) -> str:
    """Letters, digits, dots and dashes of a name, its suffixes kept, at most 100 characters."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-")[-100:]
    return plain.lstrip(".-") or "data"


def write_params(job: Job, folder: Path) -> Path:
    path = folder / PARAMS
    path.write_text(json.dumps(job.params))
    return path


def size_of(folder: Path) -> int:
    """Bytes that the directory takes; links count as links."""
    total, stack = 0, [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # removed while we looked
            continue
    return total


@contextmanager
def scratch_of_check() -> Iterator[Path]:
    """A directory for one check, beside those of the jobs and never taken for one of them."""
    settings.JOBS_DIR.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=CHECKS, dir=settings.JOBS_DIR))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_deleted() -> int:
    """Remove the directories of jobs that are no more, and what killed checks left."""
    found = _folders()
    known = set(Job.objects.filter(pk__in=list(found)).values_list("pk", flat=True))
    gone = [path for name, path in found.items() if name not in known]
    return _remove([*gone, *_old_checks()])


def _old_checks() -> Iterator[Path]:
    """Another worker of this machine may be in the middle of a younger one."""
    before = time.time() - CHECK_AGE
    for path in settings.JOBS_DIR.glob(f"{CHECKS}*"):
        with suppress(FileNotFoundError):  # that worker is done with it
            if path.stat().st_mtime < before:
                yield path


def forget_ended(keep: Collection[str] = ()) -> int:
    """Remove what can be fetched again: directories of long ended jobs, if blobs lie elsewhere.

    Beside blobs of the same disk they take no room, since files are links to them.
    """
    if is_local():
        return 0
    found = _folders()
    ended = Job.objects.filter(
        pk__in=set(found) - set(keep), state__in=ENDED, ended__lt=timezone.now() - KEPT
    )
    return _remove(found[name] for name in ended.values_list("pk", flat=True))


def _folders() -> dict[str, Path]:
    if not settings.JOBS_DIR.is_dir():
        return {}
    return {
        path.name: path
        for path in settings.JOBS_DIR.iterdir()
        if path.is_dir() and not path.name.startswith(CHECKS)
    }


def _remove(folders: Iterable[Path]) -> int:
    gone = list(folders)
    for path in gone:
        with suppress(FileNotFoundError):  # whoever deletes its job removes it at the same time
            shutil.rmtree(path)
    return len(gone)


def _fetch(artifact: Artifact, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    with open_blob(artifact.blob) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target)
    part.replace(path)
