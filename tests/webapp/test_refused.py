"""Texts that people type are kept as they look."""

import pytest

from webapp.accounts.forms import NewAccount, NewToken, OwnName, ProjectName, TeamName
from webapp.refused import words_only

STRAY = [
    ("a\u202egpj.exe", "U+202E (a text direction mark) isn't allowed"),
    ("a\u2066b", "U+2066 (a text direction mark) isn't allowed"),
    ("a\u200fb", "U+200F (a text direction mark) isn't allowed"),
    ("a\u061cb", "U+061C (a text direction mark) isn't allowed"),
    ("two\nlines", "U+000A (a line break) isn't allowed"),
    ("two\u2028lines", "U+2028 (a line break) isn't allowed"),
    ("bell\x07", "U+0007 (a control character) isn't allowed"),
    ("a\x9bb", "U+009B (a control character) isn't allowed"),
    ("a\x7fb", "U+007F (a control character) isn't allowed"),
]


@pytest.mark.parametrize(("text", "said"), STRAY)
def test_a_name_that_would_be_shown_as_another_is_refused(text, said):
    assert words_only("name", text, longest=100) == [("name", said)]


@pytest.mark.parametrize("form", [NewAccount, NewToken, OwnName, ProjectName, TeamName])
@pytest.mark.parametrize(("text", "said"), STRAY)
def test_every_form_that_takes_a_name_refuses_it_in_the_same_words(form, text, said):
    assert form({"name": text}).errors["name"] == [said]


def test_too_long_a_name_is_told_its_length():
    said = "expected at most 100 characters, got 101"
    assert words_only("name", "x" * 101, longest=100) == [("name", said)]


def test_notes_may_have_lines_and_names_any_letters():
    assert words_only("notes", "one\r\ntwo\tcolumns", longest=100, lines=True) == []
    assert words_only("name", "Köln 東京 שלום 👩‍🔬", longest=100) == []


def test_notes_take_no_mark_that_turns_them():
    said = "U+202E (a text direction mark) isn't allowed"
    assert words_only("notes", "one\n\u202e", longest=100, lines=True) == [("notes", said)]
