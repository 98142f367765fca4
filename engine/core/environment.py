"""What a result depends on beside its inputs: machine, libraries, version of the code.

Nothing here is guessed: what cannot be found out is "unknown" or left out.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(\[[^\]]*\])?\s*==")


def capture(*, device: str) -> dict[str, Any]:
    """Seed and threads stand beside this in a result; here is what surrounds them."""
    found: dict[str, Any] = {
        "code": code_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cpus": psutil.cpu_count() or 0,
        "memory": psutil.virtual_memory().total,
        "packages": packages(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = str(torch.__version__)
        found["cuda"] = torch.version.cuda
    if torch is not None and device == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
        found["gpu_memory"] = torch.cuda.get_device_properties(0).total_memory
    return found


@cache
def packages() -> dict[str, str]:
    """The installed versions of the packages that requirements.txt names."""
    wanted = ROOT / "requirements.txt"
    if not wanted.is_file():
        return {}
    found = {}
    for line in wanted.read_text(encoding="utf-8").splitlines():
        pin = PIN.match(line)
        if pin:
            try:
                found[pin[1]] = metadata.version(pin[1])
            except metadata.PackageNotFoundError:
                found[pin[1]] = "not installed"
    return found


@cache
def code_version() -> str:
    """The commit this code stands at, marked where files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip() or "unknown"


@cache
def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or "unknown"
