"""Runs kernels for the first time in forked children, on several threads: `forked_runs.py CHILDREN`. Used by test_fork.py.

The parent never runs a model, so whatever a kernel would set up at its first use is set up in each child anew. Locks of Swift's runtime
know their owner by the number of its thread: where a child kept its parent's number, one that two threads want at once never came free.
"""
import sys

import numpy as np
from forking import failures
from onnx import TensorProto, helper

import pinion


def node(op, shapes, outputs=1, domain="", **attributes):
    names = [f"x{i}" for i in range(len(shapes))]
    results = [f"y{i}" for i in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(op, names, results, domain=domain, **attributes)],
        op,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in results],
    )
    imports = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
    feed = {n: np.full(s, 0.5, np.float32) for n, s in zip(names, shapes)}
    return helper.make_model(graph, opset_imports=imports, ir_version=11).SerializeToString(), feed


CASES = [
    node("Attention", [(4, 8, 64, 16)] * 3),
    node("Attention", [(4, 8, 64, 16)] * 3, softcap=2.0),
    node("MultiHeadAttention", [(4, 64, 64)] * 3, domain="com.microsoft", num_heads=8),
    node("MatMul", [(64, 64, 64), (64, 64, 64)]),
    node("Einsum", [(64, 64, 64), (64, 64, 64)], equation="bij,bjk->bik"),
    node("Conv", [(1, 32, 40, 40), (32, 32, 3, 3)]),
    node("ConvTranspose", [(1, 16, 20, 20), (16, 16, 3, 3)]),
    node("LSTM", [(8, 64, 32), (2, 128, 32), (2, 128, 32)], hidden_size=32, direction="bidirectional"),
    node("LayerNormalization", [(4000, 64), (64,)]),
    node("Softmax", [(4000, 64)]),
    node("Softmax", [(64, 4000)], axis=0),
    node("ReduceLogSumExp", [(4000, 64)]),
    node("Erf", [(200000,)]),
    node("Pow", [(4, 50000), (4, 1)]),
    node("LpPool", [(4, 16, 40, 40)], kernel_shape=[3, 3]),
    node("GridSample", [(4, 16, 20, 20), (4, 60, 60, 2)], mode="cubic"),
    node("LRN", [(4, 16, 40, 40)], size=3),
]


def child(number):
    model, feed = CASES[number % len(CASES)]
    pinion.Session(model, threads=3).run(feed)


if __name__ == "__main__":
    sys.exit(min(failures(int(sys.argv[1]), child), 1))
