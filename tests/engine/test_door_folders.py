"""The folder of a run, from outside: whose it is, what a group keeps in it, how it goes on."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from tests.engine.core.doors import (
    SLOW,
    WAIT,
    Supervised,
    door,
    events_of,
    result_of,
    series_of,
    start,
    wait_for_step,
    with_method,
)


def test_a_folder_that_holds_a_job_is_not_overwritten(tmp_path):
    assert door("run", "fake", "--out", tmp_path).returncode == 0
    before = (tmp_path / "events.jsonl").read_bytes()
    answer = door("run", "fake", "--out", tmp_path)
    assert answer.returncode == 2
    assert "already holds a job" in answer.stderr
    again = door("run", "fake", "--out", tmp_path, "--resume")
    assert (again.returncode, "done already" in again.stderr) == (0, True)
    assert (tmp_path / "events.jsonl").read_bytes() == before


def test_a_resume_does_not_change_what_decides_the_numbers(tmp_path):
    answer = door("run", "fake", "--out", tmp_path, "--set", "fail_at=3", "--seed", "1")
    assert answer.returncode == 1
    for change in (["--set", "steps=9"], ["--seed", "2"], ["--threads", "2"]):
        refused = door("run", "fake", "--out", tmp_path, "--resume", *change)
        assert refused.returncode == 2
        assert "run a new one" in refused.stderr


def test_a_group_runs_each_seed_and_says_the_spread(tmp_path):
    settings = ["--set", "steps=10"]
    assert door("run", "fake", "--out", tmp_path, "--seeds", "0,2", *settings).returncode == 0
    alone = tmp_path / "alone"
    assert door("run", "fake", "--out", alone, "--seed", 2, *settings).returncode == 0
    ours = [result_of(tmp_path / f"seed-{seed}")["summary"]["value"] for seed in (0, 2)]
    assert ours[1] == result_of(alone)["summary"]["value"]
    group = result_of(tmp_path)
    assert group["seeds"] == [0, 2]
    assert group["summary"]["value"] == pytest.approx(sum(ours) / 2)
    assert group["spread"]["value"]["n"] == 2
    assert group["spread"]["value"]["ci95"] == pytest.approx(
        12.7062047 * abs(ours[0] - ours[1]) / 2
    )
    assert group["paired"]["flat"]["value"]["n"] == 2


def test_a_group_is_asked_through_one_of_its_jobs(tmp_path):
    door("run", "fake", "--out", tmp_path, "--seeds", "4,2", "--set", "steps=3")
    answer = door("ask", tmp_path, "scale")
    assert answer.returncode == 2
    assert answer.stderr == f"folder: expected one job of this group, such as {tmp_path}/seed-4\n"


def test_a_group_whose_job_is_killed_ends_as_a_shell_tells_it(tmp_path):
    answer = door("run", "fake", "--out", tmp_path, "--seeds", "0-1", "--set", "crash_at=2")
    assert answer.returncode == 128 + signal.SIGKILL
    assert "seed 0 ended with exit code 137; --resume goes on" in answer.stderr


def test_a_group_hands_each_seed_the_whole_request(tmp_path):
    params = tmp_path / "params.json"
    params.write_text('{"steps": 7, "scale": 3.0}')
    out = tmp_path / "out"
    asked = ["--params", params, "--set", "scale=2", "--threads", "2"]
    assert door("run", "fake", "--out", out, "--seeds", "1", *asked).returncode == 0
    result = result_of(out)
    assert (result["params"]["steps"], result["params"]["scale"]) == (7, 2.0)
    assert result["threads"] == result_of(out / "seed-1")["threads"] == 2


def test_a_supervised_group_is_refused(tmp_path):
    with Supervised("run", "fake", "--out", tmp_path / "out", "--seeds", "0-1") as job:
        code, rest, _ = job.end()
    assert code == 2
    assert rest[0]["where"] == "seeds"


@pytest.mark.parametrize("which", [[], ["--seeds", "0-1"]])
def test_a_refused_input_leaves_nothing_and_may_come_again_corrected(tmp_path, which):
    split, out = tmp_path / "split.json", tmp_path / "deep" / "out"
    asked = ["run", "fake", "--out", out, "--input", f"data={split}", *which]
    split.write_text("[")
    answer = door(*asked)
    assert answer.returncode == 2
    assert "input data: " in answer.stderr
    assert "--resume" not in answer.stderr
    assert not out.parent.exists()
    split.write_text('{"idx_train": [0, 1, 4], "idx_val": [2], "idx_test": [3]}')
    assert door(*asked).returncode == 0
    assert result_of(out)["summary"]["size"] == 3.0


def test_a_refused_request_takes_nothing_of_a_folder_that_was_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    split = tmp_path / "split.json"
    split.write_text("[")
    assert door("run", "fake", "--out", tmp_path, "--input", f"data={split}").returncode == 2
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "split.json"}


def test_a_resume_that_fails_on_its_input_keeps_what_it_has(tmp_path):
    asked = ["run", "fake", "--out", tmp_path, "--set", "steps=5", "--set", "checkpoint_each=2"]
    assert door(*asked, "--set", "fail_at=4").returncode == 1
    split = tmp_path / "split.json"
    split.write_text("[")
    resumed = ["run", "fake", "--out", tmp_path, "--resume", "--input", f"data={split}"]
    assert door(*resumed).returncode == 2
    assert events_of(tmp_path)[-1]["where"].startswith("input data")
    assert list((tmp_path / "checkpoints").iterdir())


def test_a_first_attempt_that_fails_on_its_input_late_keeps_what_it_has(tmp_path):
    code = (
        "from engine.core.errors import UserError\n"
        "def run(run):\n"
        "    run.table('found', ['n'], [[1]], title='Found')\n"
        "    raise UserError('data', 'expected more of it')\n"
    )
    known = with_method(tmp_path, "late", code)
    answer = door("run", "late", "--out", tmp_path / "out", **known)
    assert answer.returncode == 2
    assert events_of(tmp_path / "out")[-1]["where"] == "data"
    assert (tmp_path / "out/tables/found.csv").exists()


def test_a_folder_in_use_is_refused_until_its_run_has_ended(tmp_path):
    child = start("run", "fake", "--out", tmp_path, *SLOW)
    wait_for_step(tmp_path, 3)
    for again in ([], ["--resume"], ["--seeds", "0-1"]):
        answer = door("run", "fake", "--out", tmp_path, *again)
        assert answer.returncode == 2
        assert answer.stderr == (
            f"out: expected a folder that no other run uses; one is at work in {tmp_path}\n"
        )
    child.kill()  # a crash leaves the file of the lock, and nobody who holds it
    child.communicate(timeout=WAIT)
    assert (tmp_path / ".lock").exists()
    child = start("run", "fake", "--out", tmp_path, "--resume")
    assert any(b"walk" in line for line in child.stderr)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=WAIT)
    assert child.returncode == 75
    assert not (tmp_path / ".lock").exists()


def test_of_runs_that_start_together_one_has_the_folder(tmp_path):
    slow = ["--set", "steps=20", "--set", "seconds_per_step=0.05"]
    children = [start("run", "fake", "--out", tmp_path / "out", *slow) for _ in range(4)]
    for child in children:
        child.communicate(timeout=WAIT)
    assert sorted(child.returncode for child in children) == [0, 2, 2, 2]
    numbers = [event["n"] for event in events_of(tmp_path / "out")]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A group of the seeds 0 and 1 that was stopped in its second, with its data and settings."""
    folder = tmp_path_factory.mktemp("stopped") / "group"
    split = folder.parent / "split.json"
    split.write_text('{"idx_train": [0, 1, 4], "idx_val": [2], "idx_test": [3]}')
    settings = ["--set", "steps=300", "--set", "seconds_per_step=0.003", "--set", "baselines="]
    settings += ["--input", f"data={split}", "--threads", "2"]
    child = start("run", "fake", "--out", folder, "--seeds", "0-1", *settings)
    wait_for_step(folder / "seed-1", 3)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=WAIT)
    assert child.returncode == 75
    assert not (folder / "result.json").exists()
    return folder


@pytest.mark.parametrize("again", [[], ["--seeds", "0-1"], ["--seeds", "1,0", "--threads", "2"]])
def test_a_group_that_was_stopped_goes_on_with_what_is_missing(tmp_path, stopped, again):
    folder = shutil.copytree(stopped, tmp_path / "group")
    done = (folder / "seed-0/events.jsonl").read_bytes()
    answer = door("run", "fake", "--resume", "--out", folder, *again)
    assert answer.returncode == 0, answer.stderr
    result = result_of(folder)
    assert (result["seeds"], result["threads"], result["params"]["baselines"]) == ([0, 1], 2, [])
    assert result["summary"]["size"] == 3.0
    assert (folder / "seed-0/events.jsonl").read_bytes() == done
    assert len(series_of(folder / "seed-1")["value"]) == 300
    assert not list(folder.rglob(".lock"))
    again = door("run", "fake", "--resume", "--out", folder)
    assert (again.returncode, "this group is done already" in again.stderr) == (0, True)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "already holds a group"),
        (["--seeds", "0-1"], "already holds a group"),
        (["--seed", "0"], "already holds a group"),
        (["--resume", "--seed", "3"], "seed: "),
        (["--resume", "--seeds", "0-2"], "seeds: this group has 0,1"),
        (["--resume", "--set", "steps=9"], "steps: this job has 300"),
        (["--resume", "--set", "scale=2"], "scale: this job has 1.0"),
        (["--resume", "--threads", "1"], "threads: this job has 2"),
        (["--resume", "--input", "data=/no"], "input data: no file or folder"),
    ],
)
def test_a_group_is_not_changed_on_the_way(stopped, words, named):
    before = sorted(stopped.rglob("*"))
    answer = door("run", "fake", "--out", stopped, *words)
    assert answer.returncode == 2
    assert named in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert sorted(stopped.rglob("*")) == before


def test_a_group_of_another_method_is_not_gone_on_with(stopped):
    answer = door("run", "gagn", "--resume", "--out", stopped)
    assert (answer.returncode, answer.stderr) == (2, f"method: {stopped} holds a job of fake\n")


def test_a_group_does_not_take_in_a_job_that_was_put_into_its_place(tmp_path, stopped):
    folder = shutil.copytree(stopped, tmp_path / "group")
    shutil.rmtree(folder / "seed-1")
    assert door("run", "fake", "--out", folder / "seed-1", "--set", "steps=5").returncode == 0
    answer = door("run", "fake", "--resume", "--out", folder)
    assert answer.returncode == 2
    assert "seed-1/job.json is not the request of this group" in answer.stderr


@pytest.mark.parametrize("text", ["{}", "[", '{"seeds": 3}', "SEEDLESS"])
def test_a_broken_record_of_a_group_is_named(tmp_path, stopped, text):
    record = json.loads((stopped / "group.json").read_text())
    seedless = json.dumps({**record, "seeds": "0-1"})
    (tmp_path / "group.json").write_text(seedless if text == "SEEDLESS" else text)
    answer = door("run", "fake", "--resume", "--out", tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{tmp_path}/group.json: ")
    assert len(answer.stderr.splitlines()) == 1


def test_a_folder_of_a_job_takes_no_group(finished):
    for words in (["--seeds", "0-1"], ["--seeds", "0-1", "--resume"]):
        answer = door("run", "fake", "--out", finished, *words)
        assert answer.returncode == 2
        assert "holds a single job" in answer.stderr


def test_a_finished_job_is_not_resumed_under_another_seed(finished):
    answer = door("run", "fake", "--resume", "--seed", "3", "--out", finished)
    assert (answer.returncode, answer.stderr) == (2, "seed: this job has 0: run a new one\n")


def test_an_empty_folder_has_no_job_to_resume_and_stays_empty(tmp_path):
    answer = door("run", "fake", "--resume", "--out", tmp_path)
    assert answer.returncode == 2
    assert answer.stderr == f"out: {tmp_path} holds no job to resume: there is no job.json\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", "method: expected a value, got nothing"),
        ("[", "expected JSON"),
        ("[" * 100_000, "expected JSON that is nested less deeply"),
        ("9" * 5000, "expected JSON without numbers of thousands of digits"),
        ("[]", "parameters: "),
        ('{"method": "nope", "params": {}, "inputs": {}, "seed": 0, "device": "", "threads": 1}',
         "method: no method is called 'nope'"),
        ('{"method": "fake", "params": {"steps": -1}, "inputs": {}, "seed": 0, "device": "cpu", '
         '"threads": 1}', "steps: "),
        ('{"method": "fake", "params": {}, "inputs": {}, "seed": -1, "device": "cpu", '
         '"threads": 1}', "seed: "),
    ],
)  # fmt: skip
def test_a_broken_job_json_is_named(tmp_path, text, named):
    (tmp_path / "job.json").write_text(text)
    for words in (["ask", tmp_path, "scale"], ["run", "fake", "--resume", "--out", tmp_path]):
        answer = door(*words)
        assert answer.returncode == 2
        assert answer.stderr.startswith(f"{tmp_path}/job.json: {named}")
        assert len(answer.stderr.splitlines()) == 1
