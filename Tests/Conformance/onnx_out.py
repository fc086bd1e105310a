#!/usr/bin/env python3
"""Models that Pinion has written as ONNX files, held against what they were.

    onnx_out.py [--known FILE] [--filter REGEX] [--folders FOLDER…] [--openvino] [--out FILE.json] [--seconds N]

Takes the cases of conformance.py, or with --folders the models in folders of model.onnx or model.pt2 with inputs.npz and outputs.npz (or
expected.npz). Each is loaded, written with pinion.Model.save(), and then

  checked    by onnx.checker
  the same   Pinion's outputs of the written model, without optimisation, have every bit of those of the model itself
  agrees     onnxruntime takes it, and its outputs fit the expected ones as conformance.py asks; with --openvino OpenVINO does as well, if it
             is installed

What Pinion does not load, and what onnxruntime does not run of the model itself, are counted apart. A failure that the list of known
ones does not have makes the exit status 1. Cases run in worker processes.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import re
import sys
import tempfile
import warnings
from pathlib import Path

import conformance
import numpy as np
import onnx


def bits_differ(a, b):
    if isinstance(a, (list, tuple)):
        return len(a) != len(b) or any(bits_differ(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a != b
    if a is None or b is None:
        return a is not b
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return True
    return not (a == b).all() if a.dtype == object else a.tobytes() != b.tobytes()


def ort_session(model):
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(value):
    return np.asarray(value) if isinstance(value, np.generic) else value


def ort_run(model, sets, rtol, atol):
    """What is wrong with onnxruntime's outputs, or None."""
    session = ort_session(model)
    names = [i.name for i in session.get_inputs()]
    for inputs, outputs in sets:
        given = inputs if isinstance(inputs, dict) else dict(zip(names, inputs))
        results = session.run(None, {name: feed(value) for name, value in given.items() if value is not None})
        if isinstance(outputs, dict):
            order = [o.name for o in session.get_outputs()]
            results = [results[order.index(name)] for name in outputs]
            outputs = list(outputs.values())
        if len(results) != len(outputs):
            return f"{len(results)} outputs, expected {len(outputs)}"
        for got, expected in zip(results, outputs):
            if problem := conformance.mismatch(got, expected, rtol, atol):
                return problem
    return None


def openvino_run(model, sets, rtol, atol):
    """What is wrong with OpenVINO's outputs, or None."""
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    for inputs, outputs in sets:
        found = compiled({name: feed(value) for name, value in inputs.items() if value is not None})
        for name, expected in outputs.items():
            got = found[name]
            if got.dtype != np.asarray(expected).dtype and got.dtype.kind in "iub" and np.asarray(expected).dtype.kind in "iub":
                got = got.astype(np.asarray(expected).dtype)  # OpenVINO computes 64-bit integers in 32 and flags in bytes
            if problem := conformance.mismatch(got, expected, rtol, atol):
                return f"{name}: {problem}"
    return None


def second_opinion(model, path, sets, rtol, atol):
    """Status and detail by OpenVINO."""
    try:
        problem = openvino_run(path, sets, rtol, atol)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"[:600]
    if problem is None:
        return "pass", ""
    if isinstance(model, str) and not model.endswith(".pt2"):
        try:
            own = openvino_run(model, sets, rtol, atol)
        except Exception as error:
            own = str(error)
        if own is not None:
            return "not in OpenVINO", problem
    return "wrong in OpenVINO", " ".join(problem.split())


def attempt(model, sets, rtol, atol, is_random, openvino):
    import pinion

    try:
        source = pinion.Model(model)
    except Exception as error:  # what is not loaded is conformance.py's matter
        return "not loaded", str(error)[:300]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/written.onnx"
        try:
            source.save(path)
        except Exception as error:
            return "not written", f"{type(error).__name__}: {error}"[:300]
        try:
            onnx.checker.check_model(path)
        except Exception as error:
            return "refused by checker", " ".join(str(error).split())[:300]
        try:
            first = pinion.Session(source, threads=1, optimization=0)
        except Exception as error:
            return "not loaded", str(error)[:300]
        try:
            second = pinion.Session(path, threads=1, optimization=0)
        except Exception as error:
            return "not read again", f"{type(error).__name__}: {error}"[:300]
        if first.input_names != second.input_names or first.output_names != second.output_names:
            return "other names", f"{second.input_names} -> {second.output_names}"
        for inputs, _ in sets:
            given = inputs if isinstance(inputs, dict) else dict(zip(first.input_names, inputs))
            try:
                expected = first.run(given)
            except Exception as error:
                return "not loaded", str(error)[:300]
            try:
                found = second.run(given)
            except Exception as error:
                return "fails", f"{type(error).__name__}: {error}"[:300]
            if not is_random and bits_differ(found, expected):
                return "other bits", ""
        try:
            problem = ort_run(path, sets, rtol, atol)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:400]
        if problem is None:
            return second_opinion(model, path, sets, rtol, atol) if openvino else ("pass", "")
        if is_random:
            return "not comparable", problem
        if isinstance(model, str) and model.endswith(".pt2"):
            return "wrong in onnxruntime", problem
        try:
            own = ort_run(model, sets, rtol, atol)
        except Exception as error:
            return "not in onnxruntime", str(error)[:300]
        return ("not in onnxruntime" if own is not None else "wrong in onnxruntime"), problem


def worker(connection):
    warnings.filterwarnings("ignore")
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(attempt(*job))


class Worker(conformance.Worker):
    def __init__(self):
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=worker, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()


RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Dropout"}


def has_random(model):
    return any(node.op_type in RANDOM for node in model.graph.node) and not any(
        attribute.name == "seed" for node in model.graph.node for attribute in node.attribute
    )


def arrays(folder, what):
    """By name, where an .npz file has them."""
    with np.load(folder / f"{what}.npz", allow_pickle=True) as file:
        return {name: file[name] for name in file.files}


def folder_cases(folders, pattern):
    for root in map(Path, folders):
        for folder in sorted(root.iterdir()):
            path = next((folder / f"model.{end}" for end in ("onnx", "pt2") if (folder / f"model.{end}").exists()), None)
            if path is None or not (folder / "inputs.npz").exists() or not re.search(pattern, folder.name):
                continue
            outputs = "outputs" if (folder / "outputs.npz").exists() else "expected"
            yield folder.name, root.name, str(path), [[arrays(folder, "inputs"), arrays(folder, outputs)]], 1e-2, 1e-3, False


def node_cases(pattern):
    for name, operator, model, sets, rtol, atol in conformance.cases(pattern):
        yield name, operator, model.SerializeToString(), sets, rtol, atol, has_random(model)


FINE = {"pass", "not loaded", "not in onnxruntime", "not in OpenVINO", "not comparable"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", help="file of known failures, one `case  # reason` a line")
    parser.add_argument("--filter", default=".", help="only cases whose name matches")
    parser.add_argument("--folders", nargs="+", help="folders of models instead of the conformance cases")
    parser.add_argument("--openvino", action="store_true", help="ask OpenVINO as well")
    parser.add_argument("--out", help="write results here as JSON")
    parser.add_argument("--seconds", type=float, default=120, help="how long a case may take")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")

    known = conformance.read_known(options.known)
    results, counts = {}, collections.Counter()
    current = Worker()
    with np.errstate(all="ignore"):
        cases = folder_cases(options.folders, options.filter) if options.folders else node_cases(options.filter)
        for name, _, *job in cases:
            status, detail = current.call(*job, options.openvino, seconds=options.seconds)
            if not current.process.is_alive():
                current = Worker()
            results[name] = {"status": status, "detail": detail}
            counts[status] += 1
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))
    for status, count in counts.most_common():
        print(f"{count:6d}  {status}")
    unexpected = [name for name, result in results.items() if result["status"] not in FINE and name not in known]
    for name in unexpected:
        print(f"not in the list of known failures: {name}: {results[name]['status']}: {results[name]['detail']}")
    for name in known:
        if results.get(name, {}).get("status") == "pass":
            print(f"in the list of known failures, but passes: {name}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
