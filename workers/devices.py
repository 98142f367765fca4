"""What this machine has to compute with, found without loading any heavy library."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict, dataclass
from functools import cache

TIMEOUT = 10  # seconds for the driver's tool to answer


@dataclass(frozen=True)
class Gpu:
    index: int
    name: str
    memory: int  # bytes


@cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine; none where the driver's own tool is missing."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    asked = [tool, "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (subprocess.SubprocessError, OSError):
        return ()  # a driver that does not answer cannot compute either
    return tuple(parse(answer.stdout))


def parse(text: str) -> list[Gpu]:
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 3 and cells[0].isdigit() and cells[2].isdigit():
            found.append(Gpu(int(cells[0]), cells[1], int(cells[2]) << 20))  # it says MiB
    return found


def able(queues: list[str]) -> list[str]:
    """Those of the wanted queues that this machine can serve.

    `hdl` is served without simulators, too: a job then runs on a cycle model, and says so. Where
    machines differ, name the queue on those that have the tools.
    """
    return [queue for queue in queues if queue != "gpu" or gpus()]


def described() -> list[dict[str, object]]:
    return [asdict(gpu) for gpu in gpus()]
