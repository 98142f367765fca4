"""Where jobs keep what is costly to make and the same for all of them, as built simulators.

`TENFOLD_CACHE`, else the user's cache by the XDG convention. Anything here may be deleted.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "TENFOLD_CACHE"


def folder(name: str) -> Path:
    """The part of the cache of that name; it is made when something is put into it."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute() / name
    user = os.environ.get("XDG_CACHE_HOME")
    return (Path(user) if user else Path.home() / ".cache") / "tenfold" / name
