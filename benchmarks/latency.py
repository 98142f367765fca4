"""From `publish` in a worker's thread to the browser's socket, through the real server.

One process is the server as `manage.py serve` has it: uvicorn, the whole application, the
in-memory layer, and a thread that publishes as a supervisor does after its commit. Another is
the browser: it signs in by cookie and subscribes. The peer is a bare `websockets` server in the
same process that sends the same text from the same thread. Bars for the 95th percentile: 20 ms
for one browser, 150 ms for a hundred at four batches a second.

    python benchmarks/latency.py [--browsers N] [--messages N] [--port 8120]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

EVERY = 0.25  # seconds between two batches, as the supervisor's flush
BARS = {1: 0.020, 100: 0.150}  # seconds


def message(job: str, seq: int) -> dict[str, object]:
    """A flush of five series of fifty points, and when it was sent."""
    column = [float(at) for at in range(50)]
    points = {"n": list(range(50)), "step": list(range(50)), "wall": column, "value": column}
    series = {f"k{at}": points for at in range(5)}
    return {"job": job, "seq": seq, "points": series, "sent": time.time()}


# The browsers, in a process of their own


async def one_browser(asked: dict, address: str, arrived: list[float], gaps: list[int]) -> None:
    headers = {"Cookie": asked["cookie"], "Origin": asked["origin"]}
    async with connect(address, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"sub": f"job.{asked['job']}"}))
        last = json.loads(await socket.recv())["seq"]
        while last < asked["messages"]:
            heard = json.loads(await socket.recv())
            arrived.append(time.time() - heard["sent"])
            gaps.append(heard["seq"] - last - 1)
            last = heard["seq"]


async def browse(asked: dict) -> None:
    arrived: list[float] = []
    gaps: list[int] = []
    await asyncio.gather(
        *(one_browser(asked, asked["address"], arrived, gaps) for _ in range(asked["browsers"]))
    )
    print(json.dumps({"seconds": arrived, "missed": sum(gaps)}))


# The server


async def measure(browsers: int, messages: int, port: int) -> dict[str, dict[str, float]]:
    import uvicorn

    from webapp.asgi import application
    from webapp.live import publish

    job, cookie = await asyncio.to_thread(prepared)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    publish.own(asyncio.get_running_loop())
    asked = {"job": job, "cookie": cookie, "browsers": browsers, "messages": messages}
    asked |= {"origin": f"http://127.0.0.1:{port}", "address": f"ws://127.0.0.1:{port}/ws/live"}
    ours = await browsers_hear(
        asked, lambda: subscribed(job), lambda seq: publish.publish(f"job.{job}", message(job, seq))
    )
    publish.own(None)
    server.should_exit = True
    await serving
    return {"ours": ours, "peer": await bare(asked, port + 1)}


async def bare(asked: dict, port: int) -> dict[str, float]:
    loop, there = asyncio.get_running_loop(), set()

    async def greet(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(json.dumps({"seq": 0}))
        there.add(socket)
        await socket.wait_closed()

    def send(seq: int) -> None:
        text = json.dumps(message(asked["job"], seq))
        loop.call_soon_threadsafe(broadcast, set(there), text)

    async with serve(greet, "127.0.0.1", port):
        here = {**asked, "address": f"ws://127.0.0.1:{port}/"}
        return await browsers_hear(here, lambda: len(there), send)


async def browsers_hear(asked: dict, count, send) -> dict[str, float]:
    """Start the browsers, send from a thread once all have subscribed, and read their times."""
    command = [sys.executable, __file__, "--browse", json.dumps(asked)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    while count() < asked["browsers"]:
        await asyncio.sleep(0.05)

    def work() -> None:
        for seq in range(1, asked["messages"] + 1):
            time.sleep(EVERY)
            send(seq)

    thread = threading.Thread(target=work)
    thread.start()
    said, _ = await child.communicate()
    await asyncio.to_thread(thread.join)
    found = json.loads(said)
    if found["missed"] or len(found["seconds"]) != asked["browsers"] * asked["messages"]:
        raise RuntimeError(f"{found['missed']} messages were missed")
    ordered = sorted(found["seconds"])
    return {
        "p50": ordered[len(ordered) // 2],
        "p95": ordered[int(0.95 * len(ordered))],
        "most": ordered[-1],
    }


def subscribed(job: str) -> int:
    from channels.layers import get_channel_layer

    return len(get_channel_layer().groups.get(f"job.{job}", ()))


def prepared() -> tuple[str, str]:
    """A job, and the cookie of someone who may see it."""
    from django.test import Client

    from benchmarks import ground

    ground.migrate()
    job, client = ground.new_job(), Client()
    client.force_login(ground.owner_of(job))
    return job.pk, f"sessionid={client.cookies['sessionid'].value}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--browse", type=json.loads)
    parser.add_argument("--browsers", type=int, default=1)
    parser.add_argument("--messages", type=int, default=60)
    parser.add_argument("--port", type=int, default=8120)
    asked = parser.parse_args()
    if asked.browse:
        asyncio.run(browse(asked.browse))
        return
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks import ground

    found = asyncio.run(measure(asked.browsers, asked.messages, asked.port))
    bar = BARS[1] if asked.browsers == 1 else BARS[100]
    ground.report(
        "latency",
        ratio=found["ours"]["p95"] / found["peer"]["p95"],
        browsers=asked.browsers,
        **found,
        bar=bar,
        met=found["ours"]["p95"] <= bar,
    )


if __name__ == "__main__":
    main()
