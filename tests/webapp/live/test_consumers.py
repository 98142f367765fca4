"""The socket of a page: who may hear what, and what it answers to anything sent."""

import asyncio
import json
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.conf import settings as django_settings
from django.test import Client
from kombu import Queue
from kombu.exceptions import OperationalError

from webapp.accounts.models import Membership
from webapp.asgi import application
from webapp.ids import new_id
from webapp.live import consumers, publish

pytestmark = pytest.mark.django_db(transaction=True)
HERE = b"http://localhost"


@pytest.fixture(autouse=True)
def _fresh_layer(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def headers_of(client: Client | None, origin: bytes | None = HERE) -> list[tuple[bytes, bytes]]:
    sent = [(b"host", b"localhost")]
    if origin is not None:
        sent.append((b"origin", origin))
    if client is not None:
        session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        sent.append((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={session}".encode()))
    return sent


class Page:
    """A browser's end of the socket (`channels.testing` would need another server)."""

    def __init__(self, client: Client | None, origin: bytes | None = HERE, path: str = "/ws/live"):
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": headers_of(client, origin),
            "subprotocols": [],
        }
        self.socket = ApplicationCommunicator(application, scope)

    async def opens(self) -> bool:
        await self.socket.send_input({"type": "websocket.connect"})
        return (await self.socket.receive_output(5))["type"] == "websocket.accept"

    async def send(self, **message: object) -> None:
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict:
        return json.loads((await self.socket.receive_output(5))["text"])

    async def say(self, **message: object) -> dict:
        await self.send(**message)
        return await self.hear()

    async def hears_nothing(self) -> bool:
        return await self.socket.receive_nothing(0.2)

    async def closed_with(self) -> int:
        return (await self.socket.receive_output(5))["code"]

    async def leave(self) -> None:
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(5)


def talk(client: Client, script: Callable) -> None:
    """Connect, own this loop as the server does, run the script, leave."""

    async def run() -> None:
        page = Page(client)
        publish.own(asyncio.get_running_loop())
        try:
            assert await page.opens()
            await script(page)
            await page.leave()
        finally:
            publish.own(None)

    async_to_sync(run)()


def refused(client: Client | None, origin: bytes | None = HERE, path: str = "/ws/live") -> bool:
    async def run() -> bool:
        return not await Page(client, origin, path).opens()

    return async_to_sync(run)()


def test_a_viewer_hears_their_teams_job_and_where_it_stands(viewer, client_of, make_job):
    job = make_job(seq=7)

    async def script(page: Page) -> None:
        assert await page.say(sub=f"job.{job.pk}", since=3) == {"subbed": f"job.{job.pk}", "seq": 7}
        publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": 8, "points": {}})
        assert await page.hear() == {"job": job.pk, "seq": 8, "points": {}}
        assert await page.say(unsub=f"job.{job.pk}") == {"unsubbed": f"job.{job.pk}"}
        publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": 9})
        assert await page.hears_nothing()

    talk(client_of(viewer), script)


def test_a_member_hears_changes_of_the_teams_list(viewer, client_of, team):
    async def script(page: Page) -> None:
        assert (await page.say(sub=f"team.{team.pk}"))["seq"] is None
        publish.publish(f"team.{team.pk}", {"job": "x", "state": "done"})
        assert (await page.hear())["state"] == "done"

    talk(client_of(viewer), script)


def test_an_outsider_is_told_the_same_of_a_strangers_job_as_of_none(
    outsider, client_of, make_job, team
):
    job = make_job()

    async def script(page: Page) -> None:
        answers = []
        for topic in (f"job.{job.pk}", f"team.{team.pk}", f"warm.{job.pk}", f"job.{new_id()}"):
            answer = await page.say(sub=topic)
            assert answer["fault"].pop("where") == topic
            answers.append(answer)
        assert all(answer == answers[0] for answer in answers)
        publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": 1})
        assert await page.hears_nothing()

    talk(client_of(outsider), script)


def test_nobody_subscribes_to_the_answers_of_others(editor, client_of):
    async def script(page: Page) -> None:
        assert "fault" in await page.say(sub=f"ask.{new_id()}")

    talk(client_of(editor), script)


def test_without_a_session_there_is_no_socket(db):
    assert refused(None)


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/live/more"])
def test_another_address_gets_no_socket_and_breaks_nothing(viewer, client_of, path):
    assert refused(client_of(viewer), path=path)
    assert refused(None, path=path)


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", None])
def test_another_site_gets_no_socket(viewer, client_of, origin):
    assert refused(client_of(viewer), origin)


def test_the_65th_subscription_is_refused_and_the_others_go_on(viewer, client_of, make_job):
    jobs = [make_job() for _ in range(65)]

    async def script(page: Page) -> None:
        for job in jobs[:64]:
            assert "subbed" in await page.say(sub=f"job.{job.pk}")
        assert "64" in (await page.say(sub=f"job.{jobs[64].pk}"))["fault"]["expected"]
        assert "subbed" in await page.say(sub=f"job.{jobs[0].pk}")  # a repetition is none more
        await page.say(unsub=f"job.{jobs[1].pk}")
        assert "subbed" in await page.say(sub=f"job.{jobs[64].pk}")

    talk(client_of(viewer), script)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        '{"sub": NaN}',
        "[" * 60_000,
        "{}",
        '{"sub": 5}',
        '{"sub": ""}',
        '{"sub": "job."}',
        '{"sub": "job.\\u0000"}',
        '{"sub": "job.\\ud800"}',
        '{"unsub": "job.x"}',
        '{"unsub": {}}',
        '{"ask": [], "job": "x", "question": "y"}',
        '{"ask": "' + "x" * 101 + '"}',
        '{"warm": null}',
    ],
)
def test_whatever_is_sent_is_answered_with_a_fault(viewer, client_of, make_job, text):
    job = make_job()

    async def script(page: Page) -> None:
        await page.send_text(text)
        assert set((await page.hear())["fault"]) == {"where", "expected"}
        assert "subbed" in await page.say(sub=f"job.{job.pk}")

    talk(client_of(viewer), script)


def test_bytes_are_answered_with_a_fault(viewer, client_of):
    async def script(page: Page) -> None:
        await page.socket.send_input({"type": "websocket.receive", "bytes": b"\x00\xff"})
        assert "text frame" in (await page.hear())["fault"]["expected"]

    talk(client_of(viewer), script)


def test_a_message_that_is_too_long_closes_the_socket(viewer, client_of):
    async def script(page: Page) -> None:
        assert "fault" in await page.say(sub="x" * consumers.MAX_MESSAGE)
        assert await page.closed_with() == consumers.TOO_LONG

    talk(client_of(viewer), script)


class TestTheSession:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch):
        monkeypatch.setattr(consumers, "RECHECK", 0.1)

    def test_its_end_closes_the_socket_though_nothing_is_said(self, viewer, client_of):
        client = client_of(viewer)

        async def script(page: Page) -> None:
            await sync_to_async(client.logout)()
            assert await page.closed_with() == consumers.SIGNED_OUT

        talk(client, script)

    def test_after_its_end_no_message_is_passed_on(self, viewer, client_of, make_job, monkeypatch):
        client, job = client_of(viewer), make_job()

        async def script(page: Page) -> None:
            await page.say(sub=f"job.{job.pk}")
            await sync_to_async(client.logout)()
            await asyncio.sleep(0.05)
            publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": 1})
            while (heard := await page.socket.receive_output(timeout=5))[
                "type"
            ] == "websocket.send":
                assert "seq" in json.loads(heard["text"])  # within the time that it was known
            assert heard["code"] == consumers.SIGNED_OUT

        talk(client, script)

    def test_a_deactivated_user_is_signed_out(self, viewer, client_of):
        async def script(page: Page) -> None:
            viewer.is_active = False
            await sync_to_async(viewer.save)()
            assert await page.closed_with() == consumers.SIGNED_OUT

        talk(client_of(viewer), script)

    def test_a_changed_password_ends_other_sessions_sockets(self, viewer, client_of):
        async def script(page: Page) -> None:
            viewer.set_password("another horse battery")
            await sync_to_async(viewer.save)()
            assert await page.closed_with() == consumers.SIGNED_OUT

        talk(client_of(viewer), script)

    def test_who_leaves_the_team_hears_its_jobs_no_more(self, viewer, client_of, make_job):
        job = make_job()

        async def script(page: Page) -> None:
            await page.say(sub=f"job.{job.pk}")
            await sync_to_async(Membership.objects.filter(user=viewer).delete)()
            assert await page.hear() == {"unsubbed": f"job.{job.pk}"}
            publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": 1})
            assert await page.hears_nothing()

        talk(client_of(viewer), script)


class TestAsking:
    @pytest.fixture(autouse=True)
    def _celery(self):
        """A broker in memory that keeps the messages: no worker takes them in these tests."""
        from workers import app

        assert app.conf.broker_url.startswith("memory")

    @pytest.fixture
    def taken(self) -> Callable[[], list]:
        """The arguments of the questions that the broker holds."""
        from workers import app

        def take() -> list:
            with app.connection_for_read() as connection, connection.channel() as channel:
                queue = Queue("ask")(channel)
                queue.declare()
                return [
                    message.payload[0] for message in iter(lambda: queue.get(no_ack=True), None)
                ]

        take()
        return take

    def test_the_answer_comes_to_who_asked_under_their_id(self, viewer, client_of, make_job, taken):
        job = make_job()

        async def script(page: Page) -> None:
            await page.send(ask="q1", job=job.pk, question="threshold", set={"at": 0.5})
            while not (found := await sync_to_async(taken)()):
                await asyncio.sleep(0.02)
            [(job_id, question, given, reply)] = found
            assert (job_id, question, given) == (job.pk, "threshold", {"at": 0.5})
            said = {"id": reply, "ok": True, "answer": {"removed": 7}, "error": None}
            publish.publish(f"ask.{reply}", {**said, "seconds": 0.02})
            assert await page.hear() == {
                "answered": "q1",
                "ok": True,
                "answer": {"removed": 7},
                "error": None,
                "seconds": 0.02,
            }
            publish.publish(f"ask.{reply}", said)
            assert await page.hears_nothing()

        talk(client_of(viewer), script)

    def test_an_outsider_may_not_ask(self, outsider, client_of, make_job, taken):
        job = make_job()

        async def script(page: Page) -> None:
            answer = await page.say(ask=1, job=job.pk, question="threshold", set={})
            assert (answer["answered"], answer["ok"]) == (1, False)

        talk(client_of(outsider), script)
        assert taken() == []

    @pytest.mark.parametrize(
        "fields", [{"job": 5}, {"question": None}, {"question": "x" * 101}, {"set": [1]}]
    )
    def test_a_malformed_question_is_answered_by_name(self, viewer, client_of, make_job, fields):
        whole = {"ask": "q", "job": make_job().pk, "question": "threshold", "set": {}}

        async def script(page: Page) -> None:
            answer = await page.say(**{**whole, **fields})
            assert answer["error"].startswith(next(iter(fields)))

        talk(client_of(viewer), script)

    def test_only_so_many_questions_wait(self, viewer, client_of, make_job, taken):
        job = make_job()

        async def script(page: Page) -> None:
            for at in range(consumers.MAX_ASKS):
                await page.send(ask=at, job=job.pk, question="q")
            answer = await page.say(ask="more", job=job.pk, question="q")
            assert (answer["answered"], answer["ok"]) == ("more", False)
            assert len(await sync_to_async(taken)()) == consumers.MAX_ASKS

        talk(client_of(viewer), script)

    def test_a_question_without_answer_is_given_up(self, viewer, client_of, make_job, monkeypatch):
        monkeypatch.setattr(consumers, "ASK_WAIT", 0.1)
        monkeypatch.setattr(consumers, "RECHECK", 0.2)
        job = make_job()

        async def script(page: Page) -> None:
            answer = await page.say(ask=1, job=job.pk, question="threshold")
            assert answer == {"answered": 1, "ok": False, "error": "no answer within 0.1 seconds"}

        talk(client_of(viewer), script)

    def test_a_broker_that_is_away_is_told(self, viewer, client_of, make_job, monkeypatch):
        from workers import tasks

        def away(*arguments, **words):
            raise OperationalError("no broker")

        monkeypatch.setattr(tasks.ask, "apply_async", away)
        job = make_job()

        async def script(page: Page) -> None:
            answer = await page.say(ask=1, job=job.pk, question="threshold")
            assert (answer["answered"], answer["ok"]) == (1, False)
            assert answer["error"].endswith("the message broker is not there")

        talk(client_of(viewer), script)

    def test_a_page_is_told_when_the_child_is_warm(self, viewer, client_of, make_job):
        job = make_job()

        async def script(page: Page) -> None:
            await page.send(warm=job.pk)
            assert await page.hears_nothing()
            publish.publish(f"warm.{job.pk}", {"job": job.pk, "warm": True, "error": None})
            assert (await page.hear())["warm"] is True

        talk(client_of(viewer), script)

    def test_an_outsider_warms_nothing(self, outsider, client_of, make_job):
        job = make_job()

        async def script(page: Page) -> None:
            answer = await page.say(warm=job.pk)
            assert (answer["job"], answer["warm"]) == (job.pk, False)
            assert answer["error"] == "warm: expected a job of one of your teams"

        talk(client_of(outsider), script)


def test_a_socket_that_left_is_forgotten_by_the_layer(viewer, client_of, make_job):
    job = make_job()

    async def script(page: Page) -> None:
        await page.say(sub=f"job.{job.pk}")
        assert get_channel_layer().groups

    talk(client_of(viewer), script)
    assert not get_channel_layer().groups


def test_a_client_that_is_gone_when_its_session_ends_is_no_fault(
    viewer, client_of, monkeypatch, caplog
):
    """ASGI servers raise an OSError where there is nobody left to send to."""
    monkeypatch.setattr(consumers, "RECHECK", 0.05)
    client = client_of(viewer)
    page = Page(client)
    scope = page.socket.scope

    async def script() -> list[str]:
        told = asyncio.Queue()
        sent: list[str] = []

        async def send(message: dict) -> None:
            sent.append(message["type"])
            if message["type"] != "websocket.accept":
                raise BrokenPipeError

        await told.put({"type": "websocket.connect"})
        running = asyncio.create_task(application(scope, told.get, send))
        await asyncio.sleep(0.3)
        await sync_to_async(client.session.flush)()
        await asyncio.sleep(0.5)
        await told.put({"type": "websocket.disconnect", "code": 1006})
        await running
        return sent

    assert "websocket.close" in async_to_sync(script)()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
