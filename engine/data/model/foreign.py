"""What people upload in the place of weights, told by its first bytes."""

from __future__ import annotations

import re
from pathlib import Path

from engine.core.errors import UserError
from engine.core.units import size
from engine.data.archive import Member, refuse_foreign

# A number that `torch.save` wrote first before PyTorch 1.6, pickled.
OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
POINTER = b"version https://git-lfs.github.com/spec/v1\n"
PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)", re.I)
EXPECTED = "expected safetensors, or what torch.save(model.state_dict(), path) writes"


def refuse_old(path: Path) -> None:
    """The older form of torch.save is one pickle after another."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(OLD)) == OLD:
                raise UserError(
                    path.name,
                    "saved in the form of before PyTorch 1.6, which is never opened; save it "
                    "again: torch.save(torch.load(path, weights_only=True), path)",
                )


def refuse_stand_in(member: Member) -> None:
    """A pointer of git-LFS, a page that a download gave, nothing, or a format of others."""
    if not member.size:
        raise UserError(member.name, f"empty; {EXPECTED}")
    head = member.head(1024)
    if head.startswith(POINTER):
        said = re.search(rb"\nsize (\d{1,15})\n", head)
        whole = f", which has {size(int(said[1]))}" if said else ""
        raise UserError(
            member.name,
            f"a git-LFS pointer of {member.size} bytes that stands for the file; expected the "
            f"file itself{whole}: fetch it with git lfs pull",
        )
    if PAGE.match(head):
        raise UserError(member.name, f"an HTML page, as a download without leave gives; {EXPECTED}")
    refuse_foreign(head, member.name)
