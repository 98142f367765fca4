"""The check of an upload: its bytes are parsed only in a child process under limits."""

from __future__ import annotations

import json
import logging
import selectors
import threading
import time
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from webapp.datasets.models import Version
from webapp.live.publish import publish
from workers import child as children
from workers import folders
from workers.child import Child
from workers.limits import group_memory

logger = logging.getLogger(__name__)

AT_ONCE = 2
AGAIN = 0.5  # seconds until another try when all children are busy
MOST = 16 << 20  # bytes of an answer: a preview is much smaller
LOOK_EVERY = 0.5

_free = threading.BoundedSemaphore(AT_ONCE)
_stopping = threading.Event()
_interrupted: list[str] = []
_going: set[str] = set()  # versions that a child of ours looks at


class Interrupted(Exception):
    """This worker stops: the upload is checked by the next one."""


def stop() -> None:
    """End the checks that go on; they leave their versions as they were."""
    _stopping.set()


def interrupted() -> list[str]:
    """The versions whose check was ended by `stop`."""
    return list(_interrupted)


def check(version_id: str) -> bool:
    """Check a version if it waits for it; False if no child is free now."""
    version = (
        Version.objects.filter(pk=version_id, state=Version.State.CHECKING)
        .select_related("dataset", "blob")
        .first()
    )
    if version is None:
        return True
    if version_id in _going:
        return True
    if not _free.acquire(blocking=False):
        return False
    _going.add(version_id)
    try:
        _store(version, _answer(version))
    except Interrupted:
        _interrupted.append(version_id)
    finally:
        _going.discard(version_id)
        _free.release()
    return True


def _answer(version: Version) -> dict[str, Any]:
    """What the child says about the file; a refusal that names the limit if it cannot."""
    with folders.scratch_of_check() as scratch, ExitStack() as stack:
        path = folders.link(version.blob, scratch / "upload", version.file_name, stack)
        child = Child(
            ["check", version.dataset.kind, str(path)],
            scratch,
            limits={
                "memory": settings.CHECK_LIMITS["memory"],
                "cpu": settings.CHECK_LIMITS["cpu"],
                "file": settings.MAX_UPLOAD,
                "open_files": 256,
            },
        )
        stack.callback(child.close)
        return _listen(child)


def _listen(child: Child) -> dict[str, Any]:
    """The child's answer on its output, or the limit that it met."""
    until = time.monotonic() + settings.CHECK_LIMITS["seconds"]
    output, look_at = b"", 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(child.output, selectors.EVENT_READ)
        while True:
            ended = child.ended()
            heard = False
            for _ in selector.select(0 if ended else 0.1):
                data = children.read(child.output)
                heard = bool(data)
                output += data or b""
                if data == b"":
                    selector.unregister(child.output)
            now = time.monotonic()
            if ended and not heard:
                break
            if _stopping.is_set():
                raise Interrupted
            if now > until:
                return refusal(f"the check took longer than {settings.CHECK_LIMITS['seconds']} s")
            if len(output) > MOST:
                return refusal(f"the check said more than {MOST} bytes")
            if now >= look_at:
                look_at = now + LOOK_EVERY
                if group_memory(child.pgid) > settings.CHECK_LIMITS["memory"]:
                    return _too_much_memory()
    return understand(child.process.returncode, output.decode(errors="replace"))


def understand(code: int, output: str) -> dict[str, Any]:
    """The answer in the child's last line; warnings of libraries may stand before it."""
    lines = [line for line in output.splitlines() if line.strip()]
    try:
        answer = json.loads(lines[-1]) if lines else None
    except ValueError:
        answer = None
    if isinstance(answer, dict) and {"ok", "facts", "report"} <= set(answer):
        return answer
    last = lines[-1][:500] if lines else "it said nothing"
    if code < 0:
        return refusal(f"the check was ended by signal {-code}: {last}")
    if "memory" in last.lower():
        return _too_much_memory()
    return refusal(f"the check could not read it: {last}")


def refusal(text: str) -> dict[str, Any]:
    line = {"level": "error", "where": "file", "text": text}
    return {"ok": False, "facts": {}, "report": [line], "preview": None}


def _too_much_memory() -> dict[str, Any]:
    return refusal(
        f"reading it needs more than {settings.CHECK_LIMITS['memory'] >> 20} MiB of memory"
    )


def _store(version: Version, answer: dict[str, Any]) -> None:
    answer = json.loads(json.dumps(answer).replace("\\u0000", "\\ufffd"))
    state = Version.State.READY if answer["ok"] else Version.State.REJECTED
    report = answer["report"]
    if answer.get("left_out"):
        report.append(
            {"level": "warning", "where": "report", "text": f"{answer['left_out']} lines left out"}
        )
    with transaction.atomic():
        waiting = Version.objects.filter(pk=version.pk, state=Version.State.CHECKING)
        waiting.update(
            state=state,
            facts=answer["facts"],
            report=report,
            preview=answer.get("preview"),
            checked=timezone.now(),
        )
    message = {"version": version.pk, "dataset": version.dataset_id, "state": state}
    publish(f"team.{version.dataset.team_id}", message)
