"""Cycles of every family at an idle core, in the RTL, for all headers of the supplied captures.

    python -m tests.verify.kaleidoscope_latency FOLDER [NAME …]

FOLDER is the traffic data's. One line of JSON for each family: cycles of the fastest, the median
and the slowest of the first fold's tested flows. Cycles hang on a network's shape, so each is
trained for an epoch alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from engine.core import registry
from engine.core.params import parse
from engine.data.traffic import io
from engine.methods.kaleidoscope import case, rig, trials
from engine.methods.kaleidoscope.deployed import Coprocessor, deploy
from engine.methods.kaleidoscope.params import Model
from engine.methods.kaleidoscope.replay import Machine
from engine.methods.kaleidoscope.train import Settings, fit

MACHINE = Machine(fpe=8, hpe=1, h=16)
DETECTS = {"classes": ["HTTP"], "anomalous": ["WebattackRCE"]}
LEAST = 64  # flows, beside one for each kind of header


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=get_args(Model))
    given = parser.parse_args()
    torch.set_num_threads(1)
    traffic = io.load(given.folder / "ndpi", given.folder / "labels.csv")
    card, binary = registry.method("kaleidoscope"), None
    for name in given.names:
        detects = DETECTS if name == "autoencoder" else {}
        made = case.build(traffic, parse(card.params, {"model": name, **detects}))
        part, data = made.parts[0], made.samples.data
        labels = None if made.detects else made.samples.labels[part.train]
        trained = fit(
            name, data[part.train], labels, made.learnt, seed=0, settings=Settings(epochs=1)
        )
        network = deploy(trained.rounded.network(name, family=name))
        alone = (None, network) if network.large else (network, None)
        coprocessor = Coprocessor(MACHINE, *alone)
        binary = binary or rig.built(rig.choose("auto"), coprocessor)
        flows = made.samples.flows[part.test]
        simulated = rig.RtlRig(coprocessor, binary)
        found = trials.idle(simulated, network, traffic, flows, data[part.test], least=LEAST)
        cycles = found["of_flows"]
        row = {
            "name": name, "core": network.compiled.cycles, "flows": len(flows),
            "sent": len(found["latency"]), "least": int(cycles.min()),
            "median": float(np.median(cycles)), "most": int(cycles.max()),
            "off": int((found["latency"] != found["predicted"]).sum()),
        }  # fmt: skip
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
