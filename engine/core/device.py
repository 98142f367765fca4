"""Where the numbers are computed: the device, the threads, and torch made repeatable."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from engine.core.errors import UserError

DEVICES = ("auto", "cpu", "cuda")
DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def resolve(asked: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda"; refuses a GPU that is not there."""
    if asked not in DEVICES:
        raise UserError("device", f"one of {', '.join(DEVICES)}, got {asked!r}")
    if asked == "cpu":
        return "cpu"
    if asked == "auto" and not any(Path(driver).exists() for driver in DRIVERS):
        return "cpu"  # known without the seconds that importing torch takes
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise UserError("device", "cuda was asked for, and torch finds no GPU on this machine")
    return "cpu"


def set_threads(threads: int) -> None:
    """Tell the libraries that are not loaded yet; they read these variables as they load."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    # Without it cuBLAS may choose another order of summation from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def settle(seed: int, threads: int) -> None:
    """Make what is global repeatable: threads, the global generators, torch's algorithms.

    Methods draw from `run.rng` and `run.torch_rng`; libraries that they call (dropout,
    initial weights) draw from the global generators. Operations without a deterministic
    form warn instead of failing.
    """
    from engine.core.seed import entropy  # numpy, which reads the thread variables as it loads

    random.seed(entropy(seed, "python"))
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(entropy(seed, "numpy") % 2**32)
    if "torch" not in sys.modules:
        return
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(entropy(seed, "torch"))
    # `use_deterministic_algorithms` sets the same and loads torch's compiler: 1.5 s and 80 MB.
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time, changes no result
    torch.backends.cudnn.benchmark = False
