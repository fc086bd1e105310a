"""cancel.py SEEDS HEAP.SO: every operator with large inputs, stopped at random points and under byte budgets that are too small.

For each operator of the seeds (Tests/Fuzz/node-seeds.py) models of one node with large inputs are made, loaded and run in a process of its
own. Measured are, in CPU time of the thread that runs, how long a run goes on after its token is set, without what the system takes in that
time to take large memory back, which is measured as well; the bytes that a run takes from
the heap under a budget, outputs included; and the largest block that is not the allocator's, which could not be refused.

    --operators REGEX  only these; --seconds N for each; --elements N of the largest tensor; --seed N; --workers N; --json FILE
    --latency MS --over PART --block BYTES: what fails (50 ms, 0.1, 65536)
    --level N: session's optimisation; --worst N: lines to print

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
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import cases  # noqa: E402

#: CPU seconds after which a run that is being timed is stopped.
LONG = 0.4
#: A map is a record of its own, and a million of them take a tenth of a second to give back: Documentation/Security.md does not promise them.
MAPS = {"ai.onnx.ml::ZipMap"}
#: Lists of a sequence's values are records in Swift's heap, counted but not the allocator's; pictures are decoded by the system's libraries.
RECORDS = {*MAPS, "SplitToSequence", "Loop", "ImageDecoder"}
#: What is refused here has computed until a node of a body was met that does not fit.
BODIES = {"If", "Loop", "Scan"}
#: CPU seconds without a word after which a worker counts as stuck.
PATIENCE = 30.0


class Heap:
    def __init__(self, path: str) -> None:
        self.lib = ctypes.CDLL(path)
        for name in ("peak", "current", "largest", "plain_count", "aligned_count", "returning"):
            getattr(self.lib, f"heap_{name}").restype = ctypes.c_longlong
        self.lib.heap_watch.argtypes = [ctypes.c_bool]

    def returning(self) -> float:
        """CPU seconds that the system has taken so far to take large blocks back."""
        return float(self.lib.heap_returning()) * 1e-9

    def __enter__(self) -> Heap:
        self.lib.heap_watch(True)
        return self

    def __exit__(self, *_: object) -> None:
        self.lib.heap_watch(False)
        self.peak, self.largest, self.blocks = self.lib.heap_peak(), self.lib.heap_largest(), self.lib.heap_plain_count()


class Stop:
    """Sets a token when the thread that runs has used so much CPU time, and says when it did."""

    def __init__(self, token: Any, after: float, heap: Heap) -> None:
        self.heap, self.returned = heap, 0.0
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        self.token, self.at, self.done = token, 0.0, False
        self.start = time.clock_gettime(self.clock)
        self.after = after
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def used(self) -> float:
        return time.clock_gettime(self.clock) - self.start

    def watch(self) -> None:
        while not self.done:
            used = self.used()
            if used >= self.after:
                self.at, self.returned = time.clock_gettime(self.clock), self.heap.returning()
                self.token.cancel()
                return
            time.sleep(min(max((self.after - used) / 2, 0.0002), 0.02))

    def finish(self) -> tuple[float, float, float]:
        """CPU seconds of the run, those after the token was set, and those of them in which the system took memory back."""
        end, returned = time.clock_gettime(self.clock), self.heap.returning()
        self.done = True
        self.thread.join()
        if not self.at:
            return end - self.start, 0.0, 0.0
        late = max(end - self.at, 0.0)
        returning = min(max(returned - self.returned, 0.0), late)
        return end - self.start, late - returning, returning


def work(options: argparse.Namespace) -> None:
    import pinion

    heap = Heap(options.heap)
    random = np.random.RandomState(options.seed)
    own = [case for case in cases.read(options.seeds) if case.qualified == options.worker]
    variants = []
    for number, case in enumerate(own):
        for index, _ in enumerate(cases.scaled(case, options.elements, random)):
            variants.append((number, index))
    random.shuffle(variants)
    said = sys.stdout
    start = time.process_time()

    def say(**items: Any) -> None:
        said.write(json.dumps(items) + "\n")
        said.flush()

    for number, index in variants:
        if time.process_time() - start > options.seconds:
            break
        scaled = next((make() for i, make in enumerate(cases.scaled(own[number], options.elements, random)) if i == index), None)
        if scaled is None:
            continue
        forms = list(cases.placed(scaled))
        case = forms[random.randint(len(forms))]
        text = str(case)
        say(doing=text)
        try:
            model = case.model()
        except Exception:
            continue
        clock = time.pthread_getcpuclockid(threading.get_ident())
        made = time.clock_gettime(clock)
        try:
            session = pinion.Session(model, threads=1, optimization=options.level)
        except pinion.Error as error:
            say(case=text, refused=str(error)[:200], creation=time.clock_gettime(clock) - made)
            continue
        creation = time.clock_gettime(clock) - made
        try:
            feeds = {name: pinion.Value(value) for name, value in case.feeds().items()}
        except (pinion.Error, TypeError, ValueError):
            continue

        def run(after: float, budget: int | None = None) -> tuple[float, float, float, str]:
            token, result = pinion.CancelToken(), "ran"
            stop = Stop(token, after, heap)
            try:
                session.run_values(feeds, cancel=token, byte_budget=budget)  # noqa: B023
            except pinion.Error as error:
                result = f"{type(error).__name__}: {error}"[:300]
            return *stop.finish(), result

        session.trim()
        with heap:
            seconds, late, returning, result = run(LONG)
        line: dict[str, Any] = dict(case=text, creation=creation, seconds=seconds, late=late, returning=returning, result=result)
        line.update(peak=heap.peak, largest=heap.largest, blocks=heap.blocks)
        if result != "ran" and "Cancelled" not in result:
            say(**line)
            continue
        peak = heap.peak
        if seconds > 0.005:
            for _ in range(options.points):
                session.trim()
                _, more, returning, _ = run(random.random_sample() * min(seconds, LONG))
                line["late"], line["returning"] = max(line["late"], more), max(line["returning"], returning)
        if peak > 1 << 20:
            session.trim()
            budget = max(peak // 2, 1 << 20)
            with heap:
                _, _, _, line["under_budget"] = run(LONG, budget)
            line.update(budget=budget, budget_peak=heap.peak)
        say(**line)


def used(process: int) -> float:
    """CPU seconds of a process; a busy machine lets it wait as long as it likes."""
    try:
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Results(list[dict[str, Any]]):
    """What has been found, in a file as well as soon as it is: a run of hours may be ended before its time."""

    def __init__(self, path: str | None) -> None:
        self.file = open(path, "w") if path else None
        self.lock = threading.Lock()

    def add(self, **items: Any) -> None:
        with self.lock:
            self.append(items)
            if self.file:
                self.file.write(json.dumps(items) + "\n")
                self.file.flush()


def supervise(name: str, options: argparse.Namespace, results: Results, gate: threading.Semaphore) -> None:
    with gate:
        command = [sys.executable, __file__, options.seeds, options.heap, "--worker", name]
        for option in ("seconds", "elements", "seed", "points", "level"):
            command += [f"--{option}", str(getattr(options, option))]
        environment = {**os.environ, "LD_PRELOAD": options.heap, "SWIFT_BACKTRACE": "enable=no", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        doing, pending = "", ""
        last = used(process.pid)
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            chunk = os.read(process.stdout.fileno(), 1 << 16).decode() if ready else None
            if chunk is not None:
                last = used(process.pid)
            elif used(process.pid) - last < PATIENCE:
                continue
            if chunk is None:
                process.kill()
                results.add(operator=name, case=doing, late=PATIENCE, result="stuck")
                break
            if not chunk:
                break
            pending += chunk
            *lines, pending = pending.split("\n")
            for line in lines:
                items = json.loads(line)
                if "doing" in items:
                    doing = items["doing"]
                else:
                    results.add(operator=name, **items)
        process.wait()
        error = process.stderr.read() if process.stderr else ""
        if process.returncode not in (0, -9):
            results.add(operator=name, case=doing, result=f"died with {process.returncode}", died=True, error=error[-2000:])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds")
    parser.add_argument("heap")
    parser.add_argument("--worker")
    parser.add_argument("--operators", default="")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--elements", type=int, default=1 << 20)
    parser.add_argument("--points", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--latency", type=float, default=50)
    parser.add_argument("--over", type=float, default=0.1)
    parser.add_argument("--block", type=int, default=65536)
    parser.add_argument("--worst", type=int, default=40)
    parser.add_argument("--json")
    options = parser.parse_args()
    options.heap = os.path.abspath(options.heap)
    if options.worker:
        work(options)
        return 0
    names = sorted({case.qualified for case in cases.read(options.seeds)})
    names = [name for name in names if re.search(options.operators, name)]
    results = Results(options.json)
    gate = threading.Semaphore(options.workers)
    threads = [threading.Thread(target=supervise, args=(name, options, results, gate)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report(names, results, options)


def report(names: list[str], results: list[dict[str, Any]], options: argparse.Namespace) -> int:
    faults = 0

    def table(title: str, key: Any, limit: float, unit: str, scale: float) -> None:
        nonlocal faults
        worst: dict[str, tuple[float, dict[str, Any]]] = {}
        for result in results:
            value = key(result)
            if value is not None and value > worst.get(result["operator"], (limit, {}))[0]:
                worst[result["operator"]] = (value, result)
        faults += len(worst)
        print(f"{title}: {len(worst)} operators")
        for value, result in sorted(worst.values(), key=lambda pair: -pair[0])[: options.worst]:
            print(f"  {value * scale:10.1f} {unit}  {result['case'][:260]}  {result.get('result', '')[:90]}")

    table("ended the process", lambda r: 1 if r.get("died") else None, 0, "", 1)

    table("CPU time from cancel to return", lambda r: None if r["operator"] in MAPS else r.get("late"), options.latency / 1000, "ms", 1000)
    table("CPU time of a session's creation or a run's refusal", lambda r: r.get("creation") if "creation" in r else None, 0.5, "ms", 1000)
    table(
        "refused late",
        lambda r: r.get("seconds") if r["operator"] not in BODIES and r.get("result", "ran") != "ran" and "Cancelled" not in r["result"] else None,
        options.latency / 1000, "ms", 1000)  # fmt: skip
    table(
        "bytes over the budget", lambda r: r["budget_peak"] - r["budget"] * (1 + options.over) - (1 << 20) if "budget" in r else None, 0, "MB", 1e-6)
    table("largest block that is not the allocator's", lambda r: None if r["operator"] in RECORDS else r.get("largest"), options.block, "KB", 1e-3)
    late = sorted(r["late"] for r in results if r.get("late") and r["operator"] not in MAPS)
    ran = sum(1 for r in results if "seconds" in r and (r["result"] == "ran" or "Cancelled" in r["result"]))
    print(f"{ran} large runs of {len({r['operator'] for r in results if 'seconds' in r})} of {len(names)} operators")
    if late:
        print(f"CPU time from cancel to return: median {late[len(late) // 2] * 1000:.2f} ms, p99 {late[int(len(late) * 0.99)] * 1000:.1f} ms, max {late[-1] * 1000:.1f} ms")
    if returning := [r for r in results if r.get("returning", 0) > 0.001]:
        most = max(returning, key=lambda r: r["returning"])
        print(f"besides, the system took {most['returning'] * 1000:.1f} ms at most to take memory back, in a run that held {most['peak'] / 1e6:.0f} MB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
