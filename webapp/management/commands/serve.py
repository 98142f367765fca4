"""One command, one process: pages, sockets and, without REDIS_URL, the worker as well."""

from __future__ import annotations

import asyncio
import socket
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from webapp.addresses import public_address
from webapp.assets import collect_if_changed
from webapp.live import publish
from webapp.sole import sole

APPLICATION = "webapp.asgi:application"
LET_GO = 5  # seconds that open requests and sockets get at the end
KEEP_ALIVE = 15  # seconds that an idle connection stays open


class BenchServer(uvicorn.Server):
    """A server whose end is also the end of its worker.

    uvicorn raises the signal that stopped it once more when it is done, and nothing runs after
    that: so the worker drains inside the shutdown, beside the requests that are let go.
    """

    def __init__(self, config: uvicorn.Config, *, beside: Any, say: Any):
        super().__init__(config)
        self.beside = beside
        self.say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        publish.own(asyncio.get_running_loop())
        await super().startup(sockets)
        await asyncio.to_thread(self.beside.start)
        self.say()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(super().shutdown(sockets), asyncio.to_thread(self.beside.stop))
        publish.own(None)


class Command(BaseCommand):
    help = "Serve the bench. Without REDIS_URL this one process is all there is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=1, help="web processes")
        parser.add_argument("--no-migrate", action="store_true")

    @sole()
    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] > 1 and not settings.REDIS_URL:
            raise CommandError(
                "--workers above 1 needs REDIS_URL: without it the one process holds the worker "
                "and the live channel."
            )
        if not options["no_migrate"]:
            call_command("migrate", verbosity=0, interactive=False)
        collect_if_changed()
        config = uvicorn.Config(
            APPLICATION,
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(settings.PUBLIC_URL),
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LET_GO,
        )
        if options["workers"] > 1:
            self._serve_many(config)
        else:
            BenchServer(config, beside=beside(), say=lambda: self._say(config)).run()

    def _serve_many(self, config: uvicorn.Config) -> None:
        """Several web processes; their parent reconciles."""
        from uvicorn.supervisors import Multiprocess

        keeper = beside()
        keeper.start()
        listening = config.bind_socket()
        self._say(config)
        Multiprocess(config, sockets=[listening]).run()
        keeper.stop()

    def _say(self, config: uvicorn.Config) -> None:
        self.stdout.write(f"Tenfold is at {public_address(config.host, config.port)}/")
        self.stdout.flush()


def beside() -> Any:
    """What runs beside the pages: a worker if there is no other, or the reconciler alone."""
    from workers.embedded import EmbeddedWorker
    from workers.reconcile import Keeper

    return EmbeddedWorker() if settings.EMBEDDED else Keeper(None)
