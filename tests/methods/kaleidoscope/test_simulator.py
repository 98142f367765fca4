"""Tools found and missing, the build cache, limits, cancel, and what counts as a failure."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.simulator import tools
from engine.methods.kaleidoscope.simulator.build import build, lint
from engine.methods.kaleidoscope.simulator.design import cores
from engine.methods.kaleidoscope.simulator.process import Limits, Stopped, ToolError, execute
from engine.methods.kaleidoscope.simulator.records import Job, write_stimulus
from engine.methods.kaleidoscope.simulator.run import LOG, run
from tests.methods.kaleidoscope.layers import image, mlp32, verdict
from tests.methods.kaleidoscope.simulated import CACHE, backend, binary, mutated, simulate

MLP = mlp32(np.random.default_rng(0))
ENDLESS = [sys.executable, "-c", "import time\nwhile True: print('x', flush=True); time.sleep(.01)"]


def jobs(n: int) -> list[Job]:
    return [Job(np.zeros((1, 32), np.int8)) for _ in range(n)]


def test_verilator_on_the_path_comes_first_and_the_model_last():
    kinds = [found.kind for found in tools.find()]
    assert kinds == sorted(kinds, key=["verilator", "icarus", "model"].index)
    assert kinds[-1] == "model"
    backend("verilator")
    assert kinds[0] == "verilator"


def test_without_tools_the_model_is_left_with_its_badge(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    (found,) = tools.find()
    assert (found.kind, found.badge, found.cycle_accurate_rtl) == ("model", "model, not RTL", False)


def test_a_tool_that_does_not_work_counts_as_missing(monkeypatch, tmp_path):
    for name in ("verilator", "iverilog", "vvp", "g++"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    assert [found.kind for found in tools.find()] == ["model"]


@pytest.mark.parametrize("kind", ["verilator", "icarus"])
@pytest.mark.parametrize("design", [{"lanes": 8}, {"lanes": 32}, {"contexts": 2}, {"count": 8}])
def test_the_rtl_is_lint_clean(kind, design, tmp_path):
    assert lint(backend(kind), cores(**design), folder=tmp_path) == ""


def test_the_lint_sees_a_fault(tmp_path):
    design = cores()
    sources = []
    for path in design.sources:
        if path.name == "kal_byte.v":
            text = path.read_text().replace("[7:0] low3", "[8:0] low3")
            path = tmp_path / path.name
            path.write_text(text)
        sources.append(path)
    faulty = replace(design, sources=tuple(sources))
    assert "WIDTH" in lint(backend("verilator"), faulty, folder=tmp_path)


# ---- build --------------------------------------------------------------------------------------


def test_a_binary_is_built_once(tmp_path):
    first = build(backend("icarus"), cores(), cache=tmp_path)
    again = build(backend("icarus"), cores(), cache=tmp_path)
    assert (first.cached, again.cached, first.key) == (False, True, again.key)
    assert first.rtl_hash == cores().rtl_hash


@pytest.mark.parametrize(
    "other", [{"lanes": 32}, {"contexts": 2}, {"count": 2}], ids=lambda other: next(iter(other))
)
def test_other_parameters_are_another_binary(other, tmp_path):
    keys = {build(backend("icarus"), cores(**d), cache=tmp_path).key for d in ({}, other)}
    assert len(keys) == 2


def test_another_compiler_at_the_same_path_is_another_binary():
    known = binary("verilator", lanes=8)
    assert re.search(r"\d+\.\d+", known.backend.compiler_version)
    newer = replace(known.backend, compiler_version="g++ (Debian) 99.1")
    again = lambda found: build(  # noqa: E731
        found, cores(lanes=8), cache=CACHE, optimise=0, should_stop=lambda: True
    )
    assert again(known.backend).key == known.key
    with pytest.raises(Stopped):  # it would be built anew
        again(newer)


def test_other_rtl_is_another_binary(tmp_path):
    one = build(backend("icarus"), cores(), cache=tmp_path)
    two = mutated(cores(), "kal_lane.v", "total >>> s6", "total >>> 5'd3", tmp_path)
    assert one.key != two.key
    assert one.rtl_hash != two.rtl_hash


def test_builders_at_once_do_no_harm(tmp_path):
    made = []
    threads = [
        threading.Thread(
            target=lambda: made.append(build(backend("icarus"), cores(), cache=tmp_path))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({b.key for b in made}) == 1 == len(list(tmp_path.iterdir()))
    (tmp_path / "run").mkdir()
    simulate(made[0], MLP, np.zeros((1, 1, 32), np.int8), tmp_path / "run")


@pytest.mark.parametrize("garbage", ["empty", "full", "file"])
def test_what_is_no_simulator_is_built_over(garbage, tmp_path):
    icarus, cache = backend("icarus"), tmp_path / "cache"
    folder = cache / build(icarus, cores(), cache=cache).key
    shutil.rmtree(folder)
    if garbage == "file":
        folder.write_text("x")
    else:
        folder.mkdir()
    if garbage == "full":
        (folder / "junk").write_text("x")
    found = build(icarus, cores(), cache=cache)
    assert not found.cached
    assert Path(found.command[-1]).is_file()
    assert [path.name for path in cache.iterdir()] == [found.key]


def test_what_a_killed_builder_left_goes_with_the_next_build(tmp_path):
    for name, age in (("0123456789ab-killed", 4000), ("0123456789ab-at_work", 10)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    found = build(backend("icarus"), cores(), cache=tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"0123456789ab-at_work", found.key}


def test_a_cache_that_takes_no_files_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file: File exists; expected a folder"):
        build(backend("icarus"), cores(), cache=tmp_path / "file")


def test_a_failed_build_shows_the_end_of_its_log_and_leaves_nothing(tmp_path):
    with pytest.raises(ToolError, match=r"^iverilog failed with exit code \d+$") as caught:
        mutated(cores(), "kal_lane.v", "total >>> s6", "no_such_name", tmp_path)
    assert "no_such_name" in caught.value.details
    assert list((tmp_path / "cache").iterdir()) == []


# ---- run ----------------------------------------------------------------------------------------


def test_a_run_tells_its_progress_and_logs_what_ran(tmp_path):
    simulator, heard = binary("verilator", lanes=8), []
    write_stimulus(tmp_path, MLP, jobs(5000))
    ran = run(simulator, tmp_path, on_progress=heard.append)
    assert ran.cycles == 5000 * 32 + 1
    assert ran.cycles_per_second > 1000
    assert heard[0][0] < heard[1][0] < heard[-1][0]
    assert heard[-1] == (ran.cycles, 5000)
    log = (tmp_path / LOG).read_text()
    assert simulator.backend.version in log
    assert cores().rtl_hash in log


def test_a_cancelled_run_leaves_no_process(tmp_path):
    write_stimulus(tmp_path, MLP, [*jobs(3), Job(np.zeros((1, 32), np.int8), at=1 << 29)])
    began = time.monotonic()
    with pytest.raises(Stopped):
        run(
            binary("icarus", lanes=8),
            tmp_path,
            should_stop=lambda: time.monotonic() > began + 0.5,
        )
    assert time.monotonic() < began + 10
    assert left_in(tmp_path) == []


def test_a_whole_group_is_killed_even_if_it_will_not_listen(tmp_path):
    script = "trap '' TERM; sleep 600 & echo $!; while true; do sleep 1; done"
    heard = []
    with pytest.raises(ToolError, match="sh took more than 1 s"):
        execute(
            ["/bin/sh", "-c", script],
            folder=tmp_path,
            log=tmp_path / "log",
            limits=Limits(seconds=1),
            on_line=heard.append,
        )
    assert left_in(tmp_path) == []
    assert len(heard) == 1


def test_a_simulator_dies_with_the_process_that_started_it(tmp_path):
    """Killed without a chance to clean up, as a supervisor kills a job's group."""
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from engine.methods.kaleidoscope.simulator.process import execute, Limits\n"
        "f = Path(sys.argv[1])\n"
        f"execute({ENDLESS!r}, folder=f, log=f / 'log', limits=Limits(),"
        " on_line=lambda line: print(line, flush=True))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "x\n"
    assert len(processes_in(tmp_path)) == 2  # the keeper, and the simulator
    parent.kill()
    parent.communicate()
    assert left_in(tmp_path) == []


def test_a_tools_own_children_die_with_the_job_at_once(tmp_path):
    """As a compiler's do, which for seconds would go on with what nobody waits for."""
    script = "sleep 600 & trap '' TERM HUP; sh -c 'trap \"\" TERM HUP; sleep 600; true'"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from engine.methods.kaleidoscope.simulator.process import execute, Limits\n"
        "f = Path(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        f"execute(['/bin/sh', '-c', {script!r}], folder=f, log=f / 'log', limits=Limits())"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "ready\n"
    end = time.monotonic() + 10
    while len(processes_in(tmp_path)) < 5 and time.monotonic() < end:
        time.sleep(0.02)
    assert len(processes_in(tmp_path)) == 5  # keeper, two shells, two sleeps
    parent.kill()
    parent.communicate()
    killed = time.monotonic()
    assert left_in(tmp_path) == []
    assert time.monotonic() < killed + 2


def test_a_tool_that_a_signal_ends_is_told_by_it(tmp_path):
    with pytest.raises(ToolError, match="sh ended by signal 11"):
        execute(
            ["/bin/sh", "-c", "kill -SEGV $$"],
            folder=tmp_path,
            log=tmp_path / "log",
            limits=Limits(),
        )


def test_a_tool_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ToolError, match=r"^no_such_tool failed with exit code 127$") as caught:
        execute(["no_such_tool"], folder=tmp_path, log=tmp_path / "log", limits=Limits())
    assert caught.value.details == "no_such_tool: No such file or directory"


def left_in(folder: Path) -> list[int]:
    """Processes that are there after a moment: one that was killed takes a while to end."""
    end = time.monotonic() + 5
    while processes_in(folder) and time.monotonic() < end:
        time.sleep(0.02)
    return processes_in(folder)


def processes_in(folder: Path) -> list[int]:
    """Living processes whose working directory is the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


@pytest.mark.parametrize("kind", ["verilator", "icarus"])
def test_a_bench_without_stimulus_fails_with_its_words(kind, tmp_path):
    with pytest.raises(ToolError, match=r"exit code 1$") as caught:
        run(binary(kind, lanes=8), tmp_path)
    assert "cannot open stimulus" in caught.value.details


@pytest.mark.parametrize("kind", ["verilator", "icarus"])
def test_a_core_that_never_answers_is_stopped_at_the_limit(kind, tmp_path):
    silent = replace(MLP, program=np.zeros(1024, np.uint64))  # NOPs only
    write_stimulus(tmp_path, silent, jobs(1), limit=500)
    with pytest.raises(ToolError) as caught:
        run(binary(kind, lanes=8), tmp_path)
    assert "cycle limit was reached" in caught.value.details


def test_x_in_an_output_of_icarus_is_a_failure(tmp_path):
    """A weight row that nothing loaded."""
    program = [verdict(a=0, w=1, row=0)]
    layer = image(program, words=1, weights=np.ones((1, 8, 32)), bias=np.zeros((1, 8)))
    with pytest.raises(ToolError, match=r"results\.txt line \d+: .*x.* is not a number"):
        simulate(binary("icarus", lanes=8), layer, np.ones((1, 1, 32), np.int8), tmp_path)


def test_files_of_the_cache_are_no_one_elses_to_write(tmp_path):
    build(backend("icarus"), cores(), cache=tmp_path)
    modes = [path.stat().st_mode for path in tmp_path.rglob("*")]
    assert not any(mode & stat.S_IWOTH for mode in modes)
    assert os.access(tmp_path, os.W_OK)
