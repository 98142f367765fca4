"""Runs a command as the head of its process group, and ends the whole group with the job.

A compiler has children. When the job is killed, the kernel tells its own child alone (PDEATHSIG),
so that child is this program: it passes the news on to all. Run as a script, by `process.execute`,
without a site and before anything is imported that takes time.
"""

from __future__ import annotations

import os
import signal
import sys

JOB_GONE = signal.SIGHUP  # what process.py lets the kernel send


def main(command: list[str]) -> int:
    signal.signal(JOB_GONE, lambda *_: os.killpg(0, signal.SIGKILL))
    # The group is asked to end: the tool decides when it has, and this waits for it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    tool = os.fork()
    if tool == 0:
        try:
            os.execvp(command[0], command)  # noqa: S606 - what process.execute was given
        except OSError as fault:
            os.write(2, f"{command[0]}: {fault.strerror}\n".encode())
            os._exit(127)
    code = os.waitstatus_to_exitcode(os.waitpid(tool, 0)[1])
    if code < 0:  # by a signal: die of the same
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
