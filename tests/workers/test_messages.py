"""What a flush sends is small, and says where it does not hold everything."""

from __future__ import annotations

import json

from workers.messages import LOG, MOST, fitting


def test_a_log_too_long_for_a_message_is_cut_and_the_message_says_so() -> None:
    message = {"seq": 1, "log": "head\n" + LOG * "."}
    assert fitting(message, []) == {}
    assert message == {"seq": 1, "log": LOG * ".", "cut": True}


def test_a_log_that_fits_is_sent_whole() -> None:
    message = {"seq": 1, "log": LOG * "."}
    assert fitting(message, []) == {}
    assert message == {"seq": 1, "log": LOG * "."}


def test_points_are_reduced_until_the_message_fits() -> None:
    batch = [(n, n, 1000.0 + n, {f"key {k}": n / 7 for k in range(20)}) for n in range(1, 500)]
    shown = fitting({"seq": 1, "log": ""}, batch)
    assert shown is not None
    assert len(json.dumps(shown)) <= MOST
    assert 12 < len(shown["key 0"]["n"]) < 200
    assert fitting({"seq": 1, "log": ""}, [(1, 1, 1.0, {f"{k}": k for k in range(5000)})]) is None
