#!/usr/bin/env python3
"""Times control flow beside onnxruntime: a Loop of small steps, one that appends to a tensor, one that collects scan outputs, a Scan.

    control.py [--steps 1000] [--rounds 15] [MODEL.onnx inputs.npz]...

Both run in turn on one thread; the least of the rounds counts. Models given by file are timed as well, with how much of their time lies
between nodes (from Pinion's profile).
"""
import argparse
import time

import numpy as np
from onnx import TensorProto as T
from onnx import helper


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def loop(body_nodes, carried_shape, final_shape, scan=False):
    """A Loop whose body maps x to y (and gives s as scan output)."""
    outputs = [value("cond_out", T.BOOL, []), value("y", T.FLOAT, carried_shape)]
    if scan:
        outputs.append(value("s", T.FLOAT, [4]))
    body = helper.make_graph(
        [helper.make_node("Identity", ["cond_in"], ["cond_out"])] + body_nodes, "body",
        [value("i", T.INT64, []), value("cond_in", T.BOOL, []), value("x", T.FLOAT, carried_shape)], outputs)
    names = ["out"] + (["stack"] if scan else [])
    results = [value("out", T.FLOAT, final_shape)] + ([value("stack", T.FLOAT, [None, 4])] if scan else [])
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "", "x0"], names, body=body)], "loop",
        [value("n", T.INT64, []), value("x0", T.FLOAT, final_shape), value("k", T.FLOAT, [4])], results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def cases(steps):
    small = [helper.make_node("Add", ["x", "k"], ["t"]), helper.make_node("Tanh", ["t"], ["y"])]
    feeds = {"n": np.int64(steps), "x0": np.zeros(4, np.float32), "k": np.full(4, 0.1, np.float32)}
    yield f"Loop, {steps} steps of 2 nodes", loop(small, [4], [4]), feeds
    scan = small + [helper.make_node("Mul", ["y", "y"], ["s"])]
    yield f"Loop, {steps} steps, scan output", loop(scan, [4], [4], scan=True), feeds
    grow = [helper.make_node("Concat", ["x", "k"], ["y"], axis=0)]
    yield f"Loop, {steps} steps of Concat", loop(grow, [None], [None]), feeds
    body = helper.make_graph(
        [helper.make_node("Add", ["x", "v"], ["t"]), helper.make_node("Tanh", ["t"], ["y"]), helper.make_node("Identity", ["y"], ["s"])],
        "body", [value("x", T.FLOAT, [4]), value("v", T.FLOAT, [4])], [value("y", T.FLOAT, [4]), value("s", T.FLOAT, [4])])
    graph = helper.make_graph(
        [helper.make_node("Scan", ["x0", "seq"], ["out", "stack"], body=body, num_scan_inputs=1)], "scan",
        [value("x0", T.FLOAT, [4]), value("seq", T.FLOAT, [None, 4])], [value("out", T.FLOAT, [4]), value("stack", T.FLOAT, [None, 4])])
    yield (f"Scan, {steps} steps of 2 nodes", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
           {"x0": np.zeros(4, np.float32), "seq": np.full([steps, 4], 0.1, np.float32)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()

    import onnxruntime

    import pinion

    todo = list(cases(arguments.steps))
    for path, inputs in zip(arguments.files[::2], arguments.files[1::2]):
        todo.append((path.split("/")[-2], path, dict(np.load(inputs))))
    for name, model, feeds in todo:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 4
        source = model if isinstance(model, str) else model.SerializeToString()
        peer = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        own = pinion.Session(source, threads=1)
        feeds = {key: np.asarray(feeds[key]) for key in own.input_names}
        expected, found = peer.run(None, {k: v for k, v in feeds.items() if k in {i.name for i in peer.get_inputs()}}), own.run(feeds)
        for a, b in zip(expected, found):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
        best = {}
        for _ in range(arguments.rounds):
            for key, run in (("onnxruntime", lambda: peer.run(None, feeds)), ("pinion", lambda: own.run(feeds))):
                count = 1
                start = time.perf_counter()
                run()
                while time.perf_counter() - start < 0.02:
                    run()
                    count += 1
                best[key] = min(best.get(key, 1e9), (time.perf_counter() - start) / count)
        print(f"{name:40} onnxruntime {best['onnxruntime'] * 1e3:8.3f} ms   pinion {best['pinion'] * 1e3:8.3f} ms   "
              f"ratio {best['onnxruntime'] / best['pinion']:.2f}")


if __name__ == "__main__":
    main()
