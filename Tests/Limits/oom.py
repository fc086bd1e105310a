"""oom.py SEEDS HEAP.SO: the runtime's allocator refuses, once at every place in turn, and then from every place on.

Models of one node over all operators, and some of many nodes, are loaded, made into sessions, planned and run while allocations fail: the
n-th, the n-th and all after it, and last every block of 64 KiB and more that is not the allocator's. Each call has to end with a code,
leave nothing behind, and the next run has to give the bits of the first.

    --models N: how many (default 50; 0 for one of each operator); --places N: refusals of each kind at most; --only REGEX; --seed N
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import cases  # noqa: E402
import hostile  # noqa: E402

LEAK_RUNS = 400


def graphs() -> list[tuple[str, bytes, dict[str, Any]]]:
    """Models of many nodes: products, convolutions, a loop, a branch, strings, folding."""
    from onnx import helper, numpy_helper

    random = np.random.RandomState(11)

    def weight(name: str, *dims: int) -> Any:
        return numpy_helper.from_array(random.rand(*dims).astype(np.float32), name)

    node, info, model = helper.make_node, hostile.info, hostile.model
    x = {"x": random.rand(3, 64).astype(np.float32)}
    mlp = [node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "b"], ["c"]), node("Relu", ["c"], ["d"]), node("MatMul", ["d", "v"], ["y"])]
    image = {"x": random.rand(1, 3, 40, 40).astype(np.float32)}
    net = [
        node("Conv", ["x", "k"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]), node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["c"], ["d"]), node("Flatten", ["d"], ["y"])]  # fmt: skip
    folded = [node("MatMul", ["w", "w"], ["a"]), node("MatMul", ["a", "w"], ["b"]), node("MatMul", ["x", "b"], ["y"])]
    body = helper.make_graph(
        [node("Identity", ["c"], ["d"]), node("Mul", ["v", "v"], ["w"]), node("Identity", ["v"], ["o"])], "b",
        [info("i", 7, []), info("c", 9, []), info("v")], [info("d", 9, []), info("w"), info("o")])  # fmt: skip
    loop = [node("Loop", ["n", "", "x"], ["z", "y"], body=body)]
    branch = helper.make_graph([node("Neg", ["x"], ["o"])], "t", [], [info("o")])
    other = helper.make_graph([node("Abs", ["x"], ["o"])], "e", [], [info("o")])
    text = [node("StringConcat", ["s", "s"], ["a"]), node("StringSplit", ["a"], ["y", "z"])]
    # Tables of as many entries as there are elements. The list of a sequence's values is Swift's, as Documentation/Security.md says.
    many = {"x": random.rand(50_000).astype(np.float32)}
    tables = [
        node("Unique", ["x"], ["a", "b", "c", "d"]), node("NonZero", ["x"], ["e"]),
        node("Cast", ["x"], ["h"], to=8), node("Cast", ["h"], ["i"], to=1)]  # fmt: skip
    words = {"s": np.array([f"word {i % 977}" for i in range(20_000)], object)}
    vocabulary = [
        node("StringConcat", ["s", "s"], ["a"]), node("StringNormalizer", ["a"], ["b"], case_change_action="UPPER"), node("Unique", ["b"], ["c"]),
        node("StringSplit", ["s"], ["d", "e"]), node("RegexFullMatch", ["s"], ["f"], pattern="w.*")]  # fmt: skip
    found = [node("NonZero", ["x"], ["a"]), node("Transpose", ["a"], ["b"]), node("GatherND", ["x", "b"], ["y"])]
    return [
        ("products", model(mlp, [info("x")], ["y"], [weight("w", 64, 128), weight("b", 128), weight("v", 128, 10)]).SerializeToString(), x),
        ("pictures", model(net, [info("x")], ["y"], [weight("k", 8, 3, 3, 3)]).SerializeToString(), image),
        ("folding", model(folded, [info("x")], ["y"], [weight("w", 64, 64)]).SerializeToString(), x),
        ("a loop", model(loop, [info("x"), info("n", 7, [])], ["z", "y"]).SerializeToString(), {**x, "n": np.array(5)}),
        ("a branch", model([node("If", ["c"], ["y"], then_branch=branch, else_branch=other)], [info("x"), info("c", 9, [])], ["y"]).SerializeToString(), {**x, "c": np.array(True)}),
        ("strings", model(text, [info("s", 8)], ["y", "z"]).SerializeToString(), {"s": np.array(["a b", "ccc"] * 50, object)}),
        ("tables", model(tables, [info("x")], ["c", "e", "i"]).SerializeToString(), many),
        ("words", model(vocabulary, [info("s", 8)], ["c", "d", "f"]).SerializeToString(), words),
        ("positions", model(found, [info("x")], ["y"]).SerializeToString(), x),
    ]


def contents(values: Any) -> Any:
    """What two runs are compared by: bits, so that NaN is like itself."""
    if isinstance(values, (list, tuple)):
        return [contents(v) for v in values]
    if isinstance(values, dict):
        return {key: contents(v) for key, v in values.items()}
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return (str(values.dtype), values.shape, values.tobytes())
    return values.tolist() if isinstance(values, np.ndarray) else values


def work(options: argparse.Namespace) -> None:
    import pinion

    heap = ctypes.CDLL(options.heap)
    heap.heap_watch.argtypes = [ctypes.c_bool]
    heap.heap_refuse.argtypes = [ctypes.c_longlong, ctypes.c_bool, ctypes.c_longlong]
    heap.heap_aligned_count.restype = heap.heap_current.restype = ctypes.c_longlong

    def watched(call: Any, refuse: tuple[int, bool, int] = (0, False, 0)) -> tuple[Any, str, int]:
        """What the call gives, its code, and how often it asked the allocator."""
        result, code = None, "ok"
        heap.heap_refuse(*refuse)
        heap.heap_watch(True)
        try:
            result = call()
        except pinion.Error as error:
            code = type(error).__name__
        finally:
            asked = heap.heap_aligned_count()
            heap.heap_watch(False)
            heap.heap_refuse(0, False, 0)
        return result, code, asked

    random = np.random.RandomState(options.seed)
    chosen: dict[str, Any] = {}
    for case in cases.read(options.seeds):
        if case.qualified not in chosen or random.randint(3) == 0:
            chosen[case.qualified] = case
    models = graphs() + [(case.qualified, case.model(), case.feeds()) for case in chosen.values()]
    models = [m for m in models if re.search(options.only, m[0])]
    if options.models:
        own = len(graphs())
        order = [*range(own), *(own + random.permutation(max(len(models) - own, 0)))]
        models = [models[i] for i in order[: options.models] if i < len(models)]
    refusals = faults = 0
    codes: dict[str, int] = {}
    for number, (name, model, inputs) in enumerate(models):
        if number < options.first:
            continue
        print(json.dumps(dict(doing=name, number=number)), flush=True)
        feeds = {key: pinion.Value(value) for key, value in inputs.items()}
        is_random = bool(re.search("Random|Bernoulli|Multinomial|Dropout", name))

        def run(session: Any) -> Any:
            return contents(session.run(feeds))  # noqa: B023

        try:
            expected = run(pinion.Session(model, threads=1))
        except pinion.Error:
            continue
        phases = {
            "load": lambda: pinion.Model(model),  # noqa: B023
            "session": lambda: pinion.Session(loaded, threads=1),  # noqa: B023
            "plan": lambda: pinion.Session(loaded, threads=1).plan({k: v.shape for k, v in inputs.items() if isinstance(v, np.ndarray)}),  # noqa: B023
            "run": lambda: pinion.Session(loaded, threads=1).run_values(feeds),  # noqa: B023
        }
        for phase, call in phases.items():
            loaded = pinion.Model(model)
            watched(call)
            _, code, asked = watched(call)
            if code != "ok" and phase != "plan":
                continue
            places = sorted({*range(1, min(asked, 8) + 1), *random.randint(1, asked + 1, options.places).tolist()}) if asked else []
            for refuse in [(place, after, 0) for after in (False, True) for place in places[: options.places]] + [(0, False, 1 << 16)]:
                refusals += 1
                loaded = pinion.Model(model)
                _, code, _ = watched(call, refuse)
                codes[code] = codes.get(code, 0) + 1
                text = f"{name}, {phase}, refused {refuse}"
                if code not in ("ok", "OutOfMemoryError") and not (phase == "plan" and code != "InternalError"):
                    faults += 1
                    print(json.dumps(dict(fault=f"{text}: {code}")), flush=True)
                try:
                    again = run(pinion.Session(loaded, threads=1))
                    if again != expected and not is_random:
                        faults += 1
                        print(json.dumps(dict(fault=f"{text}: the next run differs")), flush=True)
                except pinion.Error as error:
                    faults += 1
                    print(json.dumps(dict(fault=f"{text}: the next run fails: {error}")), flush=True)
        # Leaks: what many refused runs leave behind, so many that an object of some hundred bytes in each shows.
        loaded = pinion.Model(model)
        session = pinion.Session(loaded, threads=1)
        run(session)

        def refused_runs() -> None:
            for turn in range(LEAK_RUNS):
                heap.heap_refuse(1 + turn % 5 + heap.heap_aligned_count(), False, 0)
                try:
                    session.run_values(feeds)  # noqa: B023
                except pinion.Error:
                    pass
            session.trim()  # noqa: B023
            gc.collect()

        refused_runs()
        heap.heap_watch(True)
        refused_runs()
        left = heap.heap_current()
        heap.heap_watch(False)
        heap.heap_refuse(0, False, 0)
        if left > 40_000:
            faults += 1
            print(json.dumps(dict(fault=f"{name}: {LEAK_RUNS} refused runs leave {left} bytes")), flush=True)
        print(json.dumps(dict(total=refusals, faults=faults, codes=codes)), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds")
    parser.add_argument("heap")
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    options.heap = os.path.abspath(options.heap)
    if os.environ.get("OOM_WORKER"):
        work(options)
        return 0
    first, name, refusals, count, faults = 0, "", 0, 0, 0
    codes: dict[str, int] = {}
    while True:
        command = [sys.executable, __file__, *sys.argv[1:], "--first", str(first)]
        environment = {**os.environ, "LD_PRELOAD": options.heap, "SWIFT_BACKTRACE": "enable=no", "OOM_WORKER": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None and process.stderr is not None
        total: dict[str, Any] = {}
        for line in process.stdout:
            items = json.loads(line)
            if "doing" in items:
                first, name = items["number"], items["doing"]
                count += 1
            elif "fault" in items:
                faults += 1
                print("  " + items["fault"], flush=True)
            else:
                total = items
        refusals += total.get("total", 0)
        for code, times in total.get("codes", {}).items():
            codes[code] = codes.get(code, 0) + times
        if process.wait() == 0:
            break
        faults += 1
        print(f"  {name}: the process ended with {process.returncode}: {process.stderr.read()[:300]}", flush=True)
        first += 1
    print(f"{count} models, {refusals} refusals: " + ", ".join(f"{code} {times}" for code, times in sorted(codes.items())) + f"; {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
