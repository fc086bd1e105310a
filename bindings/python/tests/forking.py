"""Forked processes that do something and are not waited for for ever."""
import os
import signal
import time

SECONDS = 30


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
        end = time.monotonic() + SECONDS
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                status = "stuck"
                break
            time.sleep(0.001)
        if status != 0:
            failed += 1
            print(f"child {number}: {status}", flush=True)
    return failed
