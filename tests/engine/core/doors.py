"""What the tests of the engine share: the door in a child process, and a supervised child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
WAIT = 60  # seconds; a limit, not an expectation
SLOW = ["--set", "steps=100000", "--set", "seconds_per_step=0.005"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "TENFOLD_METHODS": str(ROOT / "tests/methods_fixture"), **more}


def command(*arguments: Any) -> list[str]:
    return [sys.executable, "-m", "engine", *map(str, arguments)]


def door(*arguments: Any, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )


def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
    """An unsupervised child in a process group of its own."""
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,
        **options,
    )


class Supervised:
    """A child as a worker starts it: events on a descriptor, control on stdin."""

    def __init__(self, *arguments: Any, resume_at: int | None = None, **limits: Any):
        reader, writer = os.pipe()
        asked = {"events": writer, "limits": limits, "resume_at": resume_at}
        self.child = subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=environment(TENFOLD_SUPERVISED=json.dumps(asked)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writer],
            process_group=0,
        )
        os.close(writer)
        self.events = os.fdopen(reader, "rb")

    def send(self, message: Any) -> None:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.child.stdin.write(text + b"\n")
        self.child.stdin.flush()

    def until(self, t: str, **fields: Any) -> dict[str, Any]:
        """The next event of type `t` with these fields; what comes before is passed over."""
        for line in self.events:
            event = json.loads(line)
            if event["t"] == t and fields.items() <= event.items():
                return event
        raise AssertionError(f"the child ended without {t} {fields}: {self.child.stderr.read()!r}")

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Wait for the end: exit code, the events not read yet, stderr."""
        rest = [json.loads(line) for line in self.events]
        code = self.child.wait(WAIT)
        return code, rest, self.child.stderr.read().decode()

    def __enter__(self) -> Supervised:
        return self

    def __exit__(self, *error: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(WAIT)
        self.events.close()
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            stream.close()


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def series_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every point of every metric, in the order of the file."""
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events_of(folder):
        if event["t"] == "m":
            for key, value in event["d"].items():
                found.setdefault(key, []).append((event["s"], value))
    return found


def result_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


def wait_for_step(folder, step: int) -> None:
    ends = time.monotonic() + WAIT
    while time.monotonic() < ends:
        log = folder / "events.jsonl"
        if log.exists() and b'"s":%d,' % step in log.read_bytes():
            return
        time.sleep(0.005)
    raise AssertionError(f"step {step} was never logged")


def with_method(folder: Path, slug: str, code: str) -> dict[str, str]:
    """The environment of a door that also knows a method of that code, on the fake's card."""
    place = folder / "methods" / slug
    place.mkdir(parents=True)
    (place / "card.py").write_text(
        "from dataclasses import replace\n"
        "from fake.card import METHOD as FAKE\n"
        f"METHOD = replace(FAKE, slug={slug!r}, entry='{slug}.method:run')\n"
    )
    (place / "method.py").write_text(code)
    found = (ROOT / "tests/methods_fixture", place.parent)
    return {"TENFOLD_METHODS": os.pathsep.join(map(str, found))}
