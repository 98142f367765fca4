"""The same socket through Redis: published in any process, heard in any other."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from tests.webapp.live.test_consumers import Page
from webapp.live import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
BROWSERS = 100
IDLE = 6.0  # seconds; redis-py closes idle sockets after five unless told otherwise


@pytest.fixture(autouse=True)
def _redis(settings, services):
    host = {"address": services.redis_url, "socket_timeout": None, "max_connections": 1000}
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [host]},
        }
    }
    publish.own(None)
    yield
    publish.own(None)


def test_a_hundred_idle_sockets_still_hear_a_worker(viewer, client_of, make_job):
    job, client = make_job(seq=4), client_of(viewer)

    async def run() -> list[dict]:
        pages = [Page(client) for _ in range(BROWSERS)]
        for page in pages:
            assert await page.opens()
            assert (await page.say(sub=f"job.{job.pk}"))["seq"] == 4
        await asyncio.sleep(IDLE)
        # As a worker does: from a thread that has no event loop.
        await asyncio.to_thread(publish.publish, f"job.{job.pk}", {"job": job.pk, "seq": 5})
        heard = await asyncio.gather(*(page.hear() for page in pages))
        for page in pages:
            await page.leave()
        await get_channel_layer().flush()
        return heard

    assert async_to_sync(run)() == [{"job": job.pk, "seq": 5}] * BROWSERS


def test_the_order_of_messages_stays(viewer, client_of, make_job):
    job, client = make_job(), client_of(viewer)

    async def run() -> list[int]:
        page = Page(client)
        assert await page.opens()
        await page.say(sub=f"job.{job.pk}")
        for seq in range(1, 51):
            publish.publish(f"job.{job.pk}", {"job": job.pk, "seq": seq})
        heard = [(await page.hear())["seq"] for _ in range(50)]
        await page.leave()
        await get_channel_layer().flush()
        return heard

    assert async_to_sync(run)() == list(range(1, 51))
