"""Standard normals for a whole model, drawn in pieces from numbered private streams."""

from __future__ import annotations

from collections.abc import Iterator

import torch

ODD = 0x9E3779B1  # times an odd number is one to one on 32 bits
AT_ONCE = 24_576  # numbers: they stay in a core's cache, and torch splits no work this small


def standard_normals(
    shape: torch.Size, device: torch.device, *, key: int, place: int
) -> Iterator[tuple[slice, torch.Tensor]]:
    """N(0, 1) numbers for a matrix of that shape, a run of rows at a time, in a reused buffer.

    They depend on shape, kind of device, key and place only. torch's generator on CPUs heeds 32
    bits of its seed: as hashes of their places, some two of a run's streams would be the same;
    counted by an odd number, 2^32 places of a key are 2^32 streams.
    """
    count, columns = shape
    together = max(1, AT_ONCE // columns) if device.type == "cpu" else count
    numbers = torch.empty(together, columns, device=device)
    generator = torch.Generator(device).manual_seed((key + place * ODD) % 2**32)
    for start in range(0, count, together):
        rows = slice(start, min(start + together, count))
        yield rows, numbers[: rows.stop - rows.start].normal_(generator=generator)
