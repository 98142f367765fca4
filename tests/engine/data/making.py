"""Makes the files of these tests, whole and broken, and asks the readers about them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.kind import Report


def zip_of(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def folder_of(path: Path, members: dict[str, bytes | str]) -> Path:
    for name, content in members.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def npy(array: Any, *, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=pickled)
    return buffer.getvalue()


def raw_npy(header: str, body: bytes = b"") -> bytes:
    """An .npy whose header says what it likes."""
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def npz(path: Path, arrays: dict[str, Any]) -> Path:
    """Arrays, or bytes that stand in for one."""
    members = {
        f"{key}.npy": value if isinstance(value, bytes) else npy(value)
        for key, value in arrays.items()
    }
    return zip_of(path, members)


def report_on(io_: ModuleType, path: Path) -> Report:
    """What the check of a kind says, faults that end it included."""
    report = Report()
    try:
        io_.check(path, report)
    except UserError as fault:
        report.error(fault.where, fault.expected)
    return report


def said(report: Report, level: str) -> str:
    """All lines of a level, as `where: text`."""
    return "\n".join(f"{line.where}: {line.text}" for line in report.lines if line.level == level)
