"""What one core takes of a Xilinx 7-series device, by Yosys: `synth_xilinx`, an estimate.

Module by module, without flattening: a lane is synthesised once and counted LANES times. Only the
multipliers of the dot products become DSP blocks; those of the requantisers and of the vector unit
go into LUTs, as `use_dsp` in the RTL asks.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.methods.kaleidoscope.simulator.design import CORE, HEADERS, digest
from engine.methods.kaleidoscope.simulator.process import Limits, execute

LIMITS = Limits(seconds=600.0)
PARTS = {"LUT": r"LUT\d", "DSP": r"DSP48E1", "FF": r"FD[RSCP]E", "carry": r"CARRY4"}
# LUTs that one distributed memory takes, and 18 Kbit blocks of a block memory.
LUT_MEMORIES = {"RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4, "RAM64X1S": 1, "RAM32X1S": 1}
BLOCKS = {"RAMB18E1": 1, "RAMB36E1": 2}


@dataclass(frozen=True)
class Resources:
    """Counts of one core. `cells` has all of Yosys' cell types."""

    dsp: int
    lut: int  # as logic
    lut_memory: int
    ff: int
    carry: int
    block_memory: int  # of 18 Kbit
    cells: dict[str, int]
    version: str
    rtl_hash: str


def available() -> bool:
    return shutil.which("yosys") is not None


def resources(
    *,
    lanes: int = 8,
    contexts: int = 1,
    limits: Limits = LIMITS,
    should_stop: Callable[[], bool] = lambda: False,
) -> Resources:
    """Synthesise one core. Raises ToolError, with the log's last lines, and Stopped."""
    with tempfile.TemporaryDirectory(prefix="yosys-") as made:
        folder = Path(made)
        (folder / "script.ys").write_text(_script(lanes=lanes, contexts=contexts))
        execute(
            ["yosys", "-q", "-s", "script.ys"],
            folder=folder,
            log=folder / "log",
            limits=limits,
            should_stop=should_stop,
        )
        report = (folder / "stat.json").read_text()
    cells = {name: int(n) for name, n in _totals(report).items()}
    total = Counter(
        {
            part: sum(n for name, n in cells.items() if re.fullmatch(pattern, name))
            for part, pattern in PARTS.items()
        }
    )
    return Resources(
        dsp=total["DSP"],
        lut=total["LUT"],
        lut_memory=sum(n * cells.get(name, 0) for name, n in LUT_MEMORIES.items()),
        ff=total["FF"],
        carry=total["carry"],
        block_memory=sum(n * cells.get(name, 0) for name, n in BLOCKS.items()),
        cells=cells,
        version=json.JSONDecoder().raw_decode(report, report.index('"Yosys'))[0],
        rtl_hash=digest((*HEADERS, *CORE)),
    )


def _totals(report: str) -> dict[str, int]:
    """Cells of the whole hierarchy. Yosys 0.23 misplaces a comma before this object."""
    start = report.index("{", report.index('"design":'))
    return json.JSONDecoder().raw_decode(report, start)[0]["num_cells_by_type"]


def _script(*, lanes: int, contexts: int) -> str:
    """synth_xilinx, stopped before DSP blocks are chosen to set other multipliers aside."""
    synth = "synth_xilinx -noiopad -top kal_core -run"
    parameters = {"LANES": lanes, "CONTEXTS": contexts}
    # Yosys names a module anew for parameters that are given: defaults are left alone.
    given = {k: v for k, v in parameters.items() if v != {"LANES": 8, "CONTEXTS": 1}[k]}
    lines = [
        f"read_verilog -sv -I{CORE[0].parent} {' '.join(map(str, CORE))}",
        *(f"chparam -set {name} {value} kal_core" for name, value in given.items()),
        f"{synth} begin:map_dsp",
        r"chtype -set $__soft_mul t:$mul r:A_WIDTH>8 %i",
        r"chtype -set $__soft_mul kal_byte/t:$mul",
        f"{synth} map_dsp:check",
        "tee -o stat.json stat -json",
    ]
    return "\n".join(lines) + "\n"
