"""Where jobs keep what is costly to make and the same for all of them, as built simulators.

`TENFOLD_CACHE`, else `~/.cache/tenfold`. Anything here may be deleted.
"""

from __future__ import annotations

import os
from pathlib import Path


def folder(name: str) -> Path:
    """The part of the cache of that name; it is made when something is put into it."""
    given = os.environ.get("TENFOLD_CACHE")
    return (Path(given).absolute() if given else Path.home() / ".cache/tenfold") / name
