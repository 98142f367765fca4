"""A message from any thread wakes the server's loop; nothing that goes wrong reaches the caller."""

import asyncio
import json
import logging
import threading

import pytest
from channels.layers import get_channel_layer

from webapp.live import publish


@pytest.fixture(autouse=True)
def _memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    yield
    publish.own(None)


def heard(send, timeout: float = 2.0) -> dict | None:
    """What a member of the group `job.x` receives on the owned loop while `send` runs elsewhere."""

    async def listen() -> dict | None:
        publish.own(asyncio.get_running_loop())
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add("job.x", channel)
        threading.Thread(target=send).start()
        try:
            return await asyncio.wait_for(layer.receive(channel), timeout)
        except TimeoutError:
            return None

    return asyncio.run(listen())


def test_a_message_from_another_thread_wakes_the_loop():
    event = heard(lambda: publish.publish("job.x", {"seq": 3, "points": {}}))
    assert (event["type"], event["topic"]) == ("live.event", "job.x")
    assert json.loads(event["text"]) == {"seq": 3, "points": {}}


def test_without_a_server_in_this_process_nothing_happens():
    publish.publish("job.x", {"seq": 1})


def test_a_closed_loop_is_no_error():
    loop = asyncio.new_event_loop()
    publish.own(loop)
    loop.close()
    publish.publish("job.x", {"seq": 1})


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_is_not_json_is_logged_and_not_sent(caplog, value):
    with caplog.at_level(logging.ERROR):
        assert heard(lambda: publish.publish("job.x", {"seq": value}), timeout=0.3) is None
    assert "job.x" in caplog.text


def test_a_layer_that_is_behind_gets_no_more(monkeypatch, caplog):
    monkeypatch.setattr(publish, "MAX_WAITING", 0)
    assert heard(lambda: publish.publish("job.x", {"seq": 1}), timeout=0.3) is None
    assert "behind" in caplog.text
