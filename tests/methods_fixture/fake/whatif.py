"""What if every stride had been longer?"""

from __future__ import annotations

import json

from engine.core.ask import Job
from engine.core.errors import UserError
from fake.card import ScaleParams


class WhatIf:
    def __init__(self, job: Job):
        self.path = json.loads(job.path("walk.json").read_text())

    def scale(self, params: ScaleParams) -> dict:
        if params.start >= len(self.path):
            raise UserError("start", f"expected a step below {len(self.path)}, got {params.start}")
        return {"path": [params.factor * value for value in self.path[params.start :]]}
