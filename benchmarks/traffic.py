"""How fast captures are read, beside dpkt: a capture of 10 MB made of the supplied records.

    python benchmarks/traffic.py

The captures of Ethernet in `TENFOLD_SHARED_DATA/traffic/ndpi` (or in the folder that is given) are
joined into one, again and again until it has 10 MB. The bars hold for a check with its preview, as
after an upload, in a process of its own. Beside it: `load` alone, and dpkt, which decodes the same
frames to 5-tuples and first bytes of flows (it reads no ports in a first fragment). Prints one JSON
line; `ok` says whether the bars of 20 s and 300 MB hold.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import dpkt

from engine.data.traffic import io

ROOT = Path(__file__).resolve().parent.parent
SIZE = 10_000_000  # bytes
MAX_SECONDS, MAX_MEGABYTES = 20, 300


def main() -> None:
    given = os.environ.get("TENFOLD_SHARED_DATA", ROOT.parent / "shared/data")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(given) / "traffic/ndpi"
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "joined.pcap"
        packets = join(folder, path)
        began = time.perf_counter()
        command = [sys.executable, "-m", "engine", "check", "traffic", str(path)]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        seconds = time.perf_counter() - began
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
        facts = json.loads(answer.stdout)["facts"]
        began = time.perf_counter()
        io.load(path)
        load = time.perf_counter() - began
        began = time.perf_counter()
        flows = len(read_by_dpkt(path))
        peer = time.perf_counter() - began
        line = {
            "bytes": path.stat().st_size,
            "packets": packets,
            "packets_read": facts["packets"],
            "flows": facts["flows"],
            "check_seconds": round(seconds, 2),
            "peak_megabytes": round(megabytes),
            "load_seconds": round(load, 2),
            "dpkt_seconds": round(peer, 2),
            "dpkt_flows": flows,
            "dpkt_to_load": round(peer / load, 2),
            "ok": seconds <= MAX_SECONDS and megabytes <= MAX_MEGABYTES,
        }
    print(json.dumps(line))


def join(folder: Path, path: Path) -> int:
    """Write the frames of all captures of Ethernet into one pcap; how many these are."""
    frames: list[bytes] = []
    for capture in sorted(folder.iterdir()):
        with capture.open("rb") as file:
            reader = dpkt.pcap.UniversalReader(file)
            if reader.datalink() == dpkt.pcap.DLT_EN10MB:
                frames += [frame for _, frame in reader]
    count, size = 0, 24
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        while size < SIZE:
            frame = frames[count % len(frames)]
            head = struct.pack("<IIII", count // 10_000, count % 10_000 * 100, *[len(frame)] * 2)
            size += file.write(head + frame)
            count += 1
    return count


def read_by_dpkt(path: Path) -> dict[tuple, bytes]:
    """The first bytes of the payload of each flow of TCP or UDP, by its 5-tuple."""
    flows: dict[tuple, bytes] = {}
    with path.open("rb") as file:
        for _, frame in dpkt.pcap.UniversalReader(file):
            try:
                ip = dpkt.ethernet.Ethernet(frame).data
            except dpkt.UnpackError:
                continue  # a frame that was cut off
            inside = getattr(ip, "data", None)
            if isinstance(inside, dpkt.tcp.TCP | dpkt.udp.UDP):
                ends = sorted([(ip.src, inside.sport), (ip.dst, inside.dport)])
                key = (type(inside), *ends)
                flows[key] = flows.get(key) or bytes(inside.data)[:128]
    return flows


if __name__ == "__main__":
    main()
