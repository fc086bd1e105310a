"""What a call from Python costs, against onnxruntime in the same process: small models, one thread, slices in turn, medians.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python Benchmarks/calls.py [MODEL.onnx=INPUTS.npz ...]

`dict` is session.run({...}); `bound` is Session.bind() against onnxruntime's io_binding. `run` is the part of it that the C library takes,
measured by calls of it alone. Microseconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any, Callable

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

import pinion

SLICES, SLICE_SECONDS = 61, 0.01


def model(nodes: Any, inputs: Any, outputs: Any, domains: Any = ()) -> bytes:
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    imports = [helper.make_opsetid("", 18), *(helper.make_opsetid(*domain) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9).SerializeToString()


def value(name: str, code: int = TensorProto.FLOAT, shape: Any = ("n", 4)) -> Any:
    return helper.make_tensor_value_info(name, code, shape)


def sums(count: int) -> tuple[bytes, dict[str, Any]]:
    names = range(count)
    made = model(
        [helper.make_node("Add", [f"x{i}", f"x{i}"], [f"y{i}"]) for i in names],
        [value(f"x{i}") for i in names],
        [value(f"y{i}") for i in names],
    )
    return made, {f"x{i}": np.ones((1, 4), np.float32) for i in names}


def zipmap(rows: int, classes: int, strings: bool) -> tuple[bytes, dict[str, Any]]:
    key = TensorProto.STRING if strings else TensorProto.INT64
    kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, ()))
    labels: dict[str, Any] = (
        {"classlabels_strings": [f"class-{i}" for i in range(classes)]} if strings else {"classlabels_int64s": list(range(classes))}
    )
    made = model(
        [helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", **labels)],
        [value("x", TensorProto.FLOAT, ("n", classes))],
        [helper.make_value_info("y", helper.make_sequence_type_proto(kind))],
        [("ai.onnx.ml", 3)],
    )
    return made, {"x": np.random.rand(rows, classes).astype(np.float32)}


def strings(count: int, word: str) -> tuple[bytes, dict[str, Any]]:
    made = model([helper.make_node("Identity", ["x"], ["y"])], [value("x", TensorProto.STRING, ("n",))], [value("y", TensorProto.STRING, ("n",))])
    return made, {"x": np.array([f"{word} {i}" for i in range(count)], dtype=object)}


def seconds_each(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def medians(works: list[Callable[[], Any]]) -> list[float]:
    """Microseconds of each, by slices in turn."""
    counts = []
    for work in works:
        for _ in range(5):
            work()
        counts.append(max(int(SLICE_SECONDS / seconds_each(work, 3)), 1))
    times: list[list[float]] = [[] for _ in works]
    for _ in range(SLICES):
        for index, work in enumerate(works):
            times[index].append(seconds_each(work, counts[index]) * 1e6)
    return [statistics.median(of_one) for of_one in times]


def compare(name: str, source: bytes | str, inputs: dict[str, Any], threads: int = 1) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    theirs = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    ours = pinion.Session(source, threads=threads)
    a, b = theirs.run(None, inputs), ours.run(inputs)
    if len(a) != len(b) or any(type(x) is not type(y) for x, y in zip(a, b)):
        raise SystemExit(f"{name}: the results differ in kind")
    line = f"{name:34}"
    their_time, our_time = medians([lambda: theirs.run(None, inputs), lambda: ours.run(inputs)])
    line += f" dict {their_time:9.2f} {our_time:9.2f} {our_time / their_time:6.2f} x"
    try:
        binding = ours.bind(inputs)
    except pinion.Error:
        print(line)
        return
    io = theirs.io_binding()
    for key, array in inputs.items():
        io.bind_cpu_input(key, array)
    for info, array in zip(theirs.get_outputs(), a):
        ortvalue = onnxruntime.OrtValue.ortvalue_from_numpy(array)
        io.bind_ortvalue_output(info.name, ortvalue)
    their_time, bound_time = medians([lambda: theirs.run_with_iobinding(io), binding.run])
    print(f"{line}   bound {their_time:7.2f} {bound_time:7.2f}   besides the run {our_time - in_the_library(binding):6.2f}")


def in_the_library(binding: pinion.Binding) -> float:
    """Microseconds of the run itself: runs of C's interface by C's own loop would be these, less the way into a foreign function."""
    import ctypes

    run = ctypes.CDLL(pinion._library.lib._name).pinion_call_run
    run.argtypes, run.restype = [ctypes.c_void_p] * 4, ctypes.c_int32
    nothing = ctypes.CDLL(None).labs
    nothing.argtypes, nothing.restype = [ctypes.c_long], ctypes.c_long
    arguments = binding._handle, None, binding._given, binding._results
    whole, way = medians([lambda: run(*arguments), lambda: nothing(0)])
    return whole - way


def main() -> None:
    print(f"{'model':34}      {'ort':>9} {'pinion':>9} {'ratio':>6}           {'ort':>7} {'pinion':>7}")
    for count in (1, 2, 4):
        compare(f"{count} inputs and outputs", *sums(count))
    compare("1 input and output, 2 threads", *sums(1), threads=2)
    for rows, classes, named in ((1, 3, False), (1, 3, True), (100, 3, True), (10000, 10, False)):
        compare(f"ZipMap {rows} x {classes} {'strings' if named else 'int64'}", *zipmap(rows, classes, named))
    for count, word in ((1, "word"), (1000, "word"), (100000, "word"), (1000, "Wörter")):
        compare(f"strings {count} '{word}'", *strings(count, word))
    for argument in sys.argv[1:]:
        path, _, file = argument.partition("=")
        with np.load(file, allow_pickle=True) as loaded:
            inputs = {key: loaded[key] for key in loaded.files}
        compare(path.split("/")[-2] if "/" in path else path, path, inputs)


if __name__ == "__main__":
    main()
