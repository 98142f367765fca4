"""Makes the files of these tests, whole and broken, and asks the readers about them."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

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


def planetoid_files(name: str = "toy", protocol: int = 2, **changes: Any) -> dict[str, bytes]:
    """The eight files of 0 - 1 - … - 6, of which 0 and 1 train and 5, 6, 4 test, as pickles."""
    rows = np.eye(7, 3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0]]
    classes = np.eye(2, dtype=np.int32)[[0, 1, 0, 1, 0, 1, 0]]
    tests = [5, 6, 4]
    near = {node: [at for at in (node - 1, node + 1) if 0 <= at <= 6] for node in range(7)}
    content = {
        "x": csr_matrix(rows[:2]),
        "y": classes[:2],
        "tx": csr_matrix(rows[tests]),
        "ty": classes[tests],
        "allx": csr_matrix(rows[:4]),
        "ally": classes[:4],
        "graph": defaultdict(list, near),
    }
    pickled = {key: pickle.dumps(value, protocol) for key, value in (content | changes).items()}
    pickled["test.index"] = changes.get("index", b"5\n6\n4\n")
    return {f"ind.{name}.{key}": raw for key, raw in pickled.items() if key != "index"}


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
