"""What is promised for float16 (Documentation/Decisions/0005): levels 0 and 1 round after every node, level 2 at most there."""
import numpy as np
import pytest
from conftest import model, tensor
from onnx import TensorProto, helper

import pinion

HALF = TensorProto.FLOAT16


def chain(nodes, shape):
    return model(nodes, [tensor("x", HALF, shape), tensor("w", HALF, (shape[-1],))], [tensor("y", HALF, shape)], opset=20)


def wide(x):
    return x.astype(np.float64)


# Nodes in order as (operator, inputs, output, the node in float64).
CHAINS = {
    "silu": [("Sigmoid", ["x"], "s", lambda x: 1 / (1 + np.exp(-x))), ("Mul", ["x", "s"], "y", lambda a, b: a * b)],
    "norm": [
        ("Mul", ["x", "w"], "a", lambda a, b: a * b),
        ("Add", ["a", "w"], "b", lambda a, b: a + b),
        ("Sqrt", ["b2"], "c", np.sqrt),
        ("Div", ["a", "c"], "y", lambda a, b: a / b),
    ],
    "gelu": [
        ("Erf", ["x"], "e", np.vectorize(__import__("math").erf)),
        ("Add", ["e", "w"], "p", lambda a, b: a + b),
        ("Mul", ["x", "p"], "y", lambda a, b: a * b),
    ],
}
CHAINS["norm"].insert(2, ("Abs", ["b"], "b2", np.abs))


@pytest.mark.parametrize("name", CHAINS)
def test_rounding(name):
    steps, shape = CHAINS[name], (7, 65)
    random = np.random.default_rng(3)
    feed = {"x": random.normal(size=shape).astype(np.float16), "w": random.uniform(0.5, 2, shape[-1]).astype(np.float16)}
    onnx_model = chain([helper.make_node(op, inputs, [out]) for op, inputs, out, _ in steps], shape)
    rounded, exact = dict(feed), {k: wide(v) for k, v in feed.items()}
    for _, inputs, out, formula in steps:
        rounded[out] = formula(*(wide(rounded[i]) for i in inputs)).astype(np.float16)
        exact[out] = formula(*(exact[i] for i in inputs))
    results = [np.asarray(pinion.Session(onnx_model, optimization=level).run(feed)[0]) for level in (0, 1, 2)]
    assert results[0].tobytes() == results[1].tobytes()
    # Computing in float32 and rounding once differs from rounding the exact number only where that lies between two halves.
    ulp = np.spacing(np.abs(rounded["y"])).astype(np.float64)
    differing = results[0] != rounded["y"]
    assert differing.mean() < 0.01 and np.all(np.abs(wide(results[0]) - wide(rounded["y"])) <= 2 * ulp)
    # Leaving out roundings does not make the result worse than rounding everywhere can be.
    bound = (np.abs(wide(rounded["y"]) - exact["y"]).max() + ulp.max()) * 1.01
    assert np.abs(wide(results[2]) - exact["y"]).max() <= bound
