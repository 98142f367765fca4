"""`python -m engine`: limits first, then the door. Exit codes are said in docs/the-door.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engine.core.errors import BAD_INPUT, UserError
from engine.core.limits import Supervision


def main(argv: Sequence[str] | None = None) -> int:
    try:
        supervision = Supervision.take()
        supervision.limits.apply()
        from engine.core import door  # only now: what it loads is already limited

        return door.main(argv, supervision)
    except UserError as fault:
        print(fault, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1  # the reader of our answer went away


if __name__ == "__main__":
    sys.exit(main())
