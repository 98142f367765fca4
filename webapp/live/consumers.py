"""The one socket of a page: it subscribes to topics, and asks what-if questions.

    {"sub": "job.<id>"}       -> {"subbed": "job.<id>", "seq": current}, then its messages
    {"unsub": "job.<id>"}     -> {"unsubbed": "job.<id>"}
    {"ask": id, "job": id, "question": name, "set": {…}}
                              -> {"answered": id, "ok": true, "answer": …, "seconds": …}
                                 or {"answered": id, "ok": false, "error": why}
    {"warm": job id}          -> {"job": id, "warm": true} once questions are answered fast
                                 or {"job": id, "warm": false, "error": why}; null comes before
                                 one of the two while the job still runs
    anything else             -> {"fault": {"where": …, "expected": …}}

A message is passed on only while the session lives and its user is in the topic's team, as
known for at most `RECHECK` seconds. A socket whose session ended is closed with 4401.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from webapp.ids import new_id
from webapp.live import access
from webapp.live.access import Subscription
from webapp.live.passing import AWAY, pass_on

log = logging.getLogger(__name__)

MAX_TOPICS = 64  # of one socket
MAX_ASKS = 8  # questions of one socket that wait for their answer
MAX_MESSAGE = 64 * 1024  # characters that a page may send at once
MAX_NAME = 100  # characters of an id or a question's name
RECHECK = 10.0  # seconds that what a socket may hear is taken as known
ASK_WAIT = 60.0  # seconds until an unanswered question is given up
SIGNED_OUT = 4401  # close codes; the page does not come back after this one
TOO_LONG = 1009
BROKEN = 1011
NO_TOPIC = "job.<id> or team.<id> of one of your teams"


class Refused(Exception):
    """What a page sent is answered with a fault; the socket goes on."""

    def __init__(self, where: str, expected: str):
        super().__init__(f"{where}: expected {expected}")
        self.fault = {"where": where, "expected": expected}


class Nowhere(AsyncWebsocketConsumer):
    """Whatever other address is asked: refused, where the router would only fail."""

    async def connect(self) -> None:
        await self.close()


class Live(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        self.user = self.scope["user"]
        if not self.user.is_authenticated:
            await self.close()
            return
        self.topics: dict[str, Subscription] = {}
        self.asks: dict[str, tuple[Any, float]] = {}  # reply id -> the page's id, until when
        self.checked = time.monotonic()
        await self.accept()
        self.watching = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        if not self.user.is_authenticated:
            return
        self.watching.cancel()
        for topic in [*self.topics, *map(_reply_topic, self.asks)]:
            await self.channel_layer.group_discard(topic, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data is not None and len(text_data) > MAX_MESSAGE:
            await self._say(fault={"where": "", "expected": f"at most {MAX_MESSAGE} characters"})
            await self.close(TOO_LONG)
            return
        try:
            if await self._fresh():
                await self._act(_parsed(text_data))
        except Refused as refused:
            await self._say(fault=refused.fault)
        except DatabaseError:
            log.exception("a socket could not read the database")
            await self.close(BROKEN)

    async def live_event(self, event: dict[str, str]) -> None:
        """A published message: an answer to a question, or news on a topic."""
        topic = event["topic"]
        if not (await self._fresh()):
            return
        if topic in self.topics:
            await self.send(event["text"])
        elif (reply := topic.removeprefix("ask.")) in self.asks:
            await self._answer(reply, json.loads(event["text"]))

    async def _act(self, message: dict[str, Any]) -> None:
        if "sub" in message:
            found = await self._subscribe(_name(message, "sub"))
            await self._say(subbed=found.topic, seq=found.seq)
        elif "unsub" in message:
            await self._unsubscribe(_name(message, "unsub"))
        elif "warm" in message:
            await self._warm(_name(message, "warm"))
        elif "ask" in message:
            await self._ask(message)
        else:
            raise Refused("", "sub, unsub, warm or ask")

    async def _subscribe(self, topic: str) -> Subscription:
        if topic not in self.topics and len(self.topics) >= MAX_TOPICS:
            raise Refused(topic, f"at most {MAX_TOPICS} subscriptions of one socket")
        if not access.is_topic(topic):
            raise Refused(topic, NO_TOPIC)
        # Join first and read `seq` then: what is published in between waits behind our answer.
        await self.channel_layer.group_add(topic, self.channel_name)
        found = await database_sync_to_async(access.subscription)(self.user, topic)
        if found is None:
            await self._leave(topic)
            raise Refused(topic, NO_TOPIC)
        self.topics[topic] = found
        return found

    async def _unsubscribe(self, topic: str) -> None:
        if topic not in self.topics:
            raise Refused(topic, "a topic of this socket")
        await self._leave(topic)
        await self._say(unsubbed=topic)

    async def _leave(self, topic: str) -> None:
        self.topics.pop(topic, None)
        await self.channel_layer.group_discard(topic, self.channel_name)

    async def _warm(self, job: str) -> None:
        topic = f"warm.{job}"  # which the page did not say: it named a job
        try:
            await self._subscribe(topic)
            await _pass_on("warm", job)
        except Refused as refused:
            unheard = refused.fault["where"] == topic
            error = str(Refused("warm", "a job of one of your teams") if unheard else refused)
            await self._say(job=job, warm=False, error=error)

    async def _ask(self, message: dict[str, Any]) -> None:
        asked = message["ask"]
        if not isinstance(asked, str | int) or len(str(asked)) > MAX_NAME:
            raise Refused("ask", f"an id of at most {MAX_NAME} characters")
        try:
            job, question, given = await self._question(message)
        except Refused as refused:
            await self._say(answered=asked, ok=False, error=str(refused))
            return
        reply = new_id()
        self.asks[reply] = (asked, time.monotonic() + ASK_WAIT)
        await self.channel_layer.group_add(_reply_topic(reply), self.channel_name)
        try:
            await _pass_on("ask", job, question, given, reply)
        except Refused as refused:
            await self._answer(reply, {"ok": False, "error": str(refused)})

    async def _question(self, message: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        job, question, given = _name(message, "job"), _name(message, "question"), message.get("set")
        if given is not None and not isinstance(given, dict):
            raise Refused("set", "an object of parameters")
        if len(self.asks) >= MAX_ASKS:
            raise Refused("ask", f"at most {MAX_ASKS} questions that wait for their answer")
        if not await database_sync_to_async(access.may_ask)(self.user, job):
            raise Refused("job", "a job of one of your teams")
        return job, question, given or {}

    async def _answer(self, reply: str, message: dict[str, Any]) -> None:
        asked, _ = self.asks.pop(reply)
        await self.channel_layer.group_discard(_reply_topic(reply), self.channel_name)
        said = {
            name: message[name] for name in ("ok", "answer", "error", "seconds") if name in message
        }
        await self._say(answered=asked, **said)

    async def _watch(self) -> None:
        """Close what may not be heard any more, also where nothing is said."""
        try:
            # Ahead of the time at which a message would have to wait for the check, and
            # scattered: many sockets open at once when a server starts.
            while await self._check_after(RECHECK * random.uniform(0.4, 0.8)):  # noqa: S311
                for topic in list(self.topics):  # layers forget who does not renew
                    await self.channel_layer.group_add(topic, self.channel_name)
                await self._give_up()
        except RedisError:
            log.exception("a socket lost the channel layer")
            await self.close(BROKEN)
        except OSError:  # what ASGI servers raise where a client is gone; `disconnect` follows
            log.debug("a socket's client was gone before it could be told")

    async def _check_after(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return await self._check()

    async def _give_up(self) -> None:
        for reply, (_, until) in list(self.asks.items()):
            if time.monotonic() > until and reply in self.asks:
                error = f"no answer within {ASK_WAIT:g} seconds"
                await self._answer(reply, {"ok": False, "error": error})

    async def _fresh(self) -> bool:
        return time.monotonic() - self.checked < RECHECK or await self._check()

    async def _check(self) -> bool:
        """Whether the session still lives; drops topics of teams that the user has left."""
        self.checked = time.monotonic()
        try:
            found = await database_sync_to_async(access.standing)(self.scope["session"].session_key)
        except DatabaseError:
            log.exception("a socket could not check its session")
            await self.close(BROKEN)
            return False
        if found is None:
            self.topics.clear()
            await self.close(SIGNED_OUT)
            return False
        self.user, teams = found
        for topic in [topic for topic, each in self.topics.items() if each.team not in teams]:
            await self._leave(topic)
            await self._say(unsubbed=topic)
        return True

    async def _say(self, **message: Any) -> None:
        await self.send(json.dumps(message, separators=(",", ":")))


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        message = json.loads(text or "", parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused("", "a JSON object in a text frame") from None
    if not isinstance(message, dict):
        raise Refused("", "a JSON object in a text frame")
    return message


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _name(message: dict[str, Any], field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise Refused(field, f"a text of 1 to {MAX_NAME} characters")
    return value


def _reply_topic(reply: str) -> str:
    return f"ask.{reply}"


async def _pass_on(task: str, *arguments: Any) -> None:
    try:
        await pass_on(task, *arguments)
    except AWAY as fault:
        log.warning("a question could not be passed on: %s", fault)
        raise Refused(
            task, "workers that can be reached: the message broker is not there"
        ) from None
