"""What a service says when it will not do what was asked: pages and API show the same words."""

from __future__ import annotations

from collections.abc import Iterable


class Refused(Exception):
    """Every fault as (where, what was expected): a form puts it beside its field."""

    def __init__(self, faults: Iterable[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("; ".join(f"{where}: {expected}" for where, expected in self.faults))
