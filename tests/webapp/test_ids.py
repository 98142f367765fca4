from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from webapp.ids import ALPHABET, LENGTH, SLOTS, new_id, new_ids, slot_of


def test_ids_ascend_within_a_millisecond():
    made = [new_id() for _ in range(5000)]
    assert made == sorted(set(made))


def test_ids_of_several_threads_differ():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(8000)))
    assert len(set(made)) == 8000


def test_an_id_has_its_form_and_carries_the_time():
    before = time.time()
    made = new_id()
    assert len(made) == LENGTH
    assert set(made) <= set(ALPHABET)
    value = 0
    for letter in made:
        value = value << 5 | ALPHABET.index(letter)
    assert abs((value >> 80) / 1000 - before) < 60


def test_ids_ascend_when_the_clock_is_set_back(monkeypatch):
    first = new_id()
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
    assert new_id() > first


def test_of_eight_that_are_made_together_no_two_have_one_colour():
    made = new_ids(20)
    assert made == sorted(set(made))
    assert {slot_of(one) for one in made[:8]} == set(range(1, SLOTS + 1))
    assert len({slot_of(one) for one in made[16:]}) == 4
