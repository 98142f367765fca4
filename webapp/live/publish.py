"""Wake the live pages: `publish(topic, message)` from any thread or process.

Delivery is at most once and never holds up or fails the caller: pages notice a gap in `seq`
and fetch what they missed. A channel layer may only be used on an event loop that lives on:
the in-memory layer wakes nobody else than its server's loop, and the Redis layer keeps a
connection per loop. So the server gives us its loop (`own`), and a process without one, a
worker machine, gets a loop of its own in a thread as soon as it publishes through Redis.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from concurrent.futures import Future
from functools import partial
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

log = logging.getLogger(__name__)

EVENT = "live.event"  # the consumer's handler
MAX_WAITING = 1000  # messages that wait for a slow Redis; more are dropped

_lock = threading.Lock()
_line: Line | None = None


class Line:
    """An event loop, and whose turn it is: on several connections messages could overtake."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop = loop
        self.turn = asyncio.Lock()
        self.waiting = 0

    async def send(self, layer: Any, topic: str, event: dict[str, str]) -> None:
        async with self.turn:
            await layer.group_send(topic, event)


def own(loop: asyncio.AbstractEventLoop | None) -> None:
    """The server's loop, at its start; None when it stops."""
    global _line
    with _lock:
        _line = Line(loop) if loop is not None else None


def publish(topic: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    line = _line or (None if isinstance(layer, InMemoryChannelLayer) else _start_loop())
    if line is None or line.loop.is_closed():
        return  # no server in this process: nobody can be listening
    try:
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        log.exception("a live message on %s is not JSON and was not sent", topic)
        return
    if not _enter(line):
        log.warning("the channel layer is behind: a live message on %s was dropped", topic)
        return
    sending = line.send(layer, topic, {"type": EVENT, "topic": topic, "text": text})
    try:
        asyncio.run_coroutine_threadsafe(sending, line.loop).add_done_callback(partial(_sent, line))
    except RuntimeError:  # the loop was closed a moment ago
        sending.close()
        _leave(line)


def _start_loop() -> Line:
    global _line
    with _lock:
        if _line is None:
            _line = Line(asyncio.new_event_loop())
            threading.Thread(target=_line.loop.run_forever, name="live", daemon=True).start()
        return _line


def _enter(line: Line) -> bool:
    with _lock:
        if line.waiting >= MAX_WAITING:
            return False
        line.waiting += 1
        return True


def _leave(line: Line) -> None:
    with _lock:
        line.waiting -= 1


def _sent(line: Line, sending: Future) -> None:
    _leave(line)
    if not sending.cancelled() and (fault := sending.exception()):
        log.warning("a live message could not be sent: %s", fault)
