"""A step of Flat-LoRA, and of LoRA-SAM, beside a step of LoRA, with the memory that each takes.

Prints one line of JSON. MiniLM with adapters of rank 8 on its 36 linear layers, 32 and 8 rows of
44 tokens, one thread and two. Steps of the three alternate in a random order, so that what else the
machine does meets all alike; a ratio is that of the least times of 5 rounds. Memory is the largest
resident size of a process of its own that takes 3 steps.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TOKENS, ROUNDS, STEPS = 44, 5, 3
ROWS, THREADS = (32, 8), (1, 2)
NAMES = ("lora", "flat", "sam")


def training(name: str, threads: int, scratch: Path):
    """A variant on its own copy of MiniLM."""
    import torch

    from engine.methods.flat_lora.params import FlatLoraParams
    from engine.methods.flat_lora.pristine import kept
    from engine.methods.flat_lora.tasks import Classes
    from engine.methods.flat_lora.training import Training
    from engine.methods.flat_lora.variants import chosen
    from engine.models.adapters import adapt, adapted
    from engine.models.backbone import minilm
    from engine.models.classifier import Classifier

    torch.set_num_threads(threads)
    (variant,) = chosen([name], "lora")
    model = Classifier(minilm(), 2, seed=0).requires_grad_(False)
    model = adapt(model, kind=variant.adapter, rank=8, alpha=16.0, seed=0)
    model.head.requires_grad_(True)
    layers = adapted(model)
    return Training(
        model, layers, variant, FlatLoraParams(rho=0.05), Classes(("no", "yes")),
        steps=10_000, seed=0, workers=threads,
        copies=kept([layer.weight for layer in layers], scratch),
    )  # fmt: skip


def batch(rows: int, number: int):
    import torch

    draw = torch.Generator().manual_seed(number)
    ids = torch.randint(1000, 30_000, (rows, TOKENS), generator=draw)
    labels = torch.randint(0, 2, (rows,), generator=draw)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def times(rows: int, threads: int) -> dict[str, float]:
    """Seconds of the quickest step of each."""
    with tempfile.TemporaryDirectory() as place:
        ready = {name: training(name, threads, Path(place)) for name in NAMES}
        for one in ready.values():
            one.done = 5_000  # in the middle of the schedule, with noise
            one.step([batch(rows, 0)])
        least = dict.fromkeys(NAMES, float("inf"))
        for number in range(1, ROUNDS + 1):
            for name in random.Random(number).sample(NAMES, len(NAMES)):
                given = [batch(rows, number)]
                began = time.perf_counter()
                ready[name].step(given)
                least[name] = min(least[name], time.perf_counter() - began)
    return least


def memory(name: str) -> int:
    """Largest resident bytes of a process that takes a few steps at 32 rows."""
    # Without these, what the allocator keeps for later differs by more than what is measured.
    steady = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
    made = subprocess.run(
        [sys.executable, __file__, name], capture_output=True, text=True, check=True,
        env=os.environ | steady,
    )  # fmt: skip
    return int(made.stdout)


def alone(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        one = training(name, 1, Path(place))
        one.done = 5_000
        for number in range(STEPS):
            one.step([batch(32, number)])
    told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    sys.stdout.write(f"{int(told[1]) * 1024}\n")


def main() -> None:
    found: dict[str, object] = {"benchmark": "flat_lora"}
    for threads in THREADS:
        for rows in ROWS:
            least = times(rows, threads)
            about = {"lora_seconds": round(least["lora"], 4)}
            about |= {f"{name}_to_lora": round(least[name] / least["lora"], 3)
                      for name in ("flat", "sam")}  # fmt: skip
            found[f"{threads} thread{'s' * (threads > 1)}, {rows} x {TOKENS}"] = about
    peaks = {name: memory(name) for name in NAMES}
    found["peak_bytes"] = peaks
    found["flat_over_lora_mib"] = round((peaks["flat"] - peaks["lora"]) / 2**20, 1)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    alone(sys.argv[1]) if len(sys.argv) > 1 else main()
