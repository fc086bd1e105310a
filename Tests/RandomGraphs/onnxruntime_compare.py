"""onnxruntime_compare.py FOLDER: what onnxruntime gives for the models that `random-graphs --write FOLDER` left.

An output may differ by FACTOR times the deviation that the model shows when its numbers are disturbed by a few units of their last place
(bounds.txt), and by FACTOR units of the last place of its largest number. Exit status 1 where one differs by more for no reason that
KNOWN gives.
"""
import collections
import functools
import multiprocessing
import pathlib
import re
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

FACTOR = 16
UNIT = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}

# Differences that stay: an operator that the model has, whether it explains the difference, and why.
KNOWN = [
    ("Cast", lambda model, problems: any("'True'" in text or "'False'" in text for text in problems),
     "Cast from bool to string: onnxruntime writes 1 and 0"),
    ("Loop", lambda model, problems: any(gives_iteration_number(node) for node in operators(model.graph)),
     "Loop: onnxruntime lets the iteration number itself, as a body's output, be overwritten by the next one"),
    ("Scan", lambda model, problems: any(gives_slice(node) for node in operators(model.graph)),
     "Scan: onnxruntime gives memory that it never wrote where a body's output is the slice itself"),
    ("Gather", lambda model, problems: all("['" in text for text in problems),
     "Gather of strings: onnxruntime copies the first string of each slice only (Gather of [5,1,1,2] at axis 2)"),
    ("Scan", lambda model, problems: any(gives_twice(node) for node in operators(model.graph)),
     "Scan: onnxruntime gives memory that it never wrote where a body gives one value twice"),
    ("Loop", lambda model, problems: all("shape (0," in text and "onnxruntime (0, 0" in text for text in problems),
     "Loop without a step: onnxruntime gives 0 for extents of scan outputs that the body does not declare"),
    ("TreeEnsembleClassifier", lambda model, problems: any(scores_first_of_two_classes(node) for node in operators(model.graph)),
     "TreeEnsembleClassifier of two classes: onnxruntime decides by the second class's score alone, or by the only one"),
    ("LRN", lambda model, problems: all("onnxruntime True" in text for text in problems) and "IsInf" in [node.op_type for node in operators(model.graph)],
     "LRN: onnxruntime keeps a running sum of squares, which loses small ones once 65504 has been in it, and divides by 0"),
    ("LinearRegressor", lambda model, problems: any(node.op_type == "LinearRegressor" and post_transform(node) != b"NONE" for node in operators(model.graph)),
     "LinearRegressor: onnxruntime leaves post_transform out for one target"),
    ("HannWindow", lambda model, problems: all("onnxruntime nan" in text for text in problems),
     "HannWindow of one element that is not periodic: the formula is 0/0, for which Pinion gives the window's middle"),
    ("Dropout", lambda model, problems: all("True, onnxruntime False" in text for text in problems),
     "Dropout before opset 12: onnxruntime's mask of a run without training is false"),
    ("If", lambda model, problems: all("0 tensors" in text for text in problems) and any(branch_gives_twice(node) for node in operators(model.graph)),
     "If: onnxruntime gives nothing for a value that a branch gives twice"),
    ("Softmax", lambda model, problems: any(has_softmax_of_older_opset(model, function) for function in model.functions),
     "Softmax in a function of an opset before 13: onnxruntime takes it for that of the model's opset"),
    ("GlobalMaxPool", lambda model, problems: all("nan, onnxruntime" in text for text in problems),
     "GlobalMaxPool: onnxruntime leaves NaN out"),
    ("MatMul", lambda model, problems: all("at " in text and (" nan, onnxruntime" in text or "inf, onnxruntime" in text) for text in problems) and has_halves(model),
     "Half precision: onnxruntime computes in float32 between nodes, where numbers above 65504 stay finite"),
    ("DynamicQuantizeLSTM", lambda model, problems: any(node.op_type == "DynamicQuantizeLSTM" and len(node.input) > 4 and node.input[4] for node in operators(model.graph)),
     "DynamicQuantizeLSTM with lengths: rows that have ended go on in onnxruntime, and count in the range of what is quantised"),
    ("Gelu", lambda model, problems: are_close(problems, 2.0**-20) and any(is_approximate(node) for node in operators(model.graph)),
     "Gelu of float64 by tanh: the function's constants, 0.044715 and 2/pi, are of float32 in onnxruntime"),
]


def read(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return tensor.name, numpy_helper.to_array(tensor)


def are_close(problems, ratio):
    """Whether the first number that differs does by so small a part of itself, in each of the outputs."""
    pairs = [re.search(r": \d+ of \d+, at \d+ (\S+), onnxruntime (\S+) ", text) for text in problems]
    return all(pair and abs(float(pair[1]) - float(pair[2])) <= ratio * abs(float(pair[2])) for pair in pairs)


def operators(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from operators(attribute.g)


def gives_iteration_number(node):
    bodies = [attribute.g for attribute in node.attribute if attribute.name == "body"]
    return node.op_type == "Loop" and any(body.input[0].name in [output.name for output in body.output] for body in bodies)


def gives_slice(node):
    bodies = [attribute.g for attribute in node.attribute if attribute.name == "body"]
    return node.op_type == "Scan" and any({i.name for i in body.input} & {o.name for o in body.output} for body in bodies)


def gives_twice(node):
    bodies = [attribute.g for attribute in node.attribute if attribute.name == "body"]
    return node.op_type == "Scan" and any(len({output.name for output in body.output}) < len(body.output) for body in bodies)


def scores_first_of_two_classes(node):
    labels = [len(attribute.ints) + len(attribute.strings) for attribute in node.attribute if attribute.name.startswith("classlabels_")]
    classes = {number for attribute in node.attribute if attribute.name == "class_ids" for number in attribute.ints}
    return node.op_type == "TreeEnsembleClassifier" and 2 in labels and 0 in classes


def branch_gives_twice(node):
    branches = [attribute.g for attribute in node.attribute if attribute.name.endswith("_branch")]
    return node.op_type == "If" and any(len({output.name for output in branch.output}) < len(branch.output) for branch in branches)


def has_softmax_of_older_opset(model, function):
    version = next((opset.version for opset in function.opset_import if opset.domain == ""), 0)
    models = next((opset.version for opset in model.opset_import if opset.domain == ""), 0)
    return version < 13 <= models and any(node.op_type == "Softmax" for node in function.node)


def is_approximate(node):
    return node.op_type == "Gelu" and any(attribute.name == "approximate" and attribute.s == b"tanh" for attribute in node.attribute)


def has_halves(model):
    values = [*model.graph.input, *model.graph.output]
    return any(value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16 for value in values)


def post_transform(node):
    return next((attribute.s for attribute in node.attribute if attribute.name == "post_transform"), b"NONE")


def leaves(value):
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [np.array(list(value.keys())), np.array(list(value.values()), dtype=np.float32)]
    return [] if value is None else [np.asarray(value)]


def same_text(ours, theirs):
    """Texts of computed numbers may differ in their last digits."""
    try:
        return ours == theirs or bool(np.isclose(float(ours), float(theirs), rtol=1e-5, atol=1e-6))
    except ValueError:
        return False


def wrong(ours, theirs, deviation, unstable):
    """Says how two tensors differ; nothing where they do not."""
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, onnxruntime {theirs.shape}"
    if ours.dtype.kind in "OUS" or theirs.dtype.kind in "OUS":
        text = [x.decode() if isinstance(x, bytes) else str(x) for x in ours.ravel()]
        same = all(map(same_text, text, (str(x) for x in theirs.ravel())))
        return "" if same else f"{ours.ravel()[:4]}, onnxruntime {theirs.ravel()[:4]}"
    if ours.dtype.name.startswith("float8") and theirs.dtype == np.uint8:  # onnxruntime's numpy has no such type, and gives the codes.
        ours = ours.view(np.uint8)
    if ours.dtype != theirs.dtype:
        return f"type {ours.dtype}, onnxruntime {theirs.dtype}"
    if ours.dtype.kind in "iub":
        x, y, allowed = ours.ravel(), theirs.ravel(), 0
        differs = x != y
    else:
        x, y = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
        finite = np.abs(y[np.isfinite(y)])
        allowed = FACTOR * (deviation + UNIT.get(ours.dtype.name, 0) * (finite.max() if finite.size else 0))
        with np.errstate(invalid="ignore"):
            differs = ~((x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= allowed))
    for index in unstable:
        differs[index] = False
    if not differs.any():
        return ""
    place = int(np.flatnonzero(differs)[0])
    return f"{int(differs.sum())} of {differs.size}, at {place} {x[place]}, onnxruntime {y[place]} +- {allowed}"


@functools.cache
def saturates():
    """Whether products of uint8 by int8 are sums of 16 bits that saturate, as onnxruntime's are with AVX2 and without VNNI: 64 * 255 * 127 is 2072640."""
    node = onnx.helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    info = onnx.helper.make_tensor_value_info
    weights = onnx.numpy_helper.from_array(np.full((64, 32), 127, np.int8), "b")
    graph = onnx.helper.make_graph(
        [node], "g", [info("a", onnx.TensorProto.UINT8, [1, 64])], [info("y", onnx.TensorProto.INT32, [1, 32])], [weights])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return bool((session.run(None, {"a": np.full((1, 64), 255, np.uint8)})[0] != 64 * 255 * 127).any())


KNOWN += [
    (name, lambda model, problems: saturates(), f"{name}: onnxruntime's products of codes saturate on this processor")
    for name in ("MatMulInteger", "MatMulIntegerToFloat", "ConvInteger", "QLinearMatMul", "QLinearConv", "QAttention", "QGemm",
                 "DynamicQuantizeMatMul", "DynamicQuantizeLSTM")
]


def compare(folder):
    model = onnx.load(folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feeds = dict(read(path) for path in folder.glob("in-*.pb"))
        results = session.run(None, feeds)
    except Exception as error:  # onnxruntime's errors have no common base but this.
        return "not taken", str(error).split("\n")[0]
    problems = []
    for line in (folder / "bounds.txt").read_text().splitlines():
        fields = line.split(" ")
        if fields[1] == "unstable":
            continue
        index, leaf, deviation = int(fields[0]), int(fields[1]), float(fields[2])
        unstable = [int(place) for place in fields[3].split(",") if place]
        theirs = leaves(results[index])
        if leaf >= len(theirs):
            problems.append(f"output {index}: {len(theirs)} tensors")
            continue
        text = wrong(read(folder / f"out-{index}-{leaf}.pb")[1], theirs[leaf], deviation, unstable)
        if text:
            problems.append(f"output {index}: {text}")
    if not problems:
        return "equal", ""
    names = {node.op_type for node in operators(model.graph)} | {node.op_type for function in model.functions for node in function.node}
    for name, explains, reason in KNOWN:
        if name in names and explains(model, problems):
            return "known", reason
    return "differs", "; ".join(problems) + " -- " + " ".join(sorted(names - {"Constant"}))


def send_all(folders, pipe):
    for folder in folders:
        pipe.send(compare(folder))


def compare_all(folders):
    """What `compare` says of each, from a process of its own: some models crash onnxruntime."""
    while folders:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(target=send_all, args=(folders, theirs))
        child.start()
        theirs.close()
        try:
            while folders:
                answer = ours.recv()
                yield folders.pop(0), *answer
        except EOFError:
            child.join()
            yield folders.pop(0), "not taken", f"onnxruntime ended with {child.exitcode}"


def main():
    counts, reasons, failures = collections.Counter(), collections.Counter(), []
    for folder, kind, text in compare_all(sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda path: int(path.name))):
        counts[kind] += 1
        if kind == "differs":
            failures.append(f"seed {folder.name}: {text}")
        elif text:
            reasons[text[:110] if "-v" in sys.argv else kind] += 1
    print(", ".join(f"{kind} {count}" for kind, count in counts.items()))
    for reason, count in reasons.most_common(40) if "-v" in sys.argv else []:
        print(f"  {count}: {reason}")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
