"""The door from outside: what a person, a worker and a killed machine see of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from engine.core import events
from tests.engine.core.doors import (
    ROOT,
    SLOW,
    WAIT,
    Supervised,
    door,
    environment,
    events_of,
    result_of,
    series_of,
    start,
    wait_for_step,
    with_method,
)


def test_list_names_each_method(tmp_path):
    answer = door("list", "--json")
    assert answer.returncode == 0
    slugs = [json.loads(line)["slug"] for line in answer.stdout.splitlines()]
    assert "fake" in slugs
    assert "fake" in door("list").stdout


def test_listing_and_describing_load_nothing_heavy():
    heavy = ("torch", "transformers", "mne", "torch_geometric", "scipy", "sklearn", "numpy")
    code = (
        "import sys; from engine.__main__ import main; "
        "main(['list']); main(['describe', 'fake']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert child.stderr.strip() == "[]"


def test_threads_are_set_before_the_libraries_that_read_them_are_loaded(tmp_path):
    code = (
        "import os, sys; from engine.core import device; set_ = device.set_threads; "
        "device.set_threads = lambda n: (print('numpy' in sys.modules, n), set_(n)); "
        "from engine.__main__ import main; "
        f"main(['run', 'fake', '--threads', '2', '--out', {str(tmp_path)!r}]); "
        "print(os.environ['OMP_NUM_THREADS'], 'numpy' in sys.modules)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert child.stdout.splitlines() == ["False 2", "2 True"]


def test_describe_gives_the_card_with_its_parameter_schema():
    card = json.loads(door("describe", "fake").stdout)
    assert card["params"]["properties"]["scale"]["live"] is True
    assert card["defaults"]["steps"] == 50
    assert card["questions"][0]["name"] == "scale"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "nothing", "--out", "OUT"], "method: no method is called 'nothing'"),
        (["run", "fake", "--out", "OUT", "--set", "steps=many"], "steps: "),
        (["run", "fake", "--out", "OUT", "--set", "steps"], "--set: expected NAME=VALUE"),
        (["run", "fake", "--out", "OUT", "--set", "stride=1"], "stride: this method has no such"),
        (["run", "fake", "--out", "OUT", "--input", "graph=x"], "input graph: fake has no such"),
        (["run", "fake", "--out", "OUT", "--input", "data=/no"], "input data: no file or folder"),
        (["run", "fake", "--out", "OUT", "--seed", "-1"], "--seed: expected a whole number"),
        (["run", "fake", "--out", "OUT", "--seed", "abc"], "from 0 to 4294967295, got 'abc'; see"),
        (["run", "fake", "--out", "OUT", "--seed", "9" * 5000], "--seed: expected a whole number"),
        (["run", "fake", "--out", "OUT", "--device", "tpu"], "--device: expected one of auto, cpu"),
        (
            ["run", "fake", "--out", "OUT", "--checkpoint-every", "0"],
            "expected a number of seconds",
        ),
        (["run", "fake", "--out", "OUT", "--params", "/no"], "--params: expected a file, there is"),
        (
            ["run", "fake", "--out", "OUT", "--threads", "0"],
            "--threads: expected a whole number from 1 to 256, got '0'",
        ),
        (["run", "fake", "--out", "OUT", "--seeds", "4-0"], "seeds: "),
        (
            ["run", "fake", "--out", "OUT", "--seeds", "0-99999999999"],
            "seeds: expected at most 100 whole",
        ),
        (["run", "fake", "--out", "OUT", "--seeds", "0-1", "--set", "steps=-1"], "steps: "),
        (["run", "fake", "--out", "OUT", "--resume"], "holds no job to resume: there is no job.js"),
        (["run", "fake", "--out", "OUT", "--resume", "--seeds", "0-1"], "holds no group to resume"),
        (["run", "fake", "--out", "/proc/x"], "out: /proc/x: expected a folder that can be made"),
        (["describe", "nothing"], "method: "),
        (["check", "nothing", "x"], "kind: no kind is called 'nothing'"),
        (["ask", "OUT", "scale"], "job.json: no such file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, arguments, named):
    out = tmp_path / "out"
    answer = door(*[str(out) if word == "OUT" else word for word in arguments])
    assert answer.returncode == 2
    assert named in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not out.exists()  # the same command can be typed again, corrected


def test_run_ends_with_a_result_that_says_everything(tmp_path):
    answer = door("run", "fake", "--out", tmp_path, "--seed", 3, "--set", "steps=20")
    assert answer.returncode == 0, answer.stderr
    result = result_of(tmp_path)
    assert list(result) == [
        "method", "params", "seed", "device", "threads", "summary", "artifacts", "verifications",
        "environment", "seconds",
    ]  # fmt: skip
    assert (result["method"], result["seed"], result["threads"]) == ("fake", 3, 1)
    assert result["params"]["steps"] == 20
    assert result["summary"]["size"] is None
    assert result["summary"]["value"] == series_of(tmp_path)["value"][-1][1]
    assert [entry["ok"] for entry in result["verifications"]] == [True]
    assert {entry["path"] for entry in result["artifacts"]} == {
        "walk.json", "walk.png", "tables/walk.csv", "figures/walk.json",
    }  # fmt: skip
    assert result["environment"]["packages"]["numpy"]


def test_every_line_of_a_run_is_an_event_of_the_union(tmp_path):
    door("run", "fake", "--out", tmp_path, "--set", "steps=9", "--set", "checkpoint_each=4")
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    said = [events.read(line) for line in lines]
    assert [event.n for event in said] == list(range(1, len(said) + 1))
    assert (said[0].t, said[-1].t) == ("hello", "done")
    assert {"phase", "m", "p", "file", "ckpt", "verify", "use", "log"} <= {e.t for e in said}


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert door("run", "fake", "--out", tmp_path / name, "--seed", seed).returncode == 0
    assert series_of(tmp_path / "a") == series_of(tmp_path / "b")
    assert series_of(tmp_path / "a") != series_of(tmp_path / "c")


def test_an_error_in_a_method_is_exit_1_with_its_traceback_and_event(tmp_path):
    answer = door("run", "fake", "--out", tmp_path, "--set", "fail_at=3")
    assert answer.returncode == 1
    assert "Traceback" in answer.stderr
    last = events_of(tmp_path)[-1]
    assert (last["t"], last["kind"]) == ("fail", "error")
    assert last["message"] == "ZeroDivisionError: asked to fail at step 3"
    assert not (tmp_path / "result.json").exists()


def test_a_failure_that_is_understood_is_one_line_with_its_details_in_the_log(tmp_path):
    code = (
        "from engine.core.errors import Failure\n"
        "def run(run):\n    raise Failure('the tool failed', 'line 1\\nline 2')\n"
    )
    known = with_method(tmp_path, "broken", code)
    out = tmp_path / "out"
    answer = door("run", "broken", "--out", out, **known)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "the tool failed"
    assert "Traceback" not in answer.stderr
    log, last = events_of(out)[-2:]
    assert (log["t"], log["level"], log["text"]) == ("log", "error", "line 1\nline 2")
    assert (last["t"], last["kind"], last["message"]) == ("fail", "error", "the tool failed")


def test_a_run_leaves_no_temporary_file_behind(tmp_path):
    code = "import tempfile\ndef run(run):\n    return {'value': float(len(tempfile.mkstemp()))}\n"
    known = with_method(tmp_path, "litter", code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    out = tmp_path / "out"
    answer = door("run", "litter", "--out", out, **known, TMPDIR=str(scratch))
    assert answer.returncode == 0, answer.stderr
    assert not list(scratch.iterdir())


def test_nan_travels_as_a_string(tmp_path):
    assert door("run", "fake", "--out", tmp_path, "--set", "nan_at=2").returncode == 0
    assert series_of(tmp_path)["value"][2] == (2, "nan")


def test_kills_at_random_moments_leave_no_trace_in_the_numbers(tmp_path):
    settings = ["--seed", "5", "--set", "steps=400", "--set", "seconds_per_step=0.002"]
    settings += ["--set", "checkpoint_each=7"]
    calm, chaos = tmp_path / "calm", tmp_path / "chaos"
    assert door("run", "fake", "--out", calm, *settings).returncode == 0
    chance = random.Random(1)
    for kill in range(4):
        child = start("run", "fake", "--out", chaos, *settings, *(["--resume"] if kill else []))
        wait_for_step(chaos, chance.randint(80 * kill, 80 * kill + 60))
        child.kill()
        child.communicate(timeout=WAIT)
        assert child.returncode == -signal.SIGKILL
    with (chaos / "events.jsonl").open("ab") as file:
        file.write(b'{"n":99999,"w":1.0,"t":"m","s":1,"d":{"val')  # torn by the last kill
    assert door("run", "fake", "--out", chaos, "--resume").returncode == 0
    assert json.dumps(series_of(chaos)) == json.dumps(series_of(calm))
    assert result_of(chaos)["summary"] == result_of(calm)["summary"]
    assert result_of(chaos)["verifications"] == result_of(calm)["verifications"]
    numbers = [event["n"] for event in events_of(chaos)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("signum", "code", "kind"), [(signal.SIGINT, 130, "cancelled"), (signal.SIGTERM, 75, "stopped")]
)
def test_a_signal_ends_an_unsupervised_job_with_a_checkpoint(tmp_path, signum, code, kind):
    child = start("run", "fake", "--out", tmp_path, *SLOW)
    wait_for_step(tmp_path, 3)
    child.send_signal(signum)
    child.communicate(timeout=WAIT)
    assert child.returncode == code
    *_, checkpoint, use, last = events_of(tmp_path)
    assert (checkpoint["t"], use["t"], last["t"], last["kind"]) == ("ckpt", "use", "fail", kind)
    assert (tmp_path / checkpoint["path"]).exists()


def test_a_second_signal_ends_a_method_that_does_not_listen(tmp_path):
    child = start("run", "fake", "--out", tmp_path, *SLOW, "--set", "ignore_cancel=true")
    wait_for_step(tmp_path, 3)
    child.send_signal(signal.SIGINT)
    assert any(b"once more" in line for line in child.stderr)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.3)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=WAIT)
    assert child.returncode == 130
    assert events_of(tmp_path)[-1]["kind"] == "cancelled"


def test_an_unsupervised_job_never_reads_stdin(tmp_path):
    answer = door("run", "fake", "--out", tmp_path, stdin='{"c":"cancel"}\n')
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("message", "code", "kind"), [("cancel", 130, "cancelled"), ("stop", 75, "stopped")]
)
def test_a_supervisor_ends_a_job_by_a_message(tmp_path, message, code, kind):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW) as job:
        job.until("m", s=3)
        job.send({"c": message})
        ended, rest, _ = job.end()
    assert ended == code
    assert [event["t"] for event in rest[-3:]] == ["ckpt", "use", "fail"]
    assert rest[-1]["kind"] == kind
    assert [e for e in events_of(tmp_path) if e["t"] != "use"][-1] == rest[-1]


def test_a_supervisor_that_is_gone_stops_the_job(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW) as job:
        job.until("m", s=3)
        job.child.stdin.close()
        ended, rest, _ = job.end()
        job.child.stdin = open(os.devnull, "wb")  # noqa: SIM115 - closed with the job
    assert ended == 75
    assert "ckpt" in {event["t"] for event in rest}


def test_a_job_without_a_supervisor_leaves_even_deep_in_a_step(tmp_path):
    slow = ["--set", "seconds_per_step=50"]
    with Supervised("run", "fake", "--out", tmp_path, *slow, orphan_grace=0.2) as job:
        job.until("phase", name="walk")
        began = time.monotonic()
        job.child.stdin.close()
        ended, _, _ = job.end()
        job.child.stdin = open(os.devnull, "wb")  # noqa: SIM115 - closed with the job
    assert ended == 75
    assert time.monotonic() - began < 10


def test_a_broken_event_descriptor_stops_the_job_with_a_checkpoint(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW) as job:
        job.until("m", s=3)
        job.events.close()
        assert job.child.wait(WAIT) == 75
    assert [event["t"] for event in events_of(tmp_path)][-3:] == ["ckpt", "use", "fail"]


def test_control_changes_live_parameters_and_refuses_the_rest(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW, checkpoint_every=3600) as job:
        job.until("m", s=3)
        job.send(b"not json")
        warning = job.until("log", level="warning")
        assert "not JSON" in warning["text"]
        job.send({"c": "set", "values": {"steps": 4}})
        assert "steps: cannot change" in job.until("log", level="warning")["text"]
        job.send({"c": "set", "id": 7, "values": {"scale": -1}})
        assert "scale: " in job.until("log", level="warning")["text"]
        refused = job.until("set", id=7)
        assert "scale: " in refused["fault"]
        job.send({"c": "set", "id": 8, "values": {"scale": 2.5}})
        assert job.until("log", level="info")["text"] == "parameters changed: scale=2.5"
        taken = job.until("set")
        assert (taken["id"], taken["values"], taken.get("fault")) == (8, {"scale": 2.5}, None)
        assert taken["step"] >= 3
        job.until("ckpt")  # at once: a crash does not undo the change
        job.send({"c": "cancel"})
        assert job.end()[0] == 130


def test_a_resume_keeps_live_parameters_as_they_were(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW) as job:
        job.until("m", s=3)
        job.send({"c": "set", "values": {"scale": 2.5}})
        job.until("log", text="parameters changed: scale=2.5")
        job.send({"c": "stop"})
        assert job.end()[0] == 75
    with Supervised("run", "fake", "--out", tmp_path, "--resume") as job:
        hello = job.until("hello")
        job.until("m")
        job.send({"c": "set", "values": {"seconds_per_step": 0}})
        job.send({"c": "stop"})
        job.end()
    assert hello["resumed_from"] > 3
    said = "going on with scale=2.5, as it was changed while the job ran"
    assert said in [event.get("text") for event in events_of(tmp_path)]
    stored = sorted((tmp_path / "checkpoints").glob("*.safetensors"))[-1]
    from engine.core import checkpoint

    assert checkpoint.load(stored)["params"]["scale"] == 2.5


def test_a_running_job_answers_questions_between_its_steps(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, *SLOW) as job:
        job.until("m", s=3)
        job.send({"c": "ask", "id": "q1", "question": "scale", "set": {"factor": 2}})
        answer = job.until("answer")
        assert (answer["id"], answer["ok"]) == ("q1", False)
        assert "walk.json" in answer["error"]  # the fake writes it at its checkpoints
        job.send({"c": "checkpoint"})
        job.until("ckpt")
        job.send({"c": "ask", "id": "q2", "question": "scale", "set": {"factor": 2}})
        answer = job.until("answer")
        assert (answer["id"], answer["ok"]) == ("q2", True)
        assert len(answer["answer"]["path"]) > 3
        job.send({"c": "ask", "id": "q3", "question": "nope"})
        assert "has no 'nope'" in job.until("answer", id="q3")["error"]
        job.send({"c": "cancel"})
        job.end()


def test_stray_prints_do_not_reach_the_events(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path, "--set", "verbose=true") as job:
        code, rest, _ = job.end()
        assert b"a stray line" in job.child.stdout.read()
    assert code == 0
    assert all("n" in event for event in rest)
    assert rest == events_of(tmp_path)


def test_a_supervisor_decides_from_which_checkpoint_to_go_on(tmp_path):
    settings = ["--set", "steps=30", "--set", "checkpoint_each=5"]
    with Supervised("run", "fake", "--out", tmp_path, *settings) as job:
        code, rest, _ = job.end()
    assert code == 0
    kept = [event["n"] for event in rest if event["t"] == "ckpt"][-2]
    calm = series_of(tmp_path)
    with Supervised("run", "fake", "--out", tmp_path, "--resume", resume_at=kept) as job:
        code, again, _ = job.end()
    assert code == 0  # a finished job runs its lost part again: the supervisor never saw it
    assert (again[0]["n"], again[0]["resumed_from"]) == (kept + 1, kept)
    assert series_of(tmp_path) == calm


def test_a_mistake_is_told_to_the_supervisor_too(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path / "out", "--set", "steps=-1") as job:
        code, rest, stderr = job.end()
    assert code == 2
    assert (rest[0]["t"], rest[0]["kind"], rest[0]["where"]) == ("fail", "input", "steps")
    assert stderr.startswith("steps: ")


def test_memory_beyond_the_limit_fails_with_a_line_that_says_so(tmp_path):
    greedy = ["--set", "memory_mb=4000"]
    with Supervised("run", "fake", "--out", tmp_path, *greedy, memory=1_500_000_000) as job:
        code, rest, stderr = job.end()
    assert code == 1
    assert "limit of 1.40 GiB" in rest[-1]["message"]
    assert "limit of 1.40 GiB" in stderr.splitlines()[-1]


def test_check_answers_with_a_report(tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"idx_train": [0, 1], "idx_val": [2], "idx_test": [3]}')
    bad.write_text('{"idx_train": [0, 0], "idx_val": ["x"]}')
    answer = door("check", "split", good)
    report = json.loads(answer.stdout)
    assert (answer.returncode, report["ok"], report["facts"]["train"]) == (0, True, 2)
    answer = door("check", "split", bad)
    report = json.loads(answer.stdout)
    assert (answer.returncode, report["ok"]) == (2, False)
    assert "error" in {line["level"] for line in report["report"]}


def test_an_input_is_loaded_through_its_kind(tmp_path):
    split = tmp_path / "split.json"
    split.write_text('{"idx_train": [0, 1, 4], "idx_val": [2], "idx_test": [3]}')
    out = tmp_path / "out"
    assert door("run", "fake", "--out", out, "--input", f"data={split}").returncode == 0
    assert result_of(out)["summary"]["size"] == 3.0
    split.write_text("[")
    with Supervised("run", "fake", "--out", tmp_path / "b", "--input", f"data={split}") as job:
        code, rest, stderr = job.end()
    assert code == 2
    assert stderr.splitlines()[-1].startswith("input data: ")
    assert rest[-1]["where"].startswith("input data")
