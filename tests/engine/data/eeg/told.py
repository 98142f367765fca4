"""What a check of an upload says."""

from __future__ import annotations

from pathlib import Path

from engine.data.eeg import io
from tests.engine.data.making import report_on, said


def errors(path: Path) -> str:
    return said(report_on(io, path), "error")


def warnings(path: Path) -> str:
    report = report_on(io, path)
    assert not said(report, "error")
    return said(report, "warning")
