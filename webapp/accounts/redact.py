"""Keeps secrets out of the log: one-time links in addresses, API tokens, bearer headers."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"(/link/|tenfold_|[Bb]earer\s+)[\w.~+=-]{16,}")


def redact(text: str) -> str:
    return SECRET.sub(r"\1[redacted]", text)


class Redact(logging.Filter):
    """On a handler, so that it sees every record, whichever library wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = redact(text)
        if clean != text:
            record.msg, record.args = clean, ()
        return True
