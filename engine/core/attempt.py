"""One attempt at a job, from an accepted request to its exit code.

Whatever happens is said three times, and the same each time: by the exit code, by the last
event, and by one line on stderr.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from engine.core import device as devices
from engine.core import environment, events, resume
from engine.core import params as parameters
from engine.core.control import STOPPED, Control, Stop
from engine.core.emit import Emitter
from engine.core.errors import BAD_INPUT, Failure, UserError
from engine.core.job import EVENTS, REQUEST, RESULT, Request
from engine.core.limits import Supervision
from engine.core.method import resolve
from engine.core.plain import write_json
from engine.core.run import Run
from engine.core.terminal import Terminal, err
from engine.core.use import Meter

DONE, FAILED, CANCELLED = 0, 1, 130


def attempt(request: Request, folder: Path, *, supervision: Supervision) -> int:
    """Run the method in `folder` and return the exit code."""
    first = not (folder / EVENTS).exists()
    said: set[str] = set()  # types of events
    request.write(folder)
    point = resume.rewind(folder, resume_at=supervision.resume_at)
    control = Control()
    emitter = Emitter(
        folder / EVENTS, supervision.events, n=point.n, on_gone=lambda: control.end("stopped")
    )
    hint = "" if supervision.present else "ending after this step; once more to end at once\n"
    control.watch_signals(emitter, hint=hint)
    terminal = None
    if supervision.present:
        control.watch_stdin(
            grace=supervision.limits.orphan_grace,
            complain=lambda text: emitter.log(text, "warning"),
        )
    else:
        terminal = Terminal(request.method)
        emitter.listeners += [terminal, lambda t, body: said.add(t)]
    code = _guarded(
        lambda: _work(
            request, folder, emitter, control, point, supervision=supervision, first=first
        ),
        emitter,
        supervision=supervision,
    )
    if terminal is not None:
        terminal.end()
    emitter.close()
    if code == BAD_INPUT and first and terminal is not None and not said & {"file", "ckpt"}:
        for name in (REQUEST, EVENTS):  # corrected, the request may come into this folder again
            (folder / name).unlink()
    return code


def _work(
    request: Request,
    folder: Path,
    emitter: Emitter,
    control: Control,
    point: resume.Point,
    *,
    supervision: Supervision,
    first: bool,
) -> None:
    with emitter.lock:  # nothing that another thread has to say comes before the greeting
        device = devices.resolve(request.device)
        if request.method.requires == "gpu" and device != "cuda":
            raise UserError("device", f"{request.method.slug} needs a GPU, and there is none")
        entry = resolve(request.method.entry)
        devices.settle(request.seed, request.threads)
        around = environment.capture(device=device)
        emitter.say(
            "hello",
            v=events.VERSION,
            method=request.method.slug,
            pid=os.getpid(),
            device=device,
            threads=request.threads,
            seed=request.seed,
            resumed_from=point.n or None,
            environment=around,
        )
    for fault in point.unreadable:
        emitter.log(f"checkpoint passed over, cannot read it: {fault}", "warning")
    if not first and not point.n:
        emitter.log("no checkpoint to resume from: starting anew", "warning")
    run = Run(
        request,
        folder,
        device=device,
        emitter=emitter,
        control=control,
        point=point,
        checkpoint_every=supervision.limits.checkpoint_every,
    )
    if run.environment:  # from before the checkpoint: the greeting does not know of it
        emitter.say("env", environment=run.environment)
    for name, value in parameters.differences(run.params, request.params).items():
        emitter.log(f"going on with {name}={value}, as it was changed while the job ran")
    meter = Meter(emitter.say)
    try:
        summary = run.finish(entry(run))
    finally:
        control.over = True
        meter.close()
    seconds = run.seconds
    write_json(
        folder / RESULT,
        {
            "method": request.method.slug,
            "params": run.params.model_dump(mode="json"),
            "seed": request.seed,
            "device": device,
            "threads": request.threads,
            "summary": summary,
            "artifacts": list(run.artifacts.values()),
            "verifications": run.verifications,
            "environment": {**around, **run.environment},
            "seconds": seconds,
        },
    )
    emitter.say("done", summary=summary, seconds=seconds)


def _guarded(work: Callable[[], None], emitter: Emitter, *, supervision: Supervision) -> int:
    """Do the work; turn each way in which it can end into its event, line and exit code."""
    try:
        work()
    except Stop as stop:
        word = "cancelled" if stop.kind == "cancelled" else "stopped; it can be resumed"
        emitter.say("fail", kind=stop.kind, message=f"the job was {word}")
        err(word)
        return CANCELLED if stop.kind == "cancelled" else STOPPED
    except UserError as fault:
        emitter.say("fail", kind="input", message=fault.expected, where=fault.where)
        err(str(fault))
        return BAD_INPUT
    except Failure as failure:
        if failure.details:
            emitter.log(failure.details, "error")
        emitter.say("fail", kind="error", message=str(failure)[:2000])
        err(str(failure))
        return FAILED
    except BaseException as error:  # noqa: BLE001 - the seam: nothing may end without its event
        traceback.print_exc(file=sys.stderr)
        said = supervision.limits.explain(error) or f"{type(error).__name__}: {error}"
        emitter.say("fail", kind="error", message=said[:2000])
        err(said)
        return FAILED
    return DONE
