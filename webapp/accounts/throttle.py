"""Slows down guessing: failed sign-ins are counted per e-mail and per network address.

A try is counted before the password is looked at, so that many tries at once cannot slip
through together; a sign-in that works gives its count back.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from webapp.accounts.models import Attempts, digest

WINDOW = timedelta(minutes=15)
PER_EMAIL = 10  # tries in a window
PER_ADDRESS = 50  # a whole team may share one address


class Throttled(Exception):
    """Too many tries: when the next one will be looked at."""

    def __init__(self, wait: timedelta):
        super().__init__(f"throttled for {wait}")
        self.minutes = max(1, -(-int(wait.total_seconds()) // 60))


def count(email: str, address: str) -> None:
    """Counts a try, or raises `Throttled` if there were too many."""
    limits = {email_key(email): PER_EMAIL, address_key(address): PER_ADDRESS}
    now = timezone.now()
    with transaction.atomic():
        Attempts.objects.filter(since__lt=now - WINDOW).delete()
        for key in sorted(limits):  # one order everywhere, so that two tries cannot deadlock
            Attempts.objects.get_or_create(key=key, defaults={"since": now})
        rows = Attempts.objects.select_for_update().filter(key__in=limits).order_by("key")
        full = [row for row in rows if row.failures >= limits[row.key]]
        if not full:
            Attempts.objects.filter(key__in=limits).update(failures=F("failures") + 1)
    if full:
        raise Throttled(max(row.since for row in full) + WINDOW - now)


def forgive(email: str, address: str) -> None:
    """After a sign-in that worked: the e-mail starts afresh, the address gets its try back."""
    with transaction.atomic():
        Attempts.objects.filter(key=email_key(email)).delete()
        Attempts.objects.filter(key=address_key(address), failures__gt=0).update(
            failures=F("failures") - 1
        )


def email_key(email: str) -> str:
    return digest(f"email {email.strip().lower()}")


def address_key(address: str) -> str:
    """An IPv6 user owns a whole /64: that is what is counted."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return digest(f"address {address}")
    if parsed.version == 6:
        parsed = ipaddress.ip_network((parsed, 64), strict=False)
    return digest(f"address {parsed}")
