"""What a method can do with its Run, and what it is refused."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from engine.core import checkpoint
from engine.core.control import Stop
from tests.engine.core.doors import events_of


def test_numbers_of_a_step_are_logged_as_given(run, tmp_path):
    run.log(0, **{"loss": 0.5, "baseline.gcn.test_accuracy": np.float32(0.25)})
    run.log(np.int64(7), loss=math.inf)
    first, second = events_of(tmp_path)
    assert (first["s"], first["d"]) == (0, {"loss": 0.5, "baseline.gcn.test_accuracy": 0.25})
    assert (second["s"], second["d"]) == (7, {"loss": "inf"})


@pytest.mark.parametrize("key", ["Loss", "loss of it", "loss.", ".loss", "a" * 201, 'a"b', "é", ""])
def test_a_metric_key_is_lower_case_with_dots(run, key):
    with pytest.raises(ValueError, match="metric key"):
        run.log(0, **{key: 1.0})


def test_a_job_has_at_most_5000_keys(run):
    run.log(0, **{f"k{number}": 0.0 for number in range(5000)})
    run.log(1, k17=1.0)
    with pytest.raises(ValueError, match="5000"):
        run.log(1, one_more=1.0)


def test_what_a_result_depends_on_is_told_and_outlives_a_checkpoint(new_run, tmp_path):
    before = new_run()
    before.depends_on(backend="icarus", rtl="0a1b")
    assert events_of(tmp_path)[-1]["environment"] == {"backend": "icarus", "rtl": "0a1b"}
    before.checkpoint({}, step=0)
    assert new_run().environment == {"backend": "icarus", "rtl": "0a1b"}


@pytest.mark.parametrize("step", [-1, 1.5, "1"])
def test_a_step_counts_from_zero(run, step):
    with pytest.raises((ValueError, TypeError)):
        run.log(step, loss=1.0)


def test_streams_depend_on_their_name_and_not_on_the_order_of_use(new_run):
    first = new_run()
    a, b = first.rng("a").random(), first.rng("b").random()
    second = new_run()
    assert (second.rng("b").random(), second.rng("a").random()) == (b, a)
    assert a != b
    assert new_run(seed=1).rng("a").random() != a


def test_a_restored_job_draws_what_it_would_have_drawn(new_run):
    before = new_run()
    before.rng("used").random(5)
    before.rng("idle")
    before.checkpoint({"step": 3}, step=3)
    expected = (before.rng("used").random(), np.random.random(), before.rng("idle").random())
    after = new_run()
    early = after.rng("used")  # asked for before restore, and put right by it
    assert after.restore() == {"step": 3}
    assert (early.random(), np.random.random(), after.rng("idle").random()) == expected


def test_torch_streams_go_on_after_a_restore_too(new_run):
    import torch

    before = new_run()
    torch.rand(3, generator=before.torch_rng("dropout"))
    before.checkpoint({"weights": torch.ones(2, dtype=torch.bfloat16)}, step=0)
    expected = torch.rand(3, generator=before.torch_rng("dropout")), torch.rand(3)
    after = new_run()
    assert torch.equal(after.restore()["weights"], torch.ones(2, dtype=torch.bfloat16))
    assert torch.equal(torch.rand(3, generator=after.torch_rng("dropout")), expected[0])
    assert torch.equal(torch.rand(3), expected[1])


def test_rewound_streams_start_at_their_beginning_and_stay_there_in_a_checkpoint(new_run):
    run = new_run()
    first = run.rng("talk").random(3), run.torch_rng("drop").initial_seed()
    run.rewind()
    run.checkpoint({}, step=0)
    after = new_run()
    after.restore()
    for again in (run, after):
        assert again.rng("talk").random(3).tolist() == first[0].tolist()
        assert again.torch_rng("drop").initial_seed() == first[1]


def test_restore_gives_nothing_to_a_new_job(run):
    assert run.restore() is None
    with pytest.raises(RuntimeError, match="once"):
        run.restore()


def test_the_two_newest_checkpoints_and_the_best_are_kept(run, tmp_path):
    for step in range(6):
        run.checkpoint({"step": step}, step=step, best=step == 1)
    kept = checkpoint.numbered(tmp_path / "checkpoints")
    assert [checkpoint.load(path)["step"] for path in kept.values()] == [1, 4, 5]


def test_the_best_checkpoint_survives_a_resume(new_run, tmp_path):
    before = new_run()
    for step in range(3):
        before.checkpoint({}, step=step, best=step == 0)
    after = new_run()
    for step in range(3, 6):
        after.checkpoint({}, step=step)
    kept = checkpoint.numbered(tmp_path / "checkpoints")
    assert [checkpoint.load(path)["step"] for path in kept.values()] == [0, 4, 5]


def test_a_resumed_job_goes_on_counting_and_forgets_what_came_after(new_run, tmp_path):
    before = new_run()
    before.log(0, loss=1.0)
    before.verify("kept", 1, 1, 0)
    before.checkpoint({}, step=0)
    before.log(1, loss=2.0)
    before.verify("forgotten", 1, 1, 0)
    after = new_run()
    after.log(1, loss=3.0)
    assert [event["n"] for event in events_of(tmp_path)] == [1, 2, 3, 4]
    assert events_of(tmp_path)[-1]["d"] == {"loss": 3.0}
    assert [entry["oracle"] for entry in after.verifications] == ["kept"]


def test_a_checkpoint_is_due_after_its_interval_or_when_asked(new_run, control):
    patient = new_run()
    assert not patient.checkpoint_due()
    control.checkpoint_wanted = True
    assert patient.checkpoint_due()
    patient.checkpoint({}, step=0)
    assert not patient.checkpoint_due()
    assert new_run(checkpoint_every=0).checkpoint_due()


def test_a_job_that_is_to_end_ends_at_its_checkpoint(run, control, tmp_path):
    control.end("stopped")
    assert run.checkpoint_due()
    with pytest.raises(Stop) as stop:
        run.checkpoint({"step": 4}, step=4)
    assert stop.value.kind == "stopped"
    assert len(checkpoint.numbered(tmp_path / "checkpoints")) == 1


def test_a_cancel_is_not_taken_back_by_a_later_stop(run, control):
    control.end("cancelled")
    control.end("stopped")
    with pytest.raises(Stop) as stop:
        run.stop_here()
    assert stop.value.kind == "cancelled"


def test_a_method_that_left_its_loop_when_told_has_not_finished(run, control):
    assert not run.should_stop()
    control.end("cancelled")
    assert run.should_stop()
    with pytest.raises(Stop):
        run.finish({"value": 1.0})


def test_a_method_that_was_never_told_has_finished(run, control):
    control.end("cancelled")
    assert run.finish({"value": 1.0}) == {"value": 1.0}


def test_a_summary_holds_plain_numbers_and_null(run):
    kept = run.finish({"a": np.float32(0.5), "b": math.nan, "c": None, "d.e": 3})
    assert kept == {"a": 0.5, "b": None, "c": None, "d.e": 3.0}
    assert all(type(value) in (float, type(None)) for value in kept.values())


@pytest.mark.parametrize("summary", [None, {"Bad Key": 1.0}, {"a": "much"}])
def test_a_summary_that_is_none_is_refused(run, summary):
    with pytest.raises((TypeError, ValueError)):
        run.finish(summary)


def test_an_artifact_appears_whole_or_not_at_all(run, tmp_path):
    about = {"title": "Edges", "role": "inspector", "media": "application/json"}
    with run.artifact("inspector/edges.json", **about, kind="graph", facts={"nodes": 3}) as path:
        path.write_text("{}")
        assert not (tmp_path / "inspector/edges.json").exists()
    with pytest.raises(TypeError), run.artifact("inspector/half.json", **about) as path:
        path.open("w").writelines(["{", None])
    assert [path.name for path in (tmp_path / "inspector").iterdir()] == ["edges.json"]
    (said,) = events_of(tmp_path)
    assert (said["path"], said["kind"]) == ("inspector/edges.json", "graph")
    assert said["facts"] == {"nodes": 3}
    assert next(iter(run.artifacts.values()))["bytes"] == 2


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../up", "a/../../up", "a//b", "", "a/", ".hidden", "a/.part-b", "a\\b",
        "a\nb", "a\0b", "x" * 201, "events.jsonl", "checkpoints/1.safetensors", "result.json",
    ],
)  # fmt: skip
def test_an_artifact_stays_in_its_job(run, path):
    with (
        pytest.raises(ValueError, match="artifact"),
        run.artifact(path, title="", role="result", media="text/plain") as to,
    ):
        to.write_text("x")


def test_an_artifact_does_not_follow_a_link_out_of_its_job(run, tmp_path):
    (tmp_path / "out").symlink_to("/tmp")
    with (
        pytest.raises(ValueError, match="leads out"),
        run.artifact("out/x", title="", role="result", media="text/plain") as to,
    ):
        to.write_text("x")


def test_a_table_is_csv_whose_texts_are_no_formulas(run, tmp_path):
    rows = [
        ["=1+1", np.float64(0.1), True],
        ["-0.5", None, np.int64(3)],
        ["@x, y", math.nan, "+1"],
    ]
    run.table("edges", ["name", "weight", "kept"], rows, title="Edges")
    with (tmp_path / "tables/edges.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["name", "weight", "kept"],
            ["'=1+1", "0.1", "true"],
            ["-0.5", "", "3"],
            ["'@x, y", "nan", "+1"],
        ]
    (said,) = events_of(tmp_path)
    assert said["meta"] == {"columns": ["name", "weight", "kept"], "rows": 3}


def test_a_row_with_too_few_cells_is_refused(run):
    with pytest.raises(ValueError, match="row 2: 1 cells, 2 expected"):
        run.table("t", ["a", "b"], [[1, 2], [3]], title="T")


def test_a_figure_is_json_without_nan(run, tmp_path):
    trace = {"type": "scatter", "y": np.array([1.0, math.nan])}
    run.figure("roc", {"data": [trace], "layout": {}}, title="ROC")
    text = (tmp_path / "figures/roc.json").read_text()
    assert json.loads(text)["data"][0]["y"] == [1.0, None]


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "ok"),
    [
        (1.0, 1.0, 0, True),
        (1.0, 1.1, 0.2, True),
        (1.0, 1.3, 0.2, False),
        (1.0, math.nan, 9.0, False),
        (math.inf, math.inf, 0, True),
    ],
)
def test_a_verification_keeps_its_numbers(run, tmp_path, expected, got, tolerance, ok):
    assert run.verify("oracle", expected, got, tolerance) is ok
    assert events_of(tmp_path)[0]["ok"] is ok
    assert run.verifications[0]["ok"] is ok


def test_an_input_that_was_not_given_is_none_and_an_unknown_one_an_error(run):
    assert run.inputs["data"] is None
    assert list(run.inputs) == ["data"]
    with pytest.raises(KeyError):
        run.inputs["graph"]
