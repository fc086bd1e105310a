#!/usr/bin/env python3
"""Models without a file: an MLP, an attention block and a loop, made in code and run. Prints what each gives.

graphs_in_code.py [FILE.onnx]     writes the attention block as an ONNX file as well
"""

from __future__ import annotations

import sys

import numpy as np

import pinion


def filled(number: float, *shape: int) -> np.ndarray:
    return np.full(shape, number, np.float32)


def run(name: str, graph: pinion.Graph, inputs: dict[str, np.ndarray]) -> None:
    outputs = graph.session().run(inputs)
    print(f"{name}:", *(f"{number:g}" for output in outputs for number in np.ravel(output)))


def mlp() -> None:
    """softmax(relu(x w + b) v) of an open batch."""
    graph = pinion.Graph()
    x = graph.input("x", np.float32, ["batch", 3])
    hidden = graph.node("Relu", graph.node("Add", graph.node("MatMul", x, filled(0.5, 3, 4)), filled(1, 4)))
    scores = graph.node("Softmax", graph.node("MatMul", hidden, filled(1, 4, 2)))
    graph.output(scores, "scores")
    print("scores:", scores.info.type)
    run("mlp", graph, {"x": np.array([[1, 2, 3]], np.float32)})


def attention(file: str | None) -> None:
    """LayerNormalization(x + softmax(q k' / 2) v) with weights for q, k and v."""
    graph = pinion.Graph()
    x = graph.input("x", np.float32, ["words", 4])
    q, k, v = (graph.node("MatMul", x, filled(weight, 4, 4)) for weight in (1, 1, 0.25))
    weights = graph.node("Mul", graph.node("MatMul", q, graph.node("Transpose", k, perm=[1, 0])), filled(0.5))
    total = graph.node("Add", x, graph.node("MatMul", graph.node("Softmax", weights), v))
    graph.output(graph.node("Add", graph.node("LayerNormalization", total, filled(0, 4)), filled(1, 4)), "y")
    if file:
        graph.model().save(file)
    run("attention", graph, {"x": np.eye(2, 4, dtype=np.float32)})


def loop() -> None:
    """The sum of 0 ... n - 1, and the square of each."""
    graph = pinion.Graph()
    n = graph.input("n", np.int64, [])
    body = graph.subgraph("body")
    i, going, total = body.input("i", np.int64, []), body.input("going", np.bool_, []), body.input("sum", np.int64, [])
    body.output(going)
    body.output(body.node("Add", total, i))
    body.output(body.node("Mul", i, i))
    for output in graph.node("Loop", n, None, np.array(0), outputs=["sum_of_all", "squares"], body=body):
        graph.output(output)
    run("loop", graph, {"n": np.array(5)})


if __name__ == "__main__":
    mlp()
    attention(sys.argv[1] if len(sys.argv) > 1 else None)
    loop()
