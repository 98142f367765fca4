"""Units of work are done once, also across a resume."""

from __future__ import annotations

import pytest

from engine.core.control import Stop
from engine.core.standing import once, standing_of


def test_a_resumed_job_goes_on_with_the_first_unit_that_is_not_finished(new_run):
    done: list[str] = []

    def units(run):
        standing = standing_of(run)

        def unit(name):
            def work():
                done.append(name)
                standing["step"] += 1
                if name == "b" and done.count("b") == 1:
                    standing["unit"] = {"half": True}
                    run.checkpoint(standing, step=standing["step"])
                    raise RuntimeError("the machine went away")
                return name * 2, standing["unit"]

            return once(run, standing, name, work)

        return [unit(name) for name in "abc"], standing

    with pytest.raises(RuntimeError, match="went away"):
        units(new_run())
    found, standing = units(new_run())
    assert done == ["a", "b", "b", "c"]
    assert found == [("aa", None), ("bb", {"half": True}), ("cc", None)]
    assert (standing["unit"], standing["step"]) == (None, 4)


def test_a_finished_unit_is_kept_before_the_next_begins(new_run, control):
    run = new_run()
    standing = standing_of(run)
    control.ending = "stopped"
    with pytest.raises(Stop):
        once(run, standing, "a", lambda: 1)
    control.ending = None
    again = standing_of(new_run())
    assert again["finished"] == {"a": 1}
