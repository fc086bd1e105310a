"""One node of com.microsoft as a model, run by ONNX Runtime and by Pinion."""

import dataclasses
import functools
import multiprocessing
import os

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import pinion

DOMAIN = "com.microsoft"
#: What numpy has no name for.
EXTRA = {
    ml_dtypes.bfloat16: TensorProto.BFLOAT16,
    ml_dtypes.int4: TensorProto.INT4,
    ml_dtypes.uint4: TensorProto.UINT4,
    ml_dtypes.float8_e4m3fn: TensorProto.FLOAT8E4M3FN,
    ml_dtypes.float8_e4m3fnuz: TensorProto.FLOAT8E4M3FNUZ,
    ml_dtypes.float8_e5m2: TensorProto.FLOAT8E5M2,
    ml_dtypes.float8_e5m2fnuz: TensorProto.FLOAT8E5M2FNUZ,
}


@dataclasses.dataclass
class Codes:
    """Quantised results: at most `step` apart, and not more than `share` of them apart at all."""

    share: float = 0.02
    step: int = 1


@dataclasses.dataclass
class Numbers:
    """Floating-point results: within `relative` of the largest magnitude of the result, or of `least` if that is larger."""

    relative: float = 1e-5
    least: float = 1e-30


@dataclasses.dataclass
class Case:
    op: str
    #: Arrays, or None for an absent input.
    inputs: list
    attributes: dict
    bound: object
    #: Element types of the outputs; None for one that the node does not name.
    outputs: list
    #: The inputs that the model knows.
    constants: frozenset = frozenset()
    #: The same operands in a form that ONNX Runtime takes on a CPU.
    rewritten: list | None = None

    def __str__(self):
        shown = ", ".join("-" if x is None else f"{x.dtype}{list(x.shape)}{'*' if i in self.constants else ''}" for i, x in enumerate(self.inputs))
        return f"{self.op}({shown}) {self.attributes} -> {[None if t is None else np.dtype(t).name for t in self.outputs]}"


def element_type(dtype):
    return EXTRA.get(np.dtype(dtype).type) or helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def constant(name, array):
    if np.dtype(array.dtype).type in EXTRA:
        made = onnx.numpy_helper.from_array(array, name)
        assert made.data_type == element_type(array.dtype)
        return made
    return onnx.numpy_helper.from_array(array, name)


def build(case, constants):
    """The model, and what is fed to it."""
    names, fed, initializers, values = [], {}, [], []
    for index, array in enumerate(case.inputs):
        name = "" if array is None else f"x{index}"
        names.append(name)
        if array is None:
            continue
        if index in constants:
            initializers.append(constant(name, array))
        else:
            values.append(helper.make_tensor_value_info(name, element_type(array.dtype), list(array.shape)))
            fed[name] = array
    while names and not names[-1]:
        names.pop()
    outputs = ["" if t is None else f"y{i}" for i, t in enumerate(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain=DOMAIN, **case.attributes)
    infos = [helper.make_tensor_value_info(f"y{i}", element_type(t), None) for i, t in enumerate(case.outputs) if t is not None]
    graph = helper.make_graph([node], "case", values, infos, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)], ir_version=10)
    return model.SerializeToString(), fed


class Refused(Exception):
    """ONNX Runtime does not take the case."""


def answer_here(model, fed):
    options = onnxruntime.SessionOptions()
    # More threads quantise parts of a batch by ranges of their own.
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, fed)


def serve(pipe):
    # What it says before it dies is not the tests' output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        try:
            model, fed = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((answer_here(model, fed), None))
        except Exception as error:  # its exceptions have no common base
            pipe.send((None, str(error)))


class Oracle:
    """ONNX Runtime in a process of its own: some cases that it does not take end it."""

    def __init__(self):
        self.process = None

    def __call__(self, model, fed):
        if self.process is None:
            context = multiprocessing.get_context("forkserver")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(target=serve, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
        try:
            self.pipe.send((model, fed))
            results, error = self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            self.process = None
            raise Refused("onnxruntime died") from None
        if error is not None:
            raise Refused(error)
        return results


onnxruntime_answer = Oracle()


def difference(expected, found, bound):
    """None where two results agree, else what is wrong."""
    if expected.shape != found.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    if expected.dtype != found.dtype:
        return f"type {found.dtype}, expected {expected.dtype}"
    if expected.size == 0:
        return None
    if isinstance(bound, Codes) and expected.dtype.kind in "iu":
        apart = np.abs(expected.astype(np.int64) - found.astype(np.int64))
        if apart.max() > bound.step or (apart > 0).mean() > max(bound.share, 1.5 / apart.size):
            at = np.unravel_index(apart.argmax(), apart.shape)
            return f"{(apart > 0).sum()} of {apart.size} codes differ, the most at {at}: {found[at]}, expected {expected[at]}"
        return None
    if expected.dtype.kind in "iub":
        return None if np.array_equal(expected, found) else f"{found.ravel()[:8]}, expected {expected.ravel()[:8]}"
    a, b = expected.astype(np.float64), found.astype(np.float64)
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return f"NaN or infinity in different places: {b.ravel()[:8]}, expected {a.ravel()[:8]}"
    finite = np.isfinite(a)
    if not finite.any():
        return None
    # float16 and bfloat16 results are rounded from sums that differ in the last place.
    relative, least = (bound.relative, bound.least) if isinstance(bound, Numbers) else (1e-5, 1e-30)
    relative = {2: max(relative, 4e-3)}.get(expected.dtype.itemsize, relative)
    allowed = relative * max(np.abs(a[finite]).max(), least)
    apart = np.abs(np.where(finite, a - b, 0))
    if apart.max() > allowed:
        at = np.unravel_index(apart.argmax(), apart.shape)
        return f"off by {apart.max():.3g} at {at} (allowed {allowed:.3g}): {b[at]}, expected {a[at]}"
    return None


def compare(case):
    """What is wrong with Pinion's answer, or None. Raises Refused."""
    model, fed = build(case, case.constants)
    if case.rewritten is None:
        expected = onnxruntime_answer(model, fed)
    else:
        expected = onnxruntime_answer(*build(dataclasses.replace(case, inputs=case.rewritten), frozenset()))
    found = pinion.Session(model, threads=2).run(fed)
    if isinstance(found, dict):
        found = list(found.values())
    for index, (a, b) in enumerate(zip(expected, found, strict=True)):
        wrong = difference(a, np.asarray(b), case.bound)
        if wrong:
            return f"output {index}: {wrong}"
    return None


@functools.cache
def saturates() -> bool:
    """Whether onnxruntime's products of uint8 by int8 are sums of 16 bits that saturate, as they are on processors with AVX2 and without VNNI:
    255 * 127 * 2 is 64770."""
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    a = helper.make_tensor_value_info("a", TensorProto.UINT8, [1, 64])
    b = numpy_helper.from_array(np.full((64, 32), 127, np.int8), "b")
    graph = helper.make_graph([node], "g", [a], [helper.make_tensor_value_info("y", TensorProto.INT32, [1, 32])], [b])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [y] = session.run(None, {"a": np.full((1, 64), 255, np.uint8)})
    return bool((y != 255 * 127 * 64).any())
