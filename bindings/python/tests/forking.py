"""Forked processes that do something and are not waited for for ever."""
import os
import signal
import time
from pathlib import Path

SECONDS = 30


def threads_of(pid):
    """The name, state and system call of each thread."""
    told = []
    for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
        try:
            name, rest = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            told.append(f"{name}: {rest.split()[0]}, system call {(task / 'syscall').read_text().split()[:3]}")
        except OSError as error:
            told.append(str(error))
    return "; ".join(told)


def failures(children, child):
    """Calls child(number) in that many processes, one after the other. Prints and counts those that fail, die or do not end."""
    failed = 0
    for number in range(children):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                child(number)
                status = 0
            finally:
                os._exit(status)
        # Counted in steps of its own, so that a machine that stood still for a while is not the child's fault.
        for _ in range(SECONDS * 1000):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            time.sleep(0.001)
        else:
            status = f"stuck; {threads_of(pid)}"
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if status != 0:
            failed += 1
            print(f"child {number}: {status}", flush=True)
    return failed
