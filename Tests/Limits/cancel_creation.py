"""cancel_creation.py HEAP.SO: what comes before a run, stopped at random points: loading, a session's creation, a question about a plan, preparation, the first run.

Each model of creation_models.py is taken through these steps in a process of its own. Measured is, in CPU time of the thread that calls,
how long a step goes on after its token is set, without what the system takes in that time to take large memory back. What has been
stopped is done again to the end, and has to give the same bits as when nothing was stopped; a preparation that is stopped again and again
after a quarter of what it takes has to come to its end after some tries.

    --models REGEX  only these; --every N: every n-th; --points N at each step; --seconds N for each model at most; --seed N; --workers N
    --p99 MS --latency MS: what fails (20 and 50); --worst N: lines to print; --json FILE

Needs LD_PRELOAD, which it sets for its workers.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import creation_models  # noqa: E402
from cancel import PATIENCE, Heap, Results, Stop, used  # noqa: E402

#: Tries that a preparation gets, each stopped after a quarter of what it takes alone.
TRIES = 40


class Steps:
    """A model on its way to its first run."""

    def __init__(self, model: bytes, feeds: dict[str, Any], heap: Heap) -> None:
        import pinion

        self.pinion, self.bytes, self.heap, self.feeds = pinion, model, heap, feeds
        self.values = {name: pinion.Value(value) for name, value in feeds.items()}
        self.model: Any = None
        self.session: Any = None

    # Each step makes its arguments ready and gives the call alone, so that what Python does is not measured.

    def load(self) -> Callable[[Any], None]:
        def call(token: Any) -> None:
            self.model = self.pinion.Model(self.bytes, cancel=token)

        return call

    def create(self) -> Callable[[Any], None]:
        from pinion import _library

        out = ctypes.c_void_p()

        def call(token: Any) -> None:
            options = _library.SessionOptions(ctypes.sizeof(_library.SessionOptions), None, b"cpu", 1, 2, 0, 0, 0, 0, 0, token and token._handle)
            try:
                self.pinion._errors.check(_library.lib.pinion_session_create(self.model._handle, ctypes.byref(options), ctypes.byref(out)))
            finally:
                self.made = out

        return call

    def plan(self) -> Callable[[Any], None]:
        session, out = self.session, ctypes.c_void_p()
        # Without values, so that what depends on them is looked for in other ways.
        context = session._shapes({name: value if value.dtype == object else (value.shape, value.dtype) for name, value in self.feeds.items()})
        shapes = context.__enter__()

        def call(token: Any) -> None:
            options = ctypes.byref(self.pinion._limits.run_limits(None, token, None, None))
            self.planned = out
            planned = self.pinion._library.lib.pinion_session_plan_with_options(session._handle, options, len(shapes), shapes, ctypes.byref(out))
            self.pinion._errors.check(planned)

        call.context = context  # type: ignore[attr-defined]
        return call

    def prepare(self) -> Callable[[Any], None]:
        session, targets = self.session, self.session._output_frame(None)
        context = session._shapes(self.feeds)
        shapes = context.__enter__()

        def call(token: Any) -> None:
            options = ctypes.byref(self.pinion._limits.run_limits(None, token, None, None))
            prepared = self.pinion._library.lib.pinion_session_prepare(session._handle, options, len(shapes), shapes, targets.count, targets.names)
            self.pinion._errors.check(prepared)

        # The shapes are there as long as the call.
        call.context = context  # type: ignore[attr-defined]
        return call

    def run(self) -> Callable[[Any], None]:
        session, targets = self.session, self.session._output_frame(None)
        frame = session._input_frame((*self.feeds,), (*self.feeds,), None)
        handles, self.outputs = frame.array(), targets.array()
        for position, value in enumerate(self.values.values()):
            handles[position] = value._handle

        def call(token: Any) -> None:
            options = ctypes.byref(self.pinion._limits.run_limits(None, token, None, None))
            run = self.pinion._library.lib.pinion_session_run
            self.pinion._errors.check(run(session._handle, options, frame.count, frame.names, handles, targets.count, targets.names, self.outputs))

        return call

    def up_to(self, step: str) -> None:
        """Makes all that comes before the step anew."""
        self.session = self.model = None
        if step == "load":
            return
        self.load()(None)
        if step != "create":
            self.session = self.pinion.Session(self.model, threads=1)

    def stopped(self, step: str, after: float) -> tuple[float, float, float, str]:
        """CPU seconds of the step, those after its token was set, those of them in which the system took memory back, and its result."""
        token, result = self.pinion.CancelToken(), "done"
        call = getattr(self, step)()
        stop = Stop(token, after, self.heap)
        try:
            call(token)
        except self.pinion.Error as error:
            result = f"{type(error).__name__}: {error}"[:200]
        times = stop.finish()
        self.clear(step)
        return *times, result

    def clear(self, step: str) -> None:
        lib = self.pinion._library.lib
        if step == "create" and self.made:
            lib.pinion_session_release(self.made)
        if step == "plan" and self.planned:
            lib.pinion_plan_release(self.planned)
        if step == "run":
            for handle in self.outputs:
                if handle:
                    lib.pinion_value_release(handle)

    def bits(self) -> list[bytes]:
        """What a run gives, without a stop."""
        values = self.session.run(self.feeds, cancel=self.pinion.CancelToken())
        return [np.asarray(value).tobytes() if np.asarray(value).dtype != object else repr(value).encode() for value in values[:100]]


def work(options: argparse.Namespace) -> None:
    heap = Heap(options.heap)
    random = np.random.RandomState(options.seed)
    model, feeds = creation_models.MODELS[options.worker]()
    steps = Steps(model, feeds, heap)
    said = sys.stdout

    def say(**items: Any) -> None:
        said.write(json.dumps(items) + "\n")
        said.flush()

    # Without a stop, for the time that each step takes and what the run gives.
    times: dict[str, float] = {}
    failed = False
    for step in ("load", "create", "plan", "prepare", "run"):
        say(doing=step)
        if step != "load":
            steps.up_to(step)
        times[step], _, _, result = steps.stopped(step, 1e9)
        if result != "done":
            say(step=step, late=0, result=result)
            failed = True
            break
    expected = None if failed else steps.bits()
    start = time.process_time()
    for number, step in enumerate(times):
        for _ in range(options.points):
            if time.process_time() - start > options.seconds * (number + 1) / len(times):
                break
            say(doing=step)
            steps.up_to(step)
            after = random.random_sample() * times[step]
            seconds, late, returning, result = steps.stopped(step, after)
            say(step=step, late=late, returning=returning, seconds=times[step], after=after, result=result)
    if failed:
        return
    say(doing="again")
    try:
        if steps.bits() != expected:
            say(step="run", late=0, result="other bits after a stop", fault=True)
    except steps.pinion.Error as error:
        say(step="run", late=0, result=f"after a stop: {error}"[:200], fault=True)
    if times["prepare"] < 0.02:
        return
    say(doing="tries")
    steps.up_to("prepare")
    for _ in range(TRIES):
        _, _, _, result = steps.stopped("prepare", times["prepare"] / 4)
        if result == "done":
            return
    say(step="prepare", late=0, result=f"no end after {TRIES} tries, each stopped after a quarter of {times['prepare']:.3f} s", fault=True)


def supervise(name: str, options: argparse.Namespace, results: Results, gate: threading.Semaphore) -> None:
    with gate:
        command = [sys.executable, __file__, options.heap, "--worker", name]
        for option in ("seconds", "seed", "points"):
            command += [f"--{option}", str(getattr(options, option))]
        environment = {**os.environ, "LD_PRELOAD": options.heap, "SWIFT_BACKTRACE": "enable=no", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        doing, pending, last = "", "", used(process.pid)
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            if not ready:
                if used(process.pid) - last < PATIENCE:
                    continue
                process.kill()
                results.add(model=name, step=doing, late=PATIENCE, result="stuck", fault=True)
                break
            last = used(process.pid)
            chunk = os.read(process.stdout.fileno(), 1 << 16).decode()
            if not chunk:
                break
            *lines, pending = (pending + chunk).split("\n")
            for line in lines:
                items = json.loads(line)
                if "doing" in items:
                    doing = items["doing"]
                else:
                    results.add(model=name, **items)
        process.wait()
        error = process.stderr.read() if process.stderr else ""
        if process.returncode not in (0, -9):
            results.add(model=name, step=doing, late=0, result=f"died with {process.returncode}", fault=True, error=error[-2000:])
            print(error[-600:], file=sys.stderr)


def report(results: list[dict[str, Any]], options: argparse.Namespace) -> int:
    faults = [r for r in results if r.get("fault")]
    print(f"faults: {len(faults)}")
    for r in faults:
        print(f"  {r['model']}, {r['step']}: {r['result']}")
    points = sorted((r for r in results if "after" in r), key=lambda r: -r["late"])
    worst: dict[tuple[str, str], dict[str, Any]] = {}
    for r in points:
        worst.setdefault((r["model"], r["step"]), r)
    place: Callable[[float], float] = lambda part: points[int(len(points) * (1 - part))]["late"] * 1000
    if not points:
        print("nothing was stopped")
        return 1
    print("CPU time from cancel to return, the latest of each model and step:")
    for r in sorted(worst.values(), key=lambda r: -r["late"])[: options.worst]:
        print(f"  {r['late'] * 1000:8.1f} ms  {r['model']}, {r['step']}, {r['after'] * 1000:.0f} of {r['seconds'] * 1000:.0f} ms  {r['result'][:70]}")
    stopped = sum(1 for r in points if "Cancelled" in r["result"])
    print(f"{len({r['model'] for r in points})} models, {len(points)} points, {stopped} of them stopped")
    print(f"CPU time from cancel to return: p50 {place(0.5):.2f}, p90 {place(0.9):.1f}, p99 {place(0.99):.1f}, max {points[0]['late'] * 1000:.1f} ms")
    if returning := max((r.get("returning", 0) for r in points), default=0):
        print(f"besides, the system took {returning * 1000:.1f} ms at most to take memory back")
    return 1 if faults or points[0]["late"] * 1000 > options.latency or place(0.99) > options.p99 else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("heap")
    parser.add_argument("--worker")
    parser.add_argument("--models", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--points", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--p99", type=float, default=20)
    parser.add_argument("--latency", type=float, default=50)
    parser.add_argument("--worst", type=int, default=30)
    parser.add_argument("--json")
    options = parser.parse_args()
    options.heap = os.path.abspath(options.heap)
    if options.worker:
        work(options)
        return 0
    names = [name for number, name in enumerate(creation_models.MODELS) if number % options.every == 0 and re.search(options.models, name)]
    results = Results(options.json)
    gate = threading.Semaphore(options.workers)
    threads = [threading.Thread(target=supervise, args=(name, options, results, gate)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report(results, options)


if __name__ == "__main__":
    sys.exit(main())
