"""Questions about finished jobs: what must hold whatever the weights are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.core import ask, registry
from engine.core.errors import UserError
from engine.core.params import parse
from engine.core.plain import plain
from engine.methods.cbramod.metrics import answered
from engine.methods.cbramod.shown import SHOWN, loud_spans, thinned
from engine.methods.cbramod.windows import RATE, SCALE
from tests.methods.cbramod import uploads

CARD = registry.method("cbramod")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    upload = uploads.recordings(folder / "eeg.zip")
    return uploads.job(folder / "job", upload, epochs=3, pretrain_epochs=3, highpass=1.0)


@pytest.fixture(scope="module")
def guessing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guessing")
    upload = uploads.recordings(folder / "eeg.zip")
    return uploads.job(folder / "job", upload, task="pretrain", pretrain_epochs=3)


def asked(whatif, question, **values):
    given = parse(CARD.question(question).params, values)
    return plain(getattr(whatif, question)(given))


def without(whatif):
    """The same with a positional convolution of zeros."""
    networks = [whatif.network, whatif.classifier and whatif.classifier.backbone]
    kept = []
    for network in filter(None, networks):
        convolution = network.patch_embedding.positional_encoding[0]
        kept += [(one, one.detach().clone()) for one in convolution.parameters()]
    with torch.no_grad():
        for one, _ in kept:
            one.zero_()
    return kept


def test_where_nothing_changes_the_answer_does_not(tuned):
    for window in (0, 7, 31):
        found = asked(tuned, "window", window=window)
        assert found["before"] == found["after"]
        assert sum(found["before"]) == pytest.approx(1)
        assert found["error"] is None
        assert not np.any(found["hidden"])
        assert np.isfinite(found["reconstruction"]).all()


def test_windows_are_those_of_the_job_to_the_last_bit(tuned):
    """Of a tested window of the last fold the answer is the one in the job's files."""
    shown = tuned.windows
    last = [at for at, part in enumerate(shown["part"]) if part == 2]
    assert last
    for window in last:
        before = np.array(asked(tuned, "window", window=window)["before"])
        assert answered(before[None])[0] == shown["answer"][window]
        assert before.max() == pytest.approx(shown["probability"][window], abs=1e-4)


def test_what_is_hidden_does_not_reach_the_answer(tuned, monkeypatch):
    hidden = {"channels": ["C3", "EEG o1-REF"], "seconds": [1], "share": 0.2, "draw": 3}
    was = asked(tuned, "window", window=4, **hidden)
    mask = np.array(was["hidden"], bool)
    assert mask[2].all() and mask[4].all() and mask[:, 1].all()  # noqa: PT018
    original = tuned._patches

    def other(window):
        x = original(window).clone()
        x[0, torch.from_numpy(mask)] = 40 * torch.randn(int(mask.sum()), RATE)
        return x

    monkeypatch.setattr(tuned, "_patches", other)
    now = asked(tuned, "window", window=4, **hidden)
    assert now["after"] == was["after"]
    assert now["reconstruction"] == was["reconstruction"]
    assert now["signal"] != was["signal"]
    assert now["before"] != was["before"]


def test_hidden_patches_are_those_asked_for(guessing):
    def hidden(**values):
        return np.array(asked(guessing, "window", window=0, **values)["hidden"])

    either = hidden(channels=["C3"], seconds=[0, 4])
    assert either.sum() == 5 + 2 * 5
    both = hidden(channels=["C3"], seconds=[0, 4], both=True)
    assert np.argwhere(both).tolist() == [[2, 0], [2, 4]]
    assert not hidden(channels=["C3"], both=True).any()
    assert hidden(share=1.0).all()
    some, again, others = (hidden(share=0.5, draw=draw) for draw in (1, 1, 2))
    assert (some == again).all()
    assert (some != others).any()
    more = hidden(share=0.7, draw=1)
    assert (more >= some).all()


def test_errors_are_of_what_was_hidden(guessing):
    found = asked(guessing, "window", window=2, channels=["C3"], seconds=[3], both=True, scale=2.0)
    signal, guess = np.array(found["signal"]), np.array(found["reconstruction"])
    assert signal.shape == guess.shape == (6, 1000)
    assert found["sfreq"] == RATE
    part = slice(600, 800)
    error = ((guess[2, part] - signal[2, part]) / SCALE) ** 2
    assert found["error"]["network"] == pytest.approx(error.mean(), rel=0.02)
    assert found["error"]["zero"] == pytest.approx(
        ((signal[2, part] / SCALE) ** 2).mean(), rel=0.02
    )
    assert [value is None for value in found["error"]["by_channel"]] == [c != 2 for c in range(6)]
    assert sum(found["error"]["by_band"]["zero"]) <= found["error"]["zero"]
    once = np.array(asked(guessing, "window", window=2)["signal"])
    np.testing.assert_allclose(signal, 2 * once, atol=0.15)
    assert found["before"] is found["after"] is None


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_the_order_matters_by_the_positions_alone(tuned, order):
    question = {"window": 3, "seconds": [2], "order": order, "draw": 5}
    straight = asked(tuned, "window", **{**question, "order": "as given"})
    assert asked(tuned, "window", **question)["after"] != straight["after"]
    kept = without(tuned)
    try:
        straight = asked(tuned, "window", **{**question, "order": "as given"})
        turned = asked(tuned, "window", **question)
    finally:
        with torch.no_grad():
            for one, was in kept:
                one.copy_(was)
    np.testing.assert_allclose(turned["after"], straight["after"], atol=1e-5)
    np.testing.assert_allclose(turned["reconstruction"], straight["reconstruction"], atol=0.11)
    assert turned["signal"] == straight["signal"]
    assert turned["hidden"] == straight["hidden"]


def test_attention_is_of_the_second_and_the_channel_asked_for(tuned):
    mean = asked(tuned, "attention", window=1, layer=1)
    spatial, temporal = np.array(mean["spatial"]), np.array(mean["temporal"])
    assert spatial.shape == (4, 6, 6)
    assert temporal.shape == (4, 5, 5)
    np.testing.assert_allclose(spatial.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(temporal.sum(-1), 1, atol=1e-5)
    each = [
        np.array(asked(tuned, "attention", window=1, layer=1, second=s)["spatial"])
        for s in range(5)
    ]
    np.testing.assert_allclose(np.mean(each, axis=0), spatial, atol=2e-6)
    some = [
        np.array(asked(tuned, "attention", window=1, layer=1, channel=name)["temporal"])
        for name in uploads.BACK
    ]
    np.testing.assert_allclose(np.mean(some, axis=0), temporal, atol=2e-6)
    assert asked(tuned, "attention", window=1)["spatial"] != mean["spatial"]


def test_occlusion_is_what_hiding_one_after_the_other_gives(tuned):
    found = asked(tuned, "occlusion", window=9)
    plainly = asked(tuned, "window", window=9)["before"]
    assert found["probability"] == pytest.approx(max(plainly), abs=1e-6)
    answer = found["answer"]
    for place, name in enumerate(uploads.BACK):
        after = asked(tuned, "window", window=9, channels=[name])["after"]
        assert found["channels"][place] == pytest.approx(after[answer] - plainly[answer], abs=1e-5)
    for second in range(5):
        after = asked(tuned, "window", window=9, seconds=[second])["after"]
        assert found["seconds"][second] == pytest.approx(after[answer] - plainly[answer], abs=1e-5)


def test_a_trace_is_the_signal_of_the_windows_in_it(tuned):
    found = asked(tuned, "trace", recording="S02_task", start=4.0, seconds=8.0)
    assert (found["start"], found["seconds"], found["sfreq"]) == (4, 8, 200)
    assert [one["start"] for one in found["windows"]] == [0, 5, 10]
    inside = found["windows"][1]
    window = asked(tuned, "window", window=inside["window"])
    assert window["recording"] == "S02_task"
    assert window["signal"] == [row[200:1200] for row in found["signal"]]
    end = asked(tuned, "trace", recording="S02_task", start=15.0, seconds=120.0)
    assert end["seconds"] == 5


def test_loud_moments_are_found_and_close_ones_joined():
    signal = np.zeros((2, 1000))
    signal[0, 100], signal[1, 150], signal[1, 600:610] = 100, -120, 99.9
    signal[0, 999] = 101
    assert loud_spans(signal, 100, 10) == [[10.5, 10.755], [14.995, 15.0]]
    assert loud_spans(signal, 0, 10) == []


def test_a_spectrum_shows_the_rhythm_of_its_recording(tuned):
    rest, task = (
        np.array(asked(tuned, "spectrum", recording=f"S01_{part}")["db"])
        for part in ("rest", "task")
    )
    assert rest.shape == task.shape == (6, 101)
    assert (task[:, 10] - rest[:, 10] > 10).all()
    assert (task.argmax(axis=1) == 10).all()


def test_long_signals_are_thinned_to_what_a_page_can_show(guessing):
    times = np.arange(24_000) / RATE
    signal = np.sin(2 * np.pi * 3 * times) * np.ones((20, 1))
    thin, sfreq = thinned(signal)
    assert thin.size <= SHOWN
    assert sfreq == RATE / 4
    np.testing.assert_allclose(thin[:, 50:-50], signal[:, ::4][:, 50:-50], atol=0.06)


@pytest.mark.parametrize(
    ("question", "values", "where"),
    [
        ("window", {"window": 99}, "window"),
        ("window", {"window": 0, "channels": ["C9"]}, "channels"),
        ("window", {"window": 0, "seconds": [5]}, "seconds"),
        ("window", {"window": 0, "seconds": [-1]}, "seconds"),
        ("window", {"window": 0, "share": 1.5}, "share"),
        ("window", {"window": 0, "order": "random"}, "order"),
        ("attention", {"window": 0, "layer": 2}, "layer"),
        ("attention", {"window": 0, "second": 5}, "second"),
        ("attention", {"window": 0, "channel": "X"}, "channel"),
        ("occlusion", {"window": 32}, "window"),
        ("trace", {"recording": "nobody"}, "recording"),
        ("trace", {"recording": "S01_rest", "start": 20.0}, "start"),
        ("trace", {"recording": "S01_rest", "seconds": 500.0}, "seconds"),
        ("spectrum", {"recording": "../S01_rest"}, "recording"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tuned, question, values, where):
    with pytest.raises(UserError) as fault:
        asked(tuned, question, **values)
    assert fault.value.where == where


def test_a_network_without_an_answer_says_so(guessing):
    with pytest.raises(UserError, match="fine-tuning"):
        asked(guessing, "occlusion", window=0)


def test_every_question_of_the_card_has_its_method(guessing):
    assert {question.name for question in CARD.questions} == {
        "window", "attention", "occlusion", "trace", "spectrum"
    }  # fmt: skip
    for question in CARD.questions:
        assert callable(getattr(guessing, question.name))


def test_a_job_is_asked_through_the_door(tmp_path):
    upload = uploads.recordings(tmp_path / "eeg.zip", subjects=3, parts=("rest",), seconds=10)
    uploads.job(tmp_path / "job", upload, task="pretrain")
    answer = ask.Session(tmp_path / "job").ask("window", {"window": 1, "seconds": [0]})
    json.dumps(answer, allow_nan=False)
    assert answer["recording"] == "S01_rest"
