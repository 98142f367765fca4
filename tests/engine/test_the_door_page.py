"""docs/the-door.md says what the door does."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest

from engine.core import events
from engine.core.door import parser
from engine.core.limits import Supervision
from tests.engine.core.doors import ROOT

PAGE = (ROOT / "docs/the-door.md").read_text()
COMMANDS = re.findall(r"^python -m engine (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one_that_the_door_takes(command):
    assert callable(parser().parse_args(shlex.split(command)).verb)


def test_every_verb_is_shown():
    assert {command.split()[0] for command in COMMANDS} == {
        "list", "describe", "check", "run", "ask",
    }  # fmt: skip


def test_every_option_of_run_is_explained():
    run = next(iter(parser()._subparsers._group_actions)).choices["run"]
    for option in run._option_string_actions:
        if option.startswith("--") and option != "--help":
            assert f"`{option}" in PAGE


def test_every_event_is_explained():
    table = PAGE.partition("## Events")[2].partition("## What-ifs")[0]
    assert set(re.findall(r"`([a-z]+)`", table)) >= events.KNOWN


def test_the_supervisors_variable_is_one_that_we_read():
    (text,) = re.findall(r"```json\n(.+?)\n```", PAGE, re.DOTALL)
    reader, writer = os.pipe()
    asked = {**json.loads(text), "events": writer}
    found = Supervision.take({"TENFOLD_SUPERVISED": json.dumps(asked)})
    os.close(reader)
    os.close(writer)
    assert found.limits.cpu == 3600
    assert found.resume_at == 120
