"""Eight of Kaleidoscope's cores in Verilator against the same in Icarus: simulated cycles a second.

Prints one line of JSON. Both run the same image (an MLP of 32 → 64 → 32 → 11 with random weights),
the same bench and the same payloads, offered back to back, on one CPU core; the results must be
equal byte for byte. Seconds are of the processor, without the build; `wall` tells the clock's.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.methods.kaleidoscope.simulator import tools
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.simulator.design import cores
from engine.methods.kaleidoscope.simulator.records import Job, write_stimulus
from engine.methods.kaleidoscope.simulator.run import RESULTS, run
from tests.methods.kaleidoscope.layers import mlp32

CORES = 8
JOBS = {"verilator": 60_000, "icarus": 300}
ROUNDS = 3


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(binary: Binary, folder: Path, *, jobs: int) -> dict[str, float]:
    """The best of some rounds; reading the stimulus is part of it."""
    rng = np.random.default_rng(0)
    payload = rng.integers(0, 128, (jobs, 1, 32)).astype(np.int8)
    write_stimulus(folder, mlp32(rng), [Job(x) for x in payload])
    rates = []
    for _ in range(ROUNDS):
        before = cpu()
        ran = run(binary, folder)
        rates.append((ran.cycles / (cpu() - before), ran.cycles_per_second, ran.cycles))
    best, wall, cycles = max(rates)
    return {"cycles_per_second": round(best), "wall": round(wall), "cycles": cycles}


def main() -> None:
    found = {backend.kind: backend for backend in reversed(tools.find())}
    report: dict[str, object] = {"benchmark": "kaleidoscope", "cores": CORES}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for kind in ("verilator", "icarus"):
            began, before = time.monotonic(), cpu()
            binary = build(found[kind], cores(count=CORES), cache=folder / "cache")
            built = {
                "build_cpu": round(cpu() - before, 1),
                "build": round(time.monotonic() - began, 1),
            }
            report[kind] = measure(binary, folder, jobs=JOBS[kind]) | built
        rates = [report[kind]["cycles_per_second"] for kind in ("verilator", "icarus")]  # type: ignore[index]
        results = []
        for kind in ("verilator", "icarus"):
            measure(
                build(found[kind], cores(count=CORES), cache=folder / "cache"), folder, jobs=100
            )
            results.append((folder / RESULTS).read_bytes())
    report["ratio"] = round(rates[0] / rates[1])
    report["equal"] = results[0] == results[1]
    print(json.dumps(report))


if __name__ == "__main__":
    main()
