"""The door's verbs: list, describe, check, run and ask, as a person or a worker types them."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from engine.core import control, registry
from engine.core import params as parameters
from engine.core.claim import claimed
from engine.core.device import DEVICES, set_threads
from engine.core.each_seed import first_of, is_group, run_group
from engine.core.emit import Emitter
from engine.core.errors import BAD_INPUT, UserError
from engine.core.job import REQUEST, RESULT, Request
from engine.core.limits import CpuLimit, Supervision
from engine.core.options import MOST_THREADS, one_of, pairs, requested, seconds, whole
from engine.core.seeds import LARGEST
from engine.core.terminal import err, out


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


class Parser(argparse.ArgumentParser):
    """A mistake is one line here as everywhere, not the usage and a line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{message.removeprefix('argument ')}; see {self.prog} --help\n")


def parser() -> Parser:
    top = Parser(prog="python -m engine", description=__doc__)
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
    which.add_argument("--seed", type=whole(0, LARGEST), metavar="N")
    which.add_argument("--seeds", metavar="0-4", help="a group: one job per seed, and means")
    verb.add_argument("--device", type=one_of(DEVICES), metavar="|".join(DEVICES))
    verb.add_argument("--threads", type=whole(1, MOST_THREADS), metavar="N")
    verb.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    verb.add_argument("--checkpoint-every", type=seconds, metavar="SECONDS")
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
        raise UserError(str(options.path), "expected a file or folder, there is none")
    answer = check_kind(found, options.path)
    out(json.dumps(plain(answer), allow_nan=False))
    return 0 if answer["ok"] else BAD_INPUT


def run(options: argparse.Namespace, supervision: Supervision) -> int:
    try:
        with claimed(options.out):
            if options.seeds is None and not is_group(options.out):
                return _run_job(options, supervision)
            if supervision.present:
                raise UserError("seeds", "expected none: a supervised job has one seed")
            return run_group(options)
    except UserError as fault:
        return _refuse(fault, supervision)


def _run_job(options: argparse.Namespace, supervision: Supervision) -> int:
    request = requested(options)
    if (options.out / RESULT).exists() and not supervision.present:
        err(f"{options.out}: this job is done already")
        return 0
    if options.checkpoint_every is not None:
        limits = replace(supervision.limits, checkpoint_every=options.checkpoint_every)
        supervision = replace(supervision, limits=limits)
    set_threads(request.threads)
    from engine.core.attempt import attempt  # only now: it loads numpy

    with scratch():
        return attempt(request, options.out, supervision=supervision)


@contextmanager
def scratch() -> Iterator[None]:
    """Temporary files of this job, gone with it: libraries leave theirs behind."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="tenfold-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def _refuse(fault: UserError, supervision: Supervision) -> int:
    """A request that never became a job: say why, to the person and to the supervisor."""
    err(str(fault))
    if supervision.present:
        emitter = Emitter(None, supervision.events, n=supervision.resume_at or 0)
        emitter.say("fail", kind="input", message=fault.expected, where=fault.where)
    return BAD_INPUT


def ask(options: argparse.Namespace, supervision: Supervision) -> int:
    if is_group(options.folder):
        first = first_of(options.folder)
        raise UserError("folder", f"expected one job of this group, such as {first}")
    set_threads(Request.read(options.folder / REQUEST).threads)
    from engine.core import ask as whatif  # only now: it may load numpy
    from engine.core.device import settle

    answers = os.dup(1) if supervision.events is None else supervision.events
    os.dup2(2, 1)  # what a method prints goes to stderr, never between the answers
    if options.stay:
        source = control.private_stdin()
        return whatif.stay(options.folder, control.lines(source), Emitter(None, answers).say)
    if options.question is None:
        raise UserError("question", "expected the name of one, or --stay to ask on stdin")
    session = whatif.Session(options.folder)
    settle(session.job.seed, session.job.threads)
    model = session.question(options.question).params
    values = parameters.from_text(model, pairs(options.set, "--set"))
    answer = json.dumps(session.ask(options.question, values), allow_nan=False)
    os.write(answers, answer.encode() + b"\n")
    return 0
