#!/usr/bin/env python3
"""Models that Pinion has written as ONNX files, held against what they were.

    onnx_out.py [--known FILE] [--filter REGEX] [--every N] [--folders FOLDER…] [--command RUN-MODEL] [--openvino] [--table]
                [--out FILE.json] [--seconds N]

Takes the cases of conformance.py, or with --folders the models in folders of model.onnx or model.pt2 with inputs.npz and outputs.npz (or
expected.npz). Each is loaded, written with pinion.Model.save(), or `run-model convert` where --command says which, and then

  checked    by onnx.checker
  the same   Pinion's outputs of the written model, without optimisation, have every bit of those of the model itself
  agrees     onnxruntime takes it, and its outputs fit the expected ones as conformance.py asks; with --openvino OpenVINO does as well, if it
             is installed

What Pinion does not load, and what the other runtimes do not run of the model itself, are counted apart. A failure that the list of known
ones does not have makes the exit status 1. --table prints what came of each step for each case. Cases run in worker processes.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import conformance
import ml_dtypes
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


def without_maps(outputs):
    """A list of maps as two arrays, `NAME#keys` and `NAME#values`, as folders of models have it."""
    result = {}
    for name, value in outputs.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            result[f"{name}#keys"] = np.array(list(value[0]))
            result[f"{name}#values"] = np.array([list(entry.values()) for entry in value])
        else:
            result[name] = value
    return result


def ort_run(model, sets, rtol, atol):
    """What is wrong with onnxruntime's outputs, or None."""
    session = ort_session(model)
    names = [i.name for i in session.get_inputs()]
    for inputs, outputs in sets:
        given = inputs if isinstance(inputs, dict) else dict(zip(names, inputs))
        results = session.run(None, {name: feed(value) for name, value in given.items() if value is not None})
        if isinstance(outputs, dict):
            found = without_maps(dict(zip((o.name for o in session.get_outputs()), results)))
            results = [found[name] for name in outputs]
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
        given = inputs if isinstance(inputs, dict) else dict(enumerate(inputs))
        found = compiled({name: feed(value) for name, value in given.items() if value is not None})
        for name, expected in outputs.items() if isinstance(outputs, dict) else enumerate(outputs):
            got = found[name]
            if got.dtype == np.float16 and getattr(expected, "dtype", None) == np.uint16:  # OpenVINO's way, and the files', to give bfloat16
                got, expected = got.view(ml_dtypes.bfloat16), expected.view(ml_dtypes.bfloat16)
            if isinstance(expected, np.ndarray) and got.dtype != expected.dtype and got.dtype.kind in "iub" and expected.dtype.kind in "iub":
                got = got.astype(expected.dtype)  # OpenVINO computes 64-bit integers in 32 and flags in bytes
            if problem := conformance.mismatch(got, expected, rtol, atol):
                return f"{name}: {problem}"
    return None


def tried(run, *arguments):
    """What is wrong with another runtime's outputs, or its own words where it refuses; None where all is well."""
    try:
        problem = run(*arguments)
    except Exception as error:
        problem = f"refused: {type(error).__name__}: {error}"
    return problem and " ".join(problem.split())[:600]


def opinion(run, runtime, model, path, sets, own_sets, rtol, atol):
    """Status and detail by another runtime: of the written model, and where that fails, of the model itself."""
    # In the same way as the model itself: OpenVINO reads files by other code than bytes.
    problem = tried(run, Path(path).read_bytes() if isinstance(model, bytes) else path, sets, rtol, atol)
    if problem is None:
        return "pass", ""
    if isinstance(model, str) and model.endswith(".pt2"):
        return (f"refused by {runtime}" if problem.startswith("refused") else f"wrong in {runtime}"), problem
    return (f"wrong in {runtime}" if tried(run, model, own_sets, rtol, atol) is None else f"not in {runtime}"), problem


def written(source, model, path, command):
    """Why the model is not written, or None."""
    if command and isinstance(model, str):
        done = subprocess.run([command, "convert", model, path], capture_output=True, text=True)
        return (done.stderr or f"exit status {done.returncode}")[:300] if done.returncode else None
    try:
        source.save(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return None


def by_new_names(sets, old, new):
    """Expected outputs under the names that they have in the written model: an output that is an input gets another one."""
    names = dict(zip(old, new))
    return [
        [inputs, {names.get(name, name): value for name, value in outputs.items()} if isinstance(outputs, dict) else outputs]
        for inputs, outputs in sets
    ]


def bits(first, second, sets, is_random):
    """Status and detail of the written model's outputs beside the model's own, and None where they are the same."""
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
    return None


def attempt(model, sets, rtol, atol, is_random, options):
    """What came of each step: the last one that was taken is the case's status."""
    import pinion

    steps = []
    try:
        source = pinion.Model(model)
        first = pinion.Session(source, threads=1, optimization=0)
    except Exception as error:  # what is not loaded is conformance.py's matter
        return [("loaded", "not loaded", str(error)[:300])]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/written.onnx"
        if problem := written(source, model, path, options.command):
            return [("written", "not written", problem)]
        steps.append(("written", "pass", ""))
        try:
            onnx.checker.check_model(path)
            steps.append(("checked", "pass", ""))
        except Exception as error:
            steps.append(("checked", "refused by checker", " ".join(str(error).split())[:300]))
        try:
            second = pinion.Session(path, threads=1, optimization=0)
        except Exception as error:
            return [*steps, ("same", "not read again", f"{type(error).__name__}: {error}"[:300])]
        if first.input_names != second.input_names or len(first.output_names) != len(second.output_names):
            return [*steps, ("same", "other names", f"{second.input_names} -> {second.output_names}")]
        if problem := bits(first, second, sets, is_random):
            return [*steps, ("same", *problem)]
        steps.append(("same", "pass", ""))
        renamed = by_new_names(sets, first.output_names, second.output_names)
        for run, runtime in ((ort_run, "onnxruntime"), (openvino_run, "OpenVINO"))[: 2 if options.openvino else 1]:
            status, detail = opinion(run, runtime, model, path, renamed, sets, rtol, atol)
            steps.append((runtime, "not comparable" if is_random and status != "pass" else status, detail))
    return steps


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
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th case")
    parser.add_argument("--command", metavar="RUN-MODEL", help="write the models of folders with this command's `convert`")
    parser.add_argument("--table", action="store_true", help="print what came of each step for each case")
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
        for name, _, *job in itertools.islice(cases, 0, None, options.every):
            steps = current.call(*job, options, seconds=options.seconds)
            if isinstance(steps, tuple):  # a worker that died or took too long
                steps = [("written", *steps)]
            if not current.process.is_alive():
                current = Worker()
            status, detail = next(((status, detail) for _, status, detail in steps if status not in FINE), steps[-1][1:])
            results[name] = {"status": status, "detail": detail, "steps": {step: [status, detail] for step, status, detail in steps}}
            counts[status] += 1
            if options.table:
                print(f"{name:40}", ", ".join(f"{step}: {'ok' if status == 'pass' else status}" for step, status, _ in steps), flush=True)
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
