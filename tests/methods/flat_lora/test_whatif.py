"""Questions to a finished job: against what it measured itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.core.ask import Session
from engine.core.errors import UserError
from engine.core.job import Job
from engine.methods.flat_lora import whatif
from tests.methods import attempts
from tests.methods.flat_lora.conftest import QUICK, sentences, table
from tests.models import making

NAMES = ("flat", "full")
ROWS = 40  # of test, all of which are asked; those of flatness are the same


@pytest.fixture(scope="module")
def done(tmp_path_factory, texts, encoder) -> tuple[Path, dict[str, Any]]:
    """A job's folder and its summary."""
    folder = tmp_path_factory.mktemp("asked") / "job"
    params = {
        **QUICK, "variants": list(NAMES), "hessian": False, "landscape": [], "look_every": 0,
        "test_rows": ROWS, "probe": ROWS, "sigmas": [0.3],
    }  # fmt: skip
    inputs = {"data": texts, "model": encoder}
    return folder, attempts.attempt(folder, "flat_lora", inputs, params)


@pytest.fixture(scope="module")
def session(done) -> Session:
    return Session(done[0])


def changed(session: Session, **values: Any) -> dict[str, dict[str, float]]:
    """After a change, by variant."""
    found = session.ask("change", values)
    return {name: one["after"] for name, one in found["variants"].items()}


def test_unchanged_the_weights_answer_as_the_job_did(done, session):
    found = session.ask("change", {"draw": 3})  # of no noise
    assert found["rows"] == ROWS
    for name in NAMES:
        before, after = (found["variants"][name][side] for side in ("before", "after"))
        assert before == after
        assert before["accuracy"] == pytest.approx(done[1][f"{name}.accuracy"])
        assert before["test_loss"] == pytest.approx(done[1][f"{name}.test_loss"], rel=1e-5)


def test_noise_raises_the_loss_as_e_sharpness_says(done, session):
    clean = changed(session)
    draws = [changed(session, sigma=0.3, draw=draw) for draw in range(QUICK["draws"])]
    flatness = json.loads((done[0] / "inspector/flatness.json").read_text())
    for name in NAMES:
        rises = [one[name]["test_loss"] - clean[name]["test_loss"] for one in draws]
        expected = flatness[name]["sharpness"]["test.at30"]["values"]
        assert rises == pytest.approx(expected, abs=1e-6)
        assert len(set(rises)) == len(rises)


@pytest.mark.parametrize("values", [{"sigma": 2}, {"bits": 4}, {"pruned": 0.9}])
def test_a_change_is_one_and_is_taken_back(session, values):
    network = session._whatif.networks["flat"]
    kept = [weight.clone() for weight in network.weights]
    before, after = changed(session), changed(session, **values)
    assert after["flat"]["test_loss"] != before["flat"]["test_loss"]
    assert all(map(torch.equal, network.weights, kept))


def test_questions_do_without_scikit_learn(session, monkeypatch):
    """It takes as long to load as a person waits for an answer."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert set(changed(session, sigma=0.1)["flat"]) == {"accuracy", "test_loss"}


def test_a_second_text_is_refused_by_what_learnt_single_ones(done, session):
    found = session.ask("say", {"text": "a cat"})["variants"]
    assert list(found) == list(NAMES)
    assert all(sum(shares.values()) == pytest.approx(1) for shares in found.values())
    with pytest.raises(UserError, match="text2: expected none"):
        session.ask("say", {"text": "a cat", "text2": "a dog"})
    assert json.loads((done[0] / "inspector/overview.json").read_text())["pairs"] is False


def test_a_large_network_is_asked_about_fewer_rows(done, monkeypatch):
    folder, summary = done
    monkeypatch.setattr(whatif, "QUICK", 1.0)
    found = Session(folder).ask("change", {})
    assert found["rows"] == whatif.FEWEST < ROWS
    assert found["variants"]["flat"]["before"]["test_loss"] != summary["flat.test_loss"]


def test_what_learnt_pairs_asks_for_the_second_text(tmp_path, encoder):
    rows = [(text, f"{text}s" if number % 3 else "a dog", label)
            for number, (text, label) in enumerate(sentences(60))]  # fmt: skip
    path = table(tmp_path / "t.csv", rows, ("text", "text2", "label"))
    params = {**QUICK, "variants": ["lora"], "hessian": False, "landscape": [], "look_every": 0}
    attempts.attempt(tmp_path / "job", "flat_lora", {"data": path, "model": encoder}, params)
    assert json.loads((tmp_path / "job/inspector/overview.json").read_text())["pairs"] is True
    asked = Session(tmp_path / "job")
    with pytest.raises(UserError, match="text2: expected a second text"):
        asked.ask("say", {"text": "a cat"})
    one, other = (asked.ask("say", {"text": "a cat", "text2": second})["variants"]["lora"]
                  for second in ("a dog", "the cat sees a cat"))  # fmt: skip
    assert one != other


def test_of_a_text_that_is_too_long_the_end_is_read(tmp_path, decoder):
    path = table(tmp_path / "t.csv", sentences(60), ("prompt", "completion"))
    params = {**QUICK, "variants": ["lora"], "hessian": False, "landscape": [], "look_every": 0}
    attempts.attempt(tmp_path / "job", "flat_lora", {"data": path, "model": decoder}, params)
    found = whatif.WhatIf(Job(tmp_path / "job"))
    _, cut = found.case.encode("a dog sees", "")
    assert not cut
    batch, cut = found.case.encode("the cat " * 200 + "a dog sees", "")
    ids = batch["input_ids"][0].tolist()
    assert cut
    assert len(ids) == 20  # half of what it reads: the answer needs the other
    words = ["<s>", *["the", "cat"] * 8, "a", "dog", "sees"]
    assert ids == [making.VOCABULARY[word] for word in words]
    found.case.tokenizer.eos_token = None
    assert len(found.case.written(found.networks["lora"].plain, batch).split()) == 20


def test_a_decoder_tells_loss_and_perplexity(tmp_path, decoder):
    path = table(tmp_path / "t.csv", sentences(60), ("prompt", "completion"))
    params = {**QUICK, "variants": ["lora"], "hessian": False, "landscape": [], "look_every": 0}
    summary = attempts.attempt(
        tmp_path / "job", "flat_lora", {"data": path, "model": decoder}, params
    )
    found = changed(Session(tmp_path / "job"))["lora"]
    assert found["test_loss"] == pytest.approx(summary["lora.test_loss"], rel=1e-5)
    assert found["perplexity"] == pytest.approx(summary["lora.perplexity"], rel=1e-4)
