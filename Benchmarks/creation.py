#!/usr/bin/env python3
"""What it takes to load a model, to make a session and to run it the first time, in milliseconds per 1000 nodes.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python3 Benchmarks/creation.py [--nodes 1000,10000] [KIND or FILE...]

Kinds are chain (elementwise, nothing to rewrite), wide (as many branches as nodes, summed up in pairs), blocks (transformer blocks as
exporters write them), inputs and outputs (as many as nodes). A FILE is a model. Each number is the least of several rounds; onnxruntime
is measured beside where it can be imported, and the last column is load and session together against its session. `--processor` takes the
time of the processor and not of the clock, on a machine that others use too. Needs onnx and numpy.
"""

import argparse
import os
import pathlib
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import pinion

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

# What times are taken by: see --processor.
clock = time.perf_counter


class Builder:
    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def node(self, operator, *inputs, **attributes):
        self.count += 1
        name = f"v{self.count}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=f"n{self.count}", **attributes))
        return name

    def constant(self, array):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def model(self, inputs, outputs):
        def info(name, dims):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

        graph = helper.make_graph(
            self.nodes, "creation", [info(name, dims) for name, dims in inputs], [info(name, dims) for name, dims in outputs], self.constants
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def chain(nodes):
    graph, value = Builder(), "x"
    operators = ["Sin", "Abs", "Cos", "Exp", "Neg", "Tanh"]
    for index in range(nodes):
        value = graph.node(operators[index % len(operators)], value)
    return graph.model([("x", ["batch", 4])], [(value, ["batch", 4])])


def wide(nodes):
    graph = Builder()
    values = [graph.node("Mul", "x", graph.constant(np.float32(index + 2))) for index in range(nodes // 2)]
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2])
        values = [graph.node("Add", a, b) for a, b in pairs] + (values[-1:] if len(values) % 2 else [])
    return graph.model([("x", ["batch", 4])], [(values[0], ["batch", 4])])


def blocks(nodes):
    """Pre-norm attention and a gated activation, written out node by node."""
    graph, value, width, heads = Builder(), "x", 8, 2
    random = np.random.default_rng(0)

    def matrix(rows, columns):
        return graph.constant(random.standard_normal((rows, columns), dtype=np.float32) * 0.1)

    def number(value):
        return graph.constant(np.float32(value))

    def linear(value, rows, columns):
        return graph.node("Add", graph.node("MatMul", value, matrix(rows, columns)), graph.constant(np.zeros(columns, np.float32)))

    def norm(value):
        centred = graph.node("Sub", value, graph.node("ReduceMean", value, axes=[-1]))
        variance = graph.node("ReduceMean", graph.node("Pow", centred, number(2)), axes=[-1])
        scaled = graph.node("Div", centred, graph.node("Sqrt", graph.node("Add", variance, number(1e-5))))
        return graph.node("Add", graph.node("Mul", scaled, graph.constant(np.ones(width, np.float32))), graph.constant(np.zeros(width, np.float32)))

    def split(value):
        shape = graph.node("Shape", value)
        extents = [
            graph.node("Unsqueeze", graph.node("Gather", shape, graph.constant(np.int64(axis)), axis=0), graph.constant(np.array([0])))
            for axis in (0, 1)
        ]
        target = graph.node("Concat", *extents, graph.constant(np.array([heads])), graph.constant(np.array([width // heads])), axis=0)
        return graph.node("Reshape", value, target)

    while len(graph.nodes) < nodes:
        normal = norm(value)
        query, key, values = (split(linear(normal, width, width)) for _ in range(3))
        query, values = (graph.node("Transpose", operand, perm=[0, 2, 1, 3]) for operand in (query, values))
        scores = graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 2, 3, 1]))
        weights = graph.node("Softmax", graph.node("Div", scores, number(2)), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", weights, values), perm=[0, 2, 1, 3])
        value = graph.node("Add", value, linear(graph.node("Reshape", mixed, graph.constant(np.array([0, 0, width]))), width, width))
        hidden = linear(norm(value), width, 2 * width)
        erf = graph.node("Add", graph.node("Erf", graph.node("Div", hidden, number(2**0.5))), number(1))
        gelu = graph.node("Mul", graph.node("Mul", hidden, erf), number(0.5))
        value = graph.node("Add", value, linear(gelu, 2 * width, width))
    return graph.model([("x", ["batch", "length", width])], [(value, ["batch", "length", width])])


def inputs(nodes):
    graph = Builder()
    names = [f"x{index}" for index in range(nodes)]
    values = [graph.node("Neg", name) for name in names]
    total = graph.node("Sum", *values)
    return graph.model([(name, ["batch", 4]) for name in names], [(total, ["batch", 4])])


def outputs(nodes):
    graph = Builder()
    values = [graph.node("Add", "x", graph.constant(np.float32(index + 1))) for index in range(nodes)]
    return graph.model([("x", ["batch", 4])], [(value, ["batch", 4]) for value in values])


KINDS = {"chain": chain, "wide": wide, "blocks": blocks, "inputs": inputs, "outputs": outputs}


def feed(model):
    """Ones of the declared types; 2 for every extent without a number."""
    constants = {constant.name for constant in model.graph.initializer}
    result = {}
    for value in model.graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        dims = [dim.dim_value if dim.dim_value > 0 else 2 for dim in tensor.shape.dim]
        result[value.name] = np.ones(dims, helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return result


def times(path, given, level, runs):
    """Milliseconds of loading, of making a session and of the first run; the last is nan where the run fails."""
    start = clock()
    model = pinion.Model(path)
    loaded = clock()
    session = pinion.Session(model, threads=1, optimization=level)
    made = clock()
    ran = float("nan")
    if runs:
        try:
            session.run(given)
            ran = (clock() - made) * 1e3
        except Exception as error:
            print(f"  no run: {str(error)[:100]}")
    return [(loaded - start) * 1e3, (made - loaded) * 1e3, ran]


def reference(path, given, runs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    start = clock()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        print(f"  onnxruntime makes no session: {str(error)[:100]}")
        return [float("nan"), float("nan")]
    made = clock()
    ran = float("nan")
    if runs:
        try:
            session.run(None, given)
            ran = (clock() - made) * 1e3
        except Exception:
            pass
    return [(made - start) * 1e3, ran]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(KINDS))
    parser.add_argument("--nodes", default="1000,10000")
    parser.add_argument("--level", type=int, default=2, help="of optimisation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--processor", action="store_true", help="time of the processor instead of the clock's")
    parser.add_argument("--no-reference", action="store_true", help="leave onnxruntime out")
    parser.add_argument("--keep", help="a folder for the models that are made")
    arguments = parser.parse_args()
    if arguments.processor:
        global clock
        clock = time.process_time
    compares = onnxruntime is not None and not arguments.no_reference
    print(
        f"{'model':24} {'nodes':>7} | ms/1000 nodes: {'load':>8} {'session':>8} {'run 1':>8}"
        + ("   ort: session    run 1    ratio" if compares else "")
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            for count in [int(text) for text in arguments.nodes.split(",")] if name in KINDS else [0]:
                path = name
                if name in KINDS:
                    path = os.path.join(arguments.keep or folder, f"{name}-{count}.onnx")
                    onnx.save(KINDS[name](count), path)
                model = onnx.load(path, load_external_data=False)
                nodes, given = len(model.graph.node), feed(model)
                rounds = 1 if nodes > 20000 else arguments.rounds
                own = np.min([times(path, given, arguments.level, not arguments.no_run) for _ in range(rounds)], axis=0) / nodes * 1000
                label = name if name in KINDS else pathlib.Path(path).parent.name or name
                line = f"{label:24} {nodes:7} |                {own[0]:8.2f} {own[1]:8.2f} {own[2]:8.2f}"
                if compares:
                    other = np.min([reference(path, given, not arguments.no_run) for _ in range(rounds)], axis=0) / nodes * 1000
                    line += f"        {other[0]:8.2f} {other[1]:8.2f}   {(own[0] + own[1]) / other[0]:6.2f}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
