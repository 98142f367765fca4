"""The door's verbs: list, describe, check, run and ask, as a person or a worker types them."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core import control, registry
from engine.core import params as parameters
from engine.core.device import DEVICES, set_threads
from engine.core.emit import Emitter
from engine.core.errors import UserError
from engine.core.job import EVENTS, REQUEST, RESULT, Request, locate, read_json
from engine.core.limits import CpuLimit, Supervision
from engine.core.method import Method
from engine.core.terminal import err, out

BAD_INPUT = 2
MAX_THREADS = 1024
MAX_SEED = 2**32 - 1


def main(argv: Sequence[str] | None, supervision: Supervision) -> int:
    options = parser().parse_args(argv)
    try:
        return options.verb(options, supervision)
    except (CpuLimit, MemoryError, OSError, RuntimeError) as error:
        said = supervision.limits.explain(error)
        if said is None:
            raise
        err(said)
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    verbs = top.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("list", help="the methods")
    verb.add_argument("--json", action="store_true", help="one JSON object per line")
    verb.set_defaults(verb=list_methods)

    verb = verbs.add_parser("describe", help="a method's card as JSON")
    verb.add_argument("method", metavar="METHOD")
    verb.set_defaults(verb=describe)

    verb = verbs.add_parser("check", help="check a file or folder as data of a kind")
    verb.add_argument("kind", metavar="KIND")
    verb.add_argument("path", metavar="PATH", type=Path)
    verb.set_defaults(verb=check)

    verb = verbs.add_parser("run", help="run a method")
    verb.add_argument("method", metavar="METHOD")
    verb.add_argument("--input", action="append", default=[], metavar="NAME=PATH")
    verb.add_argument("--set", action="append", default=[], metavar="PARAM=VALUE")
    verb.add_argument("--params", type=Path, metavar="FILE", help="a JSON object; --set wins")
    verb.add_argument("--out", required=True, type=Path, metavar="DIR")
    which = verb.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, metavar="N")
    which.add_argument("--seeds", metavar="0-4", help="a group: one job per seed, and means")
    verb.add_argument("--device", choices=DEVICES)
    verb.add_argument("--threads", type=int, metavar="N")
    verb.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    verb.add_argument("--checkpoint-every", type=float, metavar="SECONDS")
    verb.set_defaults(verb=run)

    verb = verbs.add_parser("ask", help="a what-if on a job's directory")
    verb.add_argument("folder", metavar="DIR", type=Path)
    verb.add_argument("question", metavar="QUESTION", nargs="?")
    verb.add_argument("--set", action="append", default=[], metavar="PARAM=VALUE")
    verb.add_argument("--stay", action="store_true", help="answer JSON lines from stdin")
    verb.set_defaults(verb=ask)
    return top


def list_methods(options: argparse.Namespace, supervision: Supervision) -> int:
    methods = registry.methods().values()
    width = max((len(method.slug) for method in methods), default=0)
    for method in methods:
        if options.json:
            about = {"slug": method.slug, "title": method.title, "summary": method.summary}
            out(json.dumps(about))
        else:
            out(f"{method.slug:<{width}}  {method.title} ({method.paper.year})")
    return 0


def describe(options: argparse.Namespace, supervision: Supervision) -> int:
    out(json.dumps(registry.method(options.method).describe(), indent=1))
    return 0


def check(options: argparse.Namespace, supervision: Supervision) -> int:
    set_threads(1)  # a reader computes nothing worth a thread
    from engine.core.plain import plain
    from engine.data.kind import check as check_kind
    from engine.data.kind import kind

    found = kind(options.kind)
    if not options.path.exists():
        raise UserError(str(options.path), "no file or folder is there")
    answer = check_kind(found, options.path)
    out(json.dumps(plain(answer), allow_nan=False))
    return 0 if answer["ok"] else BAD_INPUT


def run(options: argparse.Namespace, supervision: Supervision) -> int:
    try:
        if options.seeds is not None:
            return _run_group(options, supervision)
        request = requested(options)
    except UserError as fault:
        return _refuse(fault, supervision)
    if (options.out / RESULT).exists() and not supervision.present:
        err(f"{options.out}: this job is done already")
        return 0
    if options.checkpoint_every is not None:
        limits = replace(supervision.limits, checkpoint_every=options.checkpoint_every)
        supervision = replace(supervision, limits=limits)
    set_threads(request.threads)
    from engine.core.attempt import attempt  # only now: it loads numpy

    return attempt(request, options.out, supervision=supervision, resumed=options.resume)


def _run_group(options: argparse.Namespace, supervision: Supervision) -> int:
    from engine.core.each_seed import run_group, seeds_of

    if supervision.present:
        raise UserError("seeds", "a supervised job has one seed; a group is several jobs")
    return run_group(options, seeds_of(options.seeds))


def _refuse(fault: UserError, supervision: Supervision) -> int:
    """A request that never became a job: say why, to the person and to the supervisor."""
    err(str(fault))
    if supervision.present:
        emitter = Emitter(None, supervision.events, n=supervision.resume_at or 0)
        emitter.say("fail", kind="input", message=fault.expected, where=fault.where)
    return BAD_INPUT


def ask(options: argparse.Namespace, supervision: Supervision) -> int:
    set_threads(Request.read(options.folder).threads)
    from engine.core import ask as whatif  # only now: it may load numpy
    from engine.core.device import settle

    answers = os.dup(1) if supervision.events is None else supervision.events
    os.dup2(2, 1)  # what a method prints goes to stderr, never between the answers
    if options.stay:
        source = control.private_stdin()
        return whatif.stay(options.folder, control.lines(source), Emitter(None, answers).say)
    if options.question is None:
        raise UserError("question", "name one, or --stay to ask on stdin")
    session = whatif.Session(options.folder)
    settle(session.job.seed, session.job.threads)
    model = session.question(options.question).params
    values = parameters.from_text(model, pairs(options.set, "--set"))
    answer = json.dumps(session.ask(options.question, values), allow_nan=False)
    os.write(answers, answer.encode() + b"\n")
    return 0


def requested(options: argparse.Namespace) -> Request:
    """The job that the options ask for; with --resume, what the directory recorded."""
    method = registry.method(options.method)
    inputs = pairs(options.input, "--input")
    values = settings(method, options)
    if options.threads is not None and not 1 <= options.threads <= MAX_THREADS:
        raise UserError("threads", f"1 to {MAX_THREADS}, got {options.threads}")
    if options.seed is not None and not 0 <= options.seed <= MAX_SEED:
        raise UserError("seed", f"0 to {MAX_SEED}, got {options.seed}")
    if options.checkpoint_every is not None and not options.checkpoint_every >= 0:
        raise UserError("checkpoint-every", f"seconds, got {options.checkpoint_every}")
    folder = options.out
    if folder.exists() and not folder.is_dir():
        raise UserError("out", f"{folder} is a file; a folder is expected")
    taken = any((folder / name).exists() for name in (REQUEST, EVENTS, RESULT))
    if taken and not options.resume:
        raise UserError("out", f"{folder} already holds a job; --resume goes on with it")
    if (folder / REQUEST).exists():
        return _agreed(Request.read(folder), method, options, inputs=inputs, values=values)
    return Request(
        method=method,
        params=parameters.parse(method.params, values),
        inputs=locate(method, inputs),
        seed=options.seed or 0,
        device=options.device or "auto",
        threads=options.threads or method.threads,
    )


def _agreed(
    stored: Request,
    method: Method,
    options: argparse.Namespace,
    *,
    inputs: dict[str, str],
    values: dict[str, Any],
) -> Request:
    """The recorded job, where the options do not contradict it.

    Inputs may have moved and the device may be another; what decides the numbers may not.
    A live parameter may differ: the checkpoint knows its value, and the log will say so.
    """
    if stored.method.slug != method.slug:
        raise UserError("method", f"{options.out} holds a job of {stored.method.slug}")
    changed = parameters.parse(method.params, {**stored.params.model_dump(mode="json"), **values})
    for name in values.keys() - parameters.live(method.params):
        if getattr(changed, name) != getattr(stored.params, name):
            raise UserError(name, f"this job has {getattr(stored.params, name)!r}: run a new one")
    for name in ("seed", "threads"):
        asked = getattr(options, name)
        if asked is not None and asked != getattr(stored, name):
            raise UserError(name, f"this job has {getattr(stored, name)}: run a new one")
    return replace(
        stored,
        inputs=locate(method, {**stored.inputs, **inputs}),
        device=options.device or stored.device,
    )


def settings(method: Method, options: argparse.Namespace) -> dict[str, Any]:
    """The parameters of --params FILE, and over them those of --set."""
    if options.params is not None and not options.params.is_file():
        raise UserError("--params", f"no file at {options.params}")
    values = {} if options.params is None else read_json(options.params)
    if not isinstance(values, dict):
        raise UserError("--params", f"a JSON object in {options.params}")
    return {**values, **parameters.from_text(method.params, pairs(options.set, "--set"))}


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """NAME=VALUE texts; a name may come once."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UserError(option, f"expected NAME=VALUE, got {text!r}")
        if name in found:
            raise UserError(f"{option} {name}", "given twice")
        found[name] = value
    return found
