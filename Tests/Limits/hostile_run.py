"""hostile_run.py SEEDS HEAP.SO: loads, plans and runs the models of hostile.py in three ways of loading, each within limits.

Fails where a process dies, where a call goes on more than 100 ms of CPU time past its deadline, or takes 10 % more than its byte budget
from the heap (and 1 MiB, and what the file itself has, which a load from a callback copies, and in runs the elements of its 4-bit weights).

    --groups REGEX: only these of hostile.py; --only REGEX: only models of such names; --every N: every n-th model; --ways file,bytes,callback; --json FILE
    --deadline SECONDS: of each call (0.3); a busy machine may end a model by it that a faster one takes to its budget
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
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import hostile  # noqa: E402
from cancel import used  # noqa: E402

DEADLINE = 0.3
BUDGET = 64 << 20
GRACE = 0.1
#: CPU seconds without a word; models that are left out are made as well.
PATIENCE = 60.0
STACK = 256 << 10
WAYS = ("file", "bytes", "callback")


class Watch:
    """CPU time of this thread behind a deadline, and what is taken from the heap."""

    def __init__(self, heap: Any) -> None:
        self.heap = heap

    def __enter__(self) -> Watch:
        self.at = 0.0
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        # What the thread had used when the deadline came, however seldom it got a processor until then.
        self.timer = threading.Timer(DEADLINE, self.passed)
        self.timer.start()
        self.heap.heap_watch(True)
        return self

    def passed(self) -> None:
        self.at = time.clock_gettime(self.clock)

    def __exit__(self, *_: object) -> None:
        end = time.clock_gettime(self.clock)
        self.heap.heap_watch(False)
        self.timer.cancel()
        self.timer.join()
        self.late = max(end - self.at, 0.0) if self.at else 0.0
        self.peak = self.heap.heap_peak()


def load_callback(model: bytes, folder: str | None) -> Any:
    import pinion
    from pinion import _library, _model

    reader = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p)

    def read(offset: int, length: int, destination: int, _: Any) -> int:
        ctypes.memmove(destination, model[offset : offset + length], length)
        return 0

    function = reader(read)
    options = _library.ModelOptions(ctypes.sizeof(_library.ModelOptions), None, folder and os.fsencode(folder), int(DEADLINE * 1e9), None, BUDGET, None, None, 0, 0)
    out = ctypes.c_void_p()
    load = _library.lib.pinion_model_load_callback
    load.argtypes = [reader, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    pinion._errors.check(load(function, None, len(model), ctypes.byref(options), ctypes.byref(out)))
    result = _model.Model.__new__(_model.Model)
    result._handle, result.path, result._bytes, result._folder = out.value, None, model, folder
    return result


def work(options: argparse.Namespace) -> None:
    import pinion

    heap = ctypes.CDLL(options.heap)
    heap.heap_watch.argtypes = [ctypes.c_bool]
    heap.heap_peak.restype = heap.heap_largest.restype = ctypes.c_longlong
    said = sys.stdout
    for number, case in enumerate(hostile.everything(options.seeds, options.groups)):
        if number < options.first or number % options.every or not re.search(options.only, case.name):
            continue
        said.write(json.dumps(dict(doing=case.name, number=number)) + "\n")
        said.flush()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(case.model)
            for name, content in case.files.items():
                if callable(content):
                    content(Path(folder) / name)
                else:
                    (Path(folder) / name).write_bytes(content)
            beside = folder if case.files else None
            for way in options.ways.split(","):
                line: dict[str, Any] = dict(case=case.name, way=way, results=[], bytes=len(case.model))
                late = peak = 0.0
                result, step = "ran", "load"
                watch = Watch(heap)
                try:
                    with watch:
                        if way == "callback":
                            model = load_callback(case.model, beside)
                        else:
                            model = pinion.Model(
                                str(path) if way == "file" else case.model, external_data_folder=beside if way == "bytes" else None,
                                timeout=DEADLINE, byte_budget=BUDGET)  # fmt: skip
                    late, peak, step = max(late, watch.late), max(peak, watch.peak - len(case.model)), "session"
                    with watch:
                        session = pinion.Session(model, threads=1, byte_budget=BUDGET, timeout=DEADLINE)
                    late, peak, step = max(late, watch.late), max(peak, watch.peak), "plan"
                    try:
                        with watch:
                            session.plan({name: value.shape for name, value in case.inputs.items() if hasattr(value, 'shape')}, timeout=DEADLINE, byte_budget=BUDGET)
                    except pinion.Error:
                        pass
                    late, peak, step = max(late, watch.late), max(peak, watch.peak - case.unpacked), "run"
                    feeds = {name: pinion.Value(value) for name, value in case.inputs.items()}
                    with watch:
                        session.run_values(feeds, timeout=DEADLINE, byte_budget=BUDGET, step_budget=10**7)
                except pinion.Error as error:
                    result = f"{step}: {type(error).__name__}: {error}"[:200]
                late, peak = max(late, watch.late), max(peak, watch.peak - {"load": len(case.model), "run": case.unpacked}.get(step, 0))
                line.update(result=result, late=late, over=max(peak - BUDGET * 1.1 - (1 << 20), 0), peak=peak)
                said.write(json.dumps(line) + "\n")
                said.flush()
                model = session = None


def work_or_die(options: argparse.Namespace) -> None:
    try:
        work(options)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def supervise(options: argparse.Namespace, results: list[dict[str, Any]], seen: set[str]) -> None:
    first, name = 0, ""
    while True:
        command = [sys.executable, __file__, options.seeds, options.heap, "--first", str(first), "--only", options.only, "--ways", options.ways, "--every", str(options.every), "--groups", options.groups, "--deadline", str(options.deadline)]
        environment = {**os.environ, "LD_PRELOAD": options.heap, "SWIFT_BACKTRACE": "enable=no", "HOSTILE_WORKER": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        assert process.stdout is not None
        pending, stuck, last = b"", False, 0.0
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            if ready:
                last = used(process.pid)
            elif used(process.pid) - last < PATIENCE:
                continue
            if not ready:
                process.kill()
                stuck = True
                break
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                break
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                items = json.loads(line)
                if "doing" in items:
                    first, name = items["number"], items["doing"]
                    seen.add(name)
                else:
                    results.append(items)
        if process.wait() == 0 and not stuck:
            return
        results.append(dict(case=name, way="?", died=True, result="stuck" if stuck else f"died with {process.returncode}", late=0, over=0, peak=0))
        first += 1


def main() -> int:
    global DEADLINE
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds")
    parser.add_argument("heap")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--groups", default="")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--worst", type=int, default=30)
    parser.add_argument("--deadline", type=float, default=DEADLINE)
    parser.add_argument("--json")
    options = parser.parse_args()
    options.heap = os.path.abspath(options.heap)
    DEADLINE = options.deadline
    if os.environ.get("HOSTILE_WORKER"):
        # On the stack that pinion.h asks of a caller's thread, of which the interpreter needs a part.
        threading.stack_size(STACK)
        thread = threading.Thread(target=work_or_die, args=(options,))
        thread.start()
        thread.join()
        return 0
    results: list[dict[str, Any]] = []
    seen: set[str] = set()
    supervise(options, results, seen)
    if options.json:
        Path(options.json).write_text("\n".join(map(json.dumps, results)))
    died = [r for r in results if r.get("died")]
    late = sorted((r for r in results if r["late"] > GRACE), key=lambda r: -r["late"])
    over = sorted((r for r in results if r["over"] > 0), key=lambda r: -r["over"])
    for title, found in (("ended the process", died), ("late", late), ("over the budget", over)):
        print(f"{title}: {len(found)}")
        for r in found[: options.worst]:
            print(f"  {r['late'] * 1000:8.0f} ms  {r['peak'] / 1e6:8.1f} MB  {r['case'][:80]} ({r['way']})  {r['result'][:120]}")
    codes: dict[str, int] = {}
    for r in results:
        code = "ran" if r["result"] == "ran" else r["result"].split(": ")[1] if ": " in r["result"] else r["result"]
        codes[code] = codes.get(code, 0) + 1
    print(f"{len(seen)} models, {len(results)} ways of loading: " + ", ".join(f"{code} {count}" for code, count in sorted(codes.items())))
    print(f"at most {max((r['late'] for r in results), default=0) * 1000:.0f} ms past a deadline, {max((r['peak'] for r in results), default=0) / 1e6:.1f} MB of {BUDGET / 1e6:.1f}")
    return 1 if died or late or over else 0


if __name__ == "__main__":
    sys.exit(main())
