#!/usr/bin/env python3
"""ONNX's backend tests through the Python package pinion.

    conformance.py [--known known-failures.txt] [--filter REGEX] [--out FILE.json] [--jobs N]

Generates the node tests of the installed onnx, adds the model tests that it ships, runs each and compares as the suite does:
same shape and type, |a - b| <= atol + rtol * |b|, NaN equals NaN. Prints a table by operator. A failure that is not in the list of
known ones makes the exit status 1; a listed case that passes is named. Cases run in worker processes; one that dies counts as a crash.
"""
from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def shipped_cases():
    """(name, model path, data folders) of the model tests in the onnx package that carry their own data."""
    root = Path(onnx.__file__).parent / "backend/test/data"
    for kind in ("simple", "pytorch-converted", "pytorch-operator"):
        for folder in sorted((root / kind).glob("test_*")):
            if (folder / "model.onnx").exists():
                yield f"{kind}/{folder.name}", folder


def load(path, value_type):
    data = path.read_bytes()
    kind = value_type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def array(value):
    """The value of a generated case, which may still be a message."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.SequenceProto):
        return numpy_helper.to_list(value)
    if isinstance(value, onnx.OptionalProto):
        return numpy_helper.to_optional(value)
    return value


def folder_sets(folder, model):
    for data in sorted(folder.glob("test_data_set_*")):
        sides = []
        for side, infos in (("input", model.graph.input), ("output", model.graph.output)):
            sides.append([load(data / f"{side}_{i}.pb", info.type) for i, info in enumerate(infos) if (data / f"{side}_{i}.pb").exists()])
        yield sides


def mismatch(got, expected, rtol, atol):
    """What is wrong with an output, or None."""
    if expected is None or got is None:
        return None if got is expected else f"{type(got).__name__}, expected {type(expected).__name__}"
    if isinstance(expected, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(got) != len(expected):
            return f"expected a sequence of {len(expected)}"
        return next((m for g, e in zip(got, expected) if (m := mismatch(g, e, rtol, atol))), None)
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    if expected.dtype == object or expected.dtype.kind in "US":
        text = lambda a: [x.decode() if isinstance(x, bytes) else str(x) for x in a.ravel().tolist()]
        return None if text(got) == text(expected) else "strings differ"
    if got.dtype != expected.dtype:
        return f"type {got.dtype}, expected {expected.dtype}"
    if expected.dtype.name == "bfloat16":
        rtol = max(rtol, 2**-6)
    if expected.dtype.type.__module__.startswith("ml_dtypes"):
        wide = np.int32 if "int" in expected.dtype.name else np.float32
        got, expected = got.astype(wide), expected.astype(wide)
    try:
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)
    except AssertionError as error:
        return " ".join(str(error).split())[:200]
    return None


def run(model_bytes, sets, rtol, atol):
    import pinion

    try:
        session = pinion.Session(model_bytes, threads=1)
        for inputs, outputs in sets:
            names = session.input_names
            results = session.run(dict(zip(names, inputs)))
            if len(results) != len(outputs):
                return "wrong", f"{len(results)} outputs, expected {len(outputs)}"
            for got, expected in zip(results, outputs):
                if problem := mismatch(got, expected, rtol, atol):
                    return "wrong", problem
        return "pass", ""
    except NotImplementedError as error:
        return "unsupported", str(error)[:300]
    except Exception as error:  # every error of a case is a result of that case
        return "error", f"{type(error).__name__}: {error}"[:300]


def worker(connection):
    warnings.filterwarnings("ignore")
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(run(*job))


class Worker:
    def __init__(self):
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=worker, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def call(self, *job, seconds=60):
        try:
            self.connection.send(job)
            if not self.connection.poll(seconds):
                self.process.kill()
                return "timeout", f"over {seconds} s"
            return self.connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            return "crash", f"exit code {self.process.exitcode}"


def cases(pattern):
    from onnx.backend.test.case.node import collect_testcases

    for folder_name, folder in shipped_cases():
        if re.search(pattern, folder_name):
            model = onnx.load(folder / "model.onnx")
            kind, _, _ = folder_name.partition("/")
            yield folder_name, kind, model, list(folder_sets(folder, model)), 1e-3, 1e-7
    for case in collect_testcases(None):
        name = f"node/{case.name}"
        if re.search(pattern, name):
            operator = case.model.graph.node[0].op_type if len(case.model.graph.node) == 1 else case.model.graph.name.removeprefix("test_")
            sets = [[[array(v) for v in side] for side in data] for data in case.data_sets]
            yield name, operator, case.model, sets, case.rtol, case.atol


def read_known(path):
    """{case: reason}; a line is `case  # reason`."""
    known = {}
    for line in Path(path).read_text().splitlines() if path else []:
        name, _, reason = line.partition("#")
        if name.strip():
            known[name.strip()] = reason.strip()
    return known


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", help="file of known failures, one `case  # reason` a line")
    parser.add_argument("--filter", default=".", help="only cases whose name matches")
    parser.add_argument("--out", help="write results here as JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")

    known = read_known(options.known)
    results, table = {}, collections.defaultdict(collections.Counter)
    current = Worker()
    with np.errstate(all="ignore"):
        for name, operator, model, sets, rtol, atol in cases(options.filter):
            status, detail = current.call(model.SerializeToString(), sets, rtol, atol)
            if not current.process.is_alive():
                current = Worker()
            results[name] = {"operator": operator, "status": status, "detail": detail}
            table[operator][status] += 1
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))

    statuses = ["pass", "wrong", "error", "unsupported", "crash", "timeout"]
    print(f"{'operator':40s}" + "".join(f"{s:>12s}" for s in statuses))
    for operator, counts in sorted(table.items()):
        if set(counts) != {"pass"}:
            print(f"{operator[:40]:40s}" + "".join(f"{counts[s] or '.':>12}" for s in statuses))
    total = sum(table.values(), collections.Counter())
    print(f"{'all':40s}" + "".join(f"{total[s] or '.':>12}" for s in statuses) + f"   {100 * total['pass'] / max(len(results), 1):.1f} % pass")

    unexpected = [n for n, r in results.items() if r["status"] != "pass" and n not in known]
    mended = [n for n in known if results.get(n, {}).get("status") == "pass"]
    for name in unexpected:
        print(f"not in the list of known failures: {name}: {results[name]['status']}: {results[name]['detail'].splitlines()[0] if results[name]['detail'] else ''}")
    for name in mended:
        print(f"in the list of known failures, but passes: {name}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
