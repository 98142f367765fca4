"""One process at a time keeps an embedded bench."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError


@contextmanager
def sole() -> Iterator[None]:
    """Refuses where another process has this TENFOLD_HOME: each would take the other's running
    jobs for lost. Where a broker tells the workers apart there may be many."""
    if not settings.EMBEDDED:
        yield
        return
    with (settings.TENFOLD_HOME / "serve.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go when the process ends
        except BlockingIOError:
            raise CommandError(
                f"TENFOLD_HOME {settings.TENFOLD_HOME} is in use by a bench that runs. Stop that "
                "one, or choose another TENFOLD_HOME."
            ) from None
        yield
