"""Room on the disk that holds TENFOLD_HOME; below a limit no job starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Disk:
    free: int  # bytes
    used: int
    total: int
    enough: bool


def free_bytes() -> int:
    return shutil.disk_usage(settings.TENFOLD_HOME).free


def disk() -> Disk:
    usage = shutil.disk_usage(settings.TENFOLD_HOME)
    return Disk(
        free=usage.free,
        used=usage.total - usage.free,
        total=usage.total,
        enough=usage.free >= settings.MIN_FREE_DISK,
    )
