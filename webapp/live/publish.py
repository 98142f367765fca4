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
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

log = logging.getLogger(__name__)

EVENT = "live.event"  # the consumer's handler
MAX_WAITING = 1000  # messages that wait for a slow Redis; more are dropped

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_waiting = 0


def own(loop: asyncio.AbstractEventLoop | None) -> None:
    """The server's loop, at its start; None when it stops."""
    global _loop
    with _lock:
        _loop = loop


def publish(topic: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    loop = _loop or (None if isinstance(layer, InMemoryChannelLayer) else _start_loop())
    if loop is None or loop.is_closed():
        return  # no server in this process: nobody can be listening
    try:
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        log.exception("a live message on %s is not JSON and was not sent", topic)
        return
    if not _enter():
        log.warning("the channel layer is behind: a live message on %s was dropped", topic)
        return
    event = {"type": EVENT, "topic": topic, "text": text}
    sending = layer.group_send(topic, event)
    try:
        asyncio.run_coroutine_threadsafe(sending, loop).add_done_callback(_sent)
    except RuntimeError:  # the loop was closed a moment ago
        sending.close()
        _leave()


def _start_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="live", daemon=True).start()
        return _loop


def _enter() -> bool:
    global _waiting
    with _lock:
        if _waiting >= MAX_WAITING:
            return False
        _waiting += 1
        return True


def _leave() -> None:
    global _waiting
    with _lock:
        _waiting -= 1


def _sent(sending: Future) -> None:
    _leave()
    if not sending.cancelled() and (fault := sending.exception()):
        log.warning("a live message could not be sent: %s", fault)
