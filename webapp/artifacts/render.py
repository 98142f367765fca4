"""A child process that turns an untrusted picture into a plain PNG. Started by `pictures.py`.

Reads the picture from descriptor 0 and writes a PNG to descriptor 1; nothing else is open and
nothing of the web application is imported. Exit code 2 says on stderr what was wrong with it.
"""

from __future__ import annotations

import resource
import sys

MEMORY = 1 << 30  # bytes of address space: 64 M pixels of 4 bytes, decoded and once copied
CPU = 10  # seconds
FILE = 64 << 20  # bytes of the PNG
FILES = 64  # open at once: those of the interpreter and of Pillow's modules
MAX_PIXELS = 64_000_000
MAX_SIDE = 2048  # pixels of the preview
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


def main() -> int:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    from PIL import Image  # after the limits

    Image.MAX_IMAGE_PIXELS = None  # our own, smaller, is checked below
    try:
        with open(0, "rb") as source, Image.open(source, formats=FORMATS) as picture:
            width, height = picture.size  # as the header says: nothing is decoded yet
            if width * height > MAX_PIXELS:
                return _refuse(f"{width} × {height} pixels; at most {MAX_PIXELS:,} are shown")
            picture.thumbnail((MAX_SIDE, MAX_SIDE))
            form = "RGBA" if picture.has_transparency_data else "RGB"
            plain = Image.new(form, picture.size)
            plain.paste(picture.convert(form))  # pixels alone: no comment or profile comes along
        with open(1, "wb") as target:
            plain.save(target, "PNG")
    except Exception as fault:  # noqa: BLE001 - whatever a hostile picture does, it is refused
        return _refuse(f"not a picture that can be read ({type(fault).__name__})")
    return 0


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)  # noqa: T201 - how a child speaks
    return 2


if __name__ == "__main__":
    sys.exit(main())
