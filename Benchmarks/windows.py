"""Single nodes with sliding windows, and sums of bytes, against onnxruntime in the same process: one thread, slices in turn.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python Benchmarks/windows.py [REGEX]

Prints medians of the calling thread's processor time in milliseconds, so that a loaded machine disturbs little.
"""
import re
import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import pinion

random = np.random.default_rng(0)
TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8}


def model(operator, inputs, constants, names=None, domain="", **attributes):
    element = next(iter(inputs.values())).dtype.name
    node = helper.make_node(operator, names or [*inputs, *constants], ["y"], domain=domain, **attributes)
    graph = helper.make_graph(
        [node], "node", [helper.make_tensor_value_info(name, TYPES[x.dtype.name], x.shape) for name, x in inputs.items()],
        [helper.make_tensor_value_info("y", TYPES[element], None)], [onnx.numpy_helper.from_array(x, name) for name, x in constants.items()])
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9).SerializeToString(), inputs


def floats(*shape):
    return random.standard_normal(shape).astype(np.float32)


def conv(x, w, **attributes):
    return model("Conv", {"x": floats(*x)}, {"w": floats(*w) * np.float32(0.05), "b": floats(w[0])}, **attributes)


def pool(operator, x, kernel, stride, pad, element="float32"):
    rank = len(x) - 2
    data = floats(*x) if element == "float32" else random.integers(0, 127, x).astype(element)
    return model(operator, {"x": data}, {}, kernel_shape=[kernel] * rank, strides=[stride] * rank, pads=[pad] * 2 * rank)


def bytes_pair(operator, a, b, element="uint8"):
    constants = {f"{name}_scale": np.array(scale, np.float32) for name, scale in (("a", 0.02), ("b", 0.03), ("y", 0.04))}
    constants |= {f"{name}_zero": np.array(zero, element) for name, zero in (("a", 3), ("b", 5), ("y", 7))}
    inputs = {"a": random.integers(0, 127, a).astype(element), "b": random.integers(0, 127, b).astype(element)}
    names = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "y_scale", "y_zero"]
    return model(operator, inputs, constants, names, "com.microsoft")


CASES = {
    "Conv 1→160, 475 stride 441": lambda: conv((1, 1, 48000), (160, 1, 475), strides=[441]),
    "Conv 1→402, 400 stride 160": lambda: conv((1, 1, 160000), (402, 1, 400), strides=[160]),
    "Conv 1→258, 256 stride 128": lambda: conv((1, 1, 16000), (258, 1, 256), strides=[128]),
    "Conv 1→258, 256 stride 128, 4 windows": lambda: conv((1, 1, 640), (258, 1, 256), strides=[128]),
    "Conv 1→512, 10 stride 5": lambda: conv((1, 1, 16000), (512, 1, 10), strides=[5]),
    "Conv 1→64, 64 stride 8, padded": lambda: conv((1, 1, 16000), (64, 1, 64), strides=[8], pads=[28, 28]),
    "Conv 3→384, 16x16 stride 16": lambda: conv((1, 3, 224, 224), (384, 3, 16, 16), strides=[16, 16]),
    "Conv 3→64, 11x11 stride 4": lambda: conv((1, 3, 224, 224), (64, 3, 11, 11), strides=[4, 4], pads=[2] * 4),
    "Conv 3→64, 7x7 stride 2": lambda: conv((1, 3, 224, 224), (64, 3, 7, 7), strides=[2, 2], pads=[3] * 4),
    "Conv 1→64, 7x7 stride 2": lambda: conv((1, 1, 224, 224), (64, 1, 7, 7), strides=[2, 2], pads=[3] * 4),
    "Conv 1→32, 3x3": lambda: conv((1, 1, 112, 112), (32, 1, 3, 3), pads=[1] * 4),
    "Conv 960→256, 3x3 dilation 24, 20x20": lambda: conv((1, 960, 20, 20), (256, 960, 3, 3), dilations=[24, 24], pads=[24] * 4),
    "Conv 960→256, 3x3 dilation 12, 20x20": lambda: conv((1, 960, 20, 20), (256, 960, 3, 3), dilations=[12, 12], pads=[12] * 4),
    "MaxPool 2x2x2 stride 2, 32 of 32x64x64": lambda: pool("MaxPool", (1, 32, 32, 64, 64), 2, 2, 0),
    "MaxPool 3x3x3 stride 2, 32 of 16x56x56": lambda: pool("MaxPool", (1, 32, 16, 56, 56), 3, 2, 1),
    "AveragePool 2x2x2 stride 2, 32 of 32x64x64": lambda: pool("AveragePool", (1, 32, 32, 64, 64), 2, 2, 0),
    "AveragePool 3x3x3, 32 of 16x28x28": lambda: pool("AveragePool", (1, 32, 16, 28, 28), 3, 1, 1),
    "MaxPool 3x3 stride 2, 64 of 112x112, uint8": lambda: pool("MaxPool", (1, 64, 112, 112), 3, 2, 1, "uint8"),
    "MaxPool 2x2 stride 2, 64 of 56x56, int8": lambda: pool("MaxPool", (1, 64, 56, 56), 2, 2, 0, "int8"),
    "MaxPool 5x5, 256 of 20x20": lambda: pool("MaxPool", (1, 256, 20, 20), 5, 1, 2),
    "MaxPool 9x9, 256 of 20x20": lambda: pool("MaxPool", (1, 256, 20, 20), 9, 1, 4),
    "MaxPool 13x13, 256 of 20x20": lambda: pool("MaxPool", (1, 256, 20, 20), 13, 1, 6),
    "MaxPool 3x3 stride 2, 64 of 112x112": lambda: pool("MaxPool", (1, 64, 112, 112), 3, 2, 1),
    "MaxPool 2x2 stride 2, 512 of 14x14": lambda: pool("MaxPool", (1, 512, 14, 14), 2, 2, 0),
    "MaxPool 3x3, 832 of 7x7": lambda: pool("MaxPool", (1, 832, 7, 7), 3, 1, 1),
    "MaxPool 4 stride 4, 128 of 4000": lambda: pool("MaxPool", (1, 128, 4000), 4, 4, 0),
    "AveragePool 3x3, 192 of 35x35": lambda: pool("AveragePool", (1, 192, 35, 35), 3, 1, 1),
    "AveragePool 2x2 stride 2, 128 of 56x56": lambda: pool("AveragePool", (1, 128, 56, 56), 2, 2, 0),
    "QLinearAdd, 256x56x56, uint8": lambda: bytes_pair("QLinearAdd", (1, 256, 56, 56), (1, 256, 56, 56)),
    "QLinearAdd, 256x56x56, int8": lambda: bytes_pair("QLinearAdd", (1, 256, 56, 56), (1, 256, 56, 56), "int8"),
    "QLinearMul, 256x56x56, uint8": lambda: bytes_pair("QLinearMul", (1, 256, 56, 56), (1, 256, 56, 56)),
    "QLinearMul, 256x28x28 by 256x1x1": lambda: bytes_pair("QLinearMul", (1, 256, 28, 28), (1, 256, 1, 1)),
}


def time_slice(call, seconds=0.05):
    times, end = [], time.thread_time() + seconds
    while not times or time.thread_time() < end:
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return times


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else "."
    print(f"{'':46s}{'onnxruntime':>12s}{'Pinion':>10s}{'ratio':>8s}{'difference':>12s}")
    for name, make in CASES.items():
        if not re.search(pattern, name):
            continue
        data, inputs = make()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        peer = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        own = pinion.Session(data, threads=1)
        calls = [lambda: peer.run(None, inputs)[0], lambda: own.run(inputs)[0]]
        expected, found = (call().astype(np.float64) for call in calls)
        times = [[], []]
        for _ in range(5):
            for which, call in enumerate(calls):
                times[which] += time_slice(call)
        a, b = (statistics.median(t) * 1e3 for t in times)
        print(f"{name:46s}{a:12.3f}{b:10.3f}{b / a:8.2f}{np.abs(expected - found).max():12.1e}", flush=True)


if __name__ == "__main__":
    main()
