"""Sizes, times and counts as people read them: the same words on pages and in every message."""

from __future__ import annotations

import math

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")  # powers of 1024, as limits are counted


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 0.42 s, 12 s, 3 min 05 s, 2 h 10 min, 4 d 3 h."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.01 or seconds == 0 else f"{seconds * 1000:.2g} ms"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    if minutes:
        return f"{minutes} min {rest:02d} s"
    return f"{rest} s"


def size(count: int | None) -> str:
    """A size with three digits at most: 812 B, 4.59 MiB."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    if unit == 0:
        return f"{count} B"
    return f"{value:.{max(0, 2 - int(math.log10(max(value, 1))))}f} {UNITS[unit]}"


def counted(count: int, one: str) -> str:
    """1 node; 2,708 nodes; 3 entries; 7 classes."""
    if count == 1:
        return f"1 {one}"
    if one.endswith("y"):
        return f"{count:,} {one[:-1]}ies"
    return f"{count:,} {one}{'es' if one.endswith('s') else 's'}"
