"""Questions on their way to the workers, from a socket or the API."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

# What is raised where the message broker or the channel layer cannot be reached.
AWAY = (KombuError, RedisError, OSError)


async def pass_on(task: str, *arguments: Any) -> None:
    from workers import tasks  # here, since the workers import this app's `publish`

    await sync_to_async(getattr(tasks, task).delay, thread_sensitive=False)(*arguments)
