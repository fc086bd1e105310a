"""stress.py SECONDS: sessions that many threads use at once, with cancels, budgets, trims, releases and forks.

Each of 4 models has 8 threads. A thread runs its model on one of several shapes and compares the bits with those of a run alone; now and
then it cancels a run, gives it too small a budget, trims the session, makes one of its own and drops it, or forks a process that runs the
model once more. At the end the process must not be larger than after the first tenth of the time.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import oom  # noqa: E402

THREADS = 8
ROWS = (1, 2, 3, 7, 16, 33, 64)


def digest(values: Any) -> str:
    return hashlib.sha256(repr(oom.contents(values)).encode()).hexdigest()


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Model:
    def __init__(self, name: str, bytes_: bytes, inputs: dict[str, Any]) -> None:
        import pinion

        self.pinion, self.name, self.bytes = pinion, name, bytes_
        self.session = pinion.Session(bytes_, threads=2)
        random = np.random.RandomState(len(name))
        self.feeds, self.digests = [], []
        for rows in ROWS:
            fed = dict(inputs)
            if name == "pictures":
                fed["x"] = random.rand(1, 3, 8 + rows, 40).astype(np.float32)
            elif "x" in fed:
                fed["x"] = random.rand(rows, 64).astype(np.float32)
            else:
                fed["s"] = np.array([f"a{i} b{i % 7}" for i in range(rows)], object)
            self.feeds.append(fed)
            self.digests.append(digest(self.session.run(fed)))


class Stress:
    def __init__(self) -> None:
        self.stop = threading.Event()
        self.faults: list[str] = []
        self.counts: dict[str, int] = {}
        self.lock = threading.Lock()

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)
        self.stop.set()

    def work(self, model: Model, number: int) -> None:
        random = np.random.RandomState(number)
        pinion = model.pinion
        while not self.stop.is_set():
            turn, which = random.randint(1000), random.randint(len(ROWS))
            feeds, expected = model.feeds[which], model.digests[which]
            try:
                if turn < 30:
                    token = pinion.CancelToken()
                    timer = threading.Timer(random.random_sample() * 0.002, token.cancel)
                    timer.start()
                    try:
                        if digest(model.session.run(feeds, cancel=token)) != expected:
                            self.fault(f"{model.name}: a run that was to be cancelled gave other bits")
                    except pinion.CancelledError:
                        self.count("cancelled")
                    timer.join()
                elif turn < 50:
                    try:
                        model.session.run(feeds, byte_budget=100)
                        self.count("within 100 bytes")
                    except pinion.BudgetExceededError:
                        self.count("over budget")
                elif turn < 60:
                    model.session.trim()
                    self.count("trimmed")
                elif turn < 70:
                    if digest(pinion.Session(model.bytes, threads=1 + random.randint(3)).run(feeds)) != expected:
                        self.fault(f"{model.name}: a session of its own gave other bits")
                    self.count("sessions")
                elif turn < 72:
                    self.fork(model, which)
                else:
                    if digest(model.session.run(feeds)) != expected:
                        self.fault(f"{model.name}, shape {which}: other bits than alone")
                    self.count("runs")
            except Exception as error:
                self.fault(f"{model.name}: {type(error).__name__}: {error}")

    def fork(self, model: Model, which: int) -> None:
        child = os.fork()
        if child == 0:
            # Only the library: other threads of the interpreter are gone with whatever they held.
            try:
                same = digest(model.session.run(model.feeds[which])) == model.digests[which]
            except BaseException:
                same = False
            os._exit(0 if same else 3)
        # A minute, in steps of its own: a machine that stood still for a while is not the child's fault.
        for _ in range(12000):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.005)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            status = -1
        self.count("forks")
        if status:
            self.fault(f"{model.name}: a forked process ended with {status}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--no-forks", action="store_true", help="for sanitizers that do not go with forks")
    options = parser.parse_args()
    stress = Stress()
    if options.no_forks:
        stress.fork = lambda *_: None  # type: ignore[method-assign]
    models = [Model(*graph) for graph in oom.graphs() if graph[0] in ("products", "pictures", "a loop", "strings")]
    threads = [threading.Thread(target=stress.work, args=(model, index * 100 + n)) for index, model in enumerate(models) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    stress.stop.wait(options.seconds / 10)
    for model in models:
        model.session.trim()
    gc.collect()
    early = resident()
    stress.stop.wait(max(options.seconds - (time.monotonic() - start), 0))
    stress.stop.set()
    for thread in threads:
        thread.join()
    for model in models:
        model.session.trim()
    gc.collect()
    late = resident()
    if late > early * 1.1 + (16 << 20):
        stress.fault(f"the process grew from {early / 1e6:.0f} to {late / 1e6:.0f} MB")
    for text in stress.faults[:20]:
        print("  " + text)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(stress.counts.items()))
    print(f"{time.monotonic() - start:.0f} s, {len(models)} models x {THREADS} threads: {counts}; {early / 1e6:.0f} then {late / 1e6:.0f} MB; {len(stress.faults)} faults")
    return 1 if stress.faults else 0


if __name__ == "__main__":
    sys.exit(main())
