"""What is simulated: a top module, its sources and parameters, and one bench for each tool."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

RTL = Path(__file__).resolve().parent.parent / "rtl"
CORE = tuple(
    RTL / f"kal_{name}.v"
    for name in ("core", "fetch", "store", "lane", "byte", "vpu", "write", "verdict", "best4")
)
HEADERS = (RTL / "kal_pkg.vh", RTL / "kal.vlt")


@dataclass(frozen=True)
class Design:
    """`bench_cpp` drives `top` in Verilator; the module `bench_top` in `bench_v` does in Icarus."""

    top: str
    sources: tuple[Path, ...]
    bench_cpp: Path
    bench_v: Path
    bench_top: str
    parameters: dict[str, int] = field(default_factory=dict)
    headers: tuple[Path, ...] = HEADERS

    @property
    def rtl_hash(self) -> str:
        """SHA-256 of the RTL's text, which a job's log names."""
        return digest((*self.headers, *self.sources))


def cores(*, count: int = 1, lanes: int = 8, contexts: int = 1) -> Design:
    """Some cores and a job port, without the front: rtl/bench/kal_cores.v."""
    bench = RTL / "bench"
    return Design(
        "kal_cores",
        (*CORE, bench / "kal_cores.v"),
        bench / "core.cpp",
        bench / "core_tb.v",
        "core_tb",
        {"CORES": count, "LANES": lanes, "CONTEXTS": contexts},
    )


def digest(paths: Iterable[Path], *texts: str) -> str:
    """SHA-256 of names and contents of files, and of texts."""
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    for text in texts:
        total.update(f"{text}\0".encode())
    return total.hexdigest()
