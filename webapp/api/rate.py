"""At most so many calls a minute for each user: a bucket that refills steadily.

Counted in this process alone: with several web processes each allows its share of calls.
"""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

MOST_BUCKETS = 10_000  # users remembered; the least recent are forgotten


class Rate(BaseThrottle):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # user -> (calls left, when)

    def allow_request(self, request: HttpRequest) -> bool:
        most, now = settings.API_PER_MINUTE, time.monotonic()
        with self._lock:
            left, when = self._buckets.pop(request.user.pk, (most, now))
            left = min(most, left + (now - when) * most / 60)
            allowed = left >= 1
            self._buckets[request.user.pk] = (left - allowed, now)
            if len(self._buckets) > MOST_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
        return allowed

    def wait(self) -> float:
        return max(1.0, 60 / settings.API_PER_MINUTE)
