"""Each operator alone against onnxruntime: models of one node, one thread, slices in turn; the worst ratio first.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python Benchmarks/operators.py [--only REGEX] [--json FILE]

A case is an operator, the element types of its data and the shapes of its inputs: typical ones and odd ones (extents that no vector divides,
axes in the middle, broadcasts). `ratio` is Pinion's time over onnxruntime's. Both write into bound memory where both can; the time of an empty
call is in both figures, so only nodes of 20 microseconds and more tell about kernels. A case that either side refuses is listed at the end.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from typing import Any, Callable, Iterator

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import pinion

TYPES = {
    "f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i8": np.int8, "u8": np.uint8, "i16": np.int16,
    "u16": np.uint16, "i32": np.int32, "u32": np.uint32, "i64": np.int64, "u64": np.uint64, "bool": np.bool_, "str": np.object_,
}  # fmt: skip
random = np.random.default_rng(1)


class Case:
    """A node, its fed inputs and its constant ones, in the node's order. None is an absent input."""

    def __init__(self, operator: str, label: str, inputs: list[Any], constant: Any = (), outputs: int = 1, domain: str = "", opset: int = 21, **attributes: Any):
        self.name = f"{operator} {label}"
        names = [f"i{k}" if value is not None else "" for k, value in enumerate(inputs)]
        results = [f"o{k}" for k in range(outputs)]
        node = helper.make_node(operator, names, results, domain=domain, **attributes)
        fed = [k for k, value in enumerate(inputs) if value is not None and k not in constant]
        self.feeds = {names[k]: inputs[k] for k in fed}
        graph = helper.make_graph(
            [node], "node", [helper.make_tensor_value_info(names[k], element(inputs[k]), inputs[k].shape) for k in fed],
            [onnx.ValueInfoProto(name=result) for result in results],
            [numpy_helper.from_array(inputs[k], names[k]) for k in constant if inputs[k] is not None],
        )  # fmt: skip
        imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("com.microsoft", 1)]
        self.model = helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()


def element(array: Any) -> int:
    return TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)


def make(kind: str, shape: Any, low: float = -4, high: float = 4) -> Any:
    if kind == "bool":
        return random.random(shape) < 0.5
    if kind == "str":
        return np.array([f"{v:.5g}" for v in random.uniform(low, high, shape).ravel()], object).reshape(shape)
    if kind in ("f32", "f64", "f16", "bf16"):
        return random.uniform(low, high, shape).astype(TYPES[kind])
    if kind[0] == "u":
        low, high = max(low, 0), max(high, 100)
    else:
        low, high = min(low, -100), max(high, 100)
    return random.integers(int(low), int(high), shape).astype(TYPES[kind])


def i64(*values: int) -> Any:
    return np.array(values, np.int64)


def unary() -> Iterator[Case]:
    inner = {"Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.99, 0.99), "Acosh": (1, 9), "Log": (0.01, 9), "Sqrt": (0, 9)}
    floats = (
        "Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log Mish Reciprocal Round Selu "
        "Shrink Sigmoid Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu"
    ).split()
    for name in floats:
        for kind in ("f32", "f64", "f16"):
            yield Case(name, f"{kind} 64k", [make(kind, (65536,), *inner.get(name, (-4, 4)))])
        yield Case(name, "f32 [7,111]", [make("f32", (7, 111), *inner.get(name, (-4, 4)))])
    for name in ("Abs", "Neg", "Sign", "Relu"):
        for kind in ("f32", "f64", "f16", "i8", "i32", "i64"):
            yield Case(name, f"{kind} 64k", [make(kind, (65536,))])
    for kind in ("f32", "f64", "f16", "i8", "u8", "i32", "i64"):
        bounds = [np.array(v, TYPES[kind]) for v in (1, 3)]
        yield Case("Clip", f"{kind} 64k", [make(kind, (65536,)), *bounds], constant=(1, 2))
    for kind in ("f32", "f64", "f16"):
        yield Case("IsNaN", f"{kind} 64k", [make(kind, (65536,))])
    for kind in ("f32", "f64"):
        yield Case("IsInf", f"{kind} 64k", [make(kind, (65536,))])
    yield Case("Not", "64k", [make("bool", (65536,))])
    for kind in ("u8", "i32", "i64"):
        yield Case("BitwiseNot", f"{kind} 64k", [make(kind, (65536,))])
    for name in ("Gelu", "FastGelu", "QuickGelu", "BiasGelu"):
        more = [make("f32", (768,))] if name == "BiasGelu" else []
        yield Case(name, "microsoft f32 [86,768]", [make("f32", (86, 768)), *more], domain="com.microsoft")


PAIRS = [("64k", (65536,), (65536,)), ("scalar", (65536,), ()), ("row", (256, 257), (257,)), ("column", (256, 257), (256, 1)), ("channel", (4, 33, 500), (33, 1)), ("both", (300, 1), (1, 301)), ("middle", (16, 1, 64, 7), (16, 9, 1, 7)), ("scalar left", (), (65536,))]  # fmt: skip


def pairs() -> Iterator[Case]:
    for label, a, b in PAIRS:
        for name in ("Add", "Sub", "Mul", "Div"):
            for kind in ("f32", "f64", "f16", "i32", "i64", "u8"):
                yield Case(name, f"{kind} {label}", [make(kind, a), make(kind, b, 1, 9) if name != "Div" or kind[0] in "f" else make(kind, b) | 1])
        for kind in ("f32", "f64", "f16"):
            yield Case("Pow", f"{kind} {label}", [make(kind, a, 0.1, 4), make(kind, b, -2, 2)])
            yield Case("PRelu", f"{kind} {label}", [make(kind, a), make(kind, b)]) if len(b) <= len(a) and label not in ("both", "middle") else None
        for kind in ("f32", "f64", "i32", "i64"):
            for name in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"):
                yield Case(name, f"{kind} {label}", [make(kind, a), make(kind, b)])
            for name in ("Max", "Min"):
                yield Case(name, f"{kind} {label}", [make(kind, a), make(kind, b)])
        for kind in ("i32", "i64", "f32"):
            yield Case("Mod", f"{kind} {label}", [make(kind, a), make(kind, b, 1, 9) if kind == "f32" else make(kind, b) | 1], fmod=int(kind == "f32"))
        for name in ("And", "Or", "Xor"):
            yield Case(name, label, [make("bool", a), make("bool", b)])
        for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
            yield Case(name, f"i32 {label}", [make("i32", a), make("i32", b)])
        yield Case("BitShift", f"u32 {label}", [make("u32", a), make("u32", b, 0, 9)], direction="LEFT")
        for kind in ("f32", "f64", "i64", "i32", "u8", "f16"):
            yield Case("Where", f"{kind} {label}", [make("bool", a), make(kind, a), make(kind, b)])
        for name in ("Sum", "Mean"):
            yield Case(name, f"f32 {label} x 3", [make("f32", a), make("f32", b), make("f32", a)])
    for kind in ("f32", "f64"):
        yield Case("Pow", f"{kind} squared", [make(kind, (65536,)), np.array(2, TYPES[kind])], constant=(1,))
        yield Case("Pow", f"{kind} cubed", [make(kind, (65536,)), np.array(3, TYPES[kind])], constant=(1,))
        yield Case("Pow", f"{kind} 0.5", [make(kind, (65536,), 0, 4), np.array(0.5, TYPES[kind])], constant=(1,))
    yield Case("Pow", "i64 i64", [make("i64", (65536,), 1, 9), np.array(2, np.int64)], constant=(1,))
    yield Case("Equal", "str 10k", [make("str", (10000,)), make("str", (10000,))])
    yield Case("StringConcat", "10k", [make("str", (10000,)), make("str", (10000,))])


def reductions() -> Iterator[Case]:
    shapes = [("last", (256, 257), -1), ("first", (256, 257), 0), ("middle", (16, 65, 63), 1), ("outer two", (16, 17, 251), (0, 1)), ("ends", (16, 65, 63), (0, 2)), ("short last", (20000, 3), -1), ("planes", (4, 64, 31, 31), (2, 3))]  # fmt: skip
    for label, shape, axes in shapes:
        axes = axes if isinstance(axes, tuple) else (axes,)
        for name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"):
            kinds = ["f32", "f64", "i32", "i64"] if name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd") else ["f32"]
            for kind in kinds + (["i8", "u8"] if name in ("ReduceMax", "ReduceMin") else []):
                yield Case(name, f"{kind} {label}", [make(kind, shape, 0.5, 1.5), i64(*axes)], constant=(1,))
        if len(axes) == 1:
            for name in ("ArgMax", "ArgMin"):
                for kind in ("f32", "f64", "i32", "u8"):
                    yield Case(name, f"{kind} {label}", [make(kind, shape)], axis=axes[0])
            for kind in ("f32", "f64", "i32", "i64"):
                yield Case("CumSum", f"{kind} {label}", [make(kind, shape), np.array(axes[0], np.int64)], constant=(1,))
            for name in ("Softmax", "LogSoftmax", "Hardmax"):
                for kind in ("f32", "f64"):
                    yield Case(name, f"{kind} {label}", [make(kind, shape)], axis=axes[0])
            for k in (1, 5, 50):
                for kind in ("f32", "i64"):
                    if k <= shape[axes[0]]:
                        yield Case("TopK", f"{kind} {label} k={k}", [make(kind, shape), i64(k)], constant=(1,), outputs=2, axis=axes[0])
            yield Case("LpNormalization", f"f32 {label}", [make("f32", shape)], axis=axes[0])
    for count, k in ((100000, 100), (100000, 50000), (1000000, 1000), (1000000, 1000000)):
        yield Case("TopK", f"f32 {count} k={k}", [make("f32", (count,)), i64(k)], constant=(1,), outputs=2)
    yield Case("CumSum", "f32 inner 1000 x [64,1000]", [make("f32", (64, 1000)), np.array(0, np.int64)], constant=(1,), exclusive=1, reverse=1)
    yield Case("CumSum", "f32 [1,512,768] axis 1", [make("f32", (1, 512, 768)), np.array(1, np.int64)], constant=(1,))


def products() -> Iterator[Case]:
    for kind in ("f32", "f64"):
        for label, a, b in (("square", (256, 256), (256, 256)), ("odd", (97, 131), (131, 61)), ("row", (1, 768), (768, 768)), ("column", (768, 768), (768, 1)), ("batch", (12, 64, 64), (12, 64, 64)), ("heads", (1, 12, 128, 64), (1, 12, 64, 128)), ("broadcast", (8, 5, 64), (64, 33)), ("outer", (512, 1), (1, 512)), ("deep", (8, 4096), (4096, 8)), ("vector", (768,), (768, 64))):  # fmt: skip
            yield Case("MatMul", f"{kind} {label}", [make(kind, a), make(kind, b)])
        yield Case("Gemm", f"{kind} transposed", [make(kind, (100, 200)), make(kind, (60, 200)), make(kind, (60,))], transB=1)
        yield Case("Gemm", f"{kind} both transposed", [make(kind, (200, 100)), make(kind, (60, 200)), make(kind, (60,))], transA=1, transB=1, alpha=0.5)
    for kind in ("i32", "i64"):
        yield Case("MatMul", f"{kind} [64,64]", [make(kind, (64, 64)), make(kind, (64, 64))])
    for equation, *shapes in (
        ("ij,jk->ik", (128, 128), (128, 128)), ("bhwc,hkc->bhwk", (4, 14, 14, 64), (14, 14, 64)), ("bhwc,wkc->bhwk", (4, 14, 14, 64), (14, 14, 64)),
        ("bhqd,hkd->bhqk", (2, 12, 64, 64), (12, 64, 64)), ("ibnd,jbnd->ijbn", (64, 2, 12, 64), (64, 2, 12, 64)), ("ijbn,jbnd->ibnd", (64, 64, 2, 12), (64, 2, 12, 64)),
        ("btd,edh->bteh", (2, 64, 64), (8, 64, 32)), ("bqhd,bkhd->bhqk", (2, 64, 12, 64), (2, 64, 12, 64)), ("bhqk,bkhd->bqhd", (2, 12, 64, 64), (2, 64, 12, 64)),
        ("bij,bjk->bik", (12, 64, 64), (12, 64, 64)), ("i,j->ij", (512,), (512,)), ("ij->ji", (256, 257)), ("ij->i", (256, 257)), ("ii->i", (512, 512)), ("bij,bij->b", (8, 64, 64), (8, 64, 64)),
        ("...ij,jk->...ik", (8, 32, 64), (64, 48)), ("abc,cd,de->abe", (8, 16, 32), (32, 16), (16, 24)), ("nctkv,kvw->nctw", (2, 16, 32, 3, 25), (3, 25, 25)), ("ncthw,nc->nthw", (1, 8, 4, 28, 28), (1, 8)),
        ("bnqd,bnkd->bnqk", (1, 12, 128, 64), (1, 12, 128, 64)), ("i,i->", (65536,), (65536,)), ("bmc,bnc->bmn", (1, 1024, 32), (1, 256, 32)), ("bhld,ld->bhld", (2, 8, 64, 64), (64, 64)),
    ):  # fmt: skip
        yield Case("Einsum", f"f32 {equation}", [make("f32", shape) for shape in shapes], equation=equation)
        if equation in ("ij,jk->ik", "bhqd,hkd->bhqk", "btd,edh->bteh"):
            yield Case("Einsum", f"f64 {equation}", [make("f64", shape) for shape in shapes], equation=equation)
    for n in (2, 3, 4, 64):
        yield Case("Det", f"f32 {n}", [make("f32", (max(4096 // n**2, 1), n, n))])
    a, b = make("u8", (128, 256)), make("i8", (256, 128))
    yield Case("MatMulInteger", "u8 i8", [a, b], constant=(1,))
    yield Case("MatMulInteger", "u8 i8 fed", [a, b])
    scale, zero = np.array(0.02, np.float32), np.array(3, np.uint8)
    yield Case("QLinearMatMul", "u8 u8", [a, scale, zero, make("u8", (256, 128)), scale, zero, np.array(2, np.float32), zero], constant=(1, 2, 3, 4, 5, 6, 7))
    yield Case("DynamicQuantizeMatMul", "f32 u8", [make("f32", (128, 256)), make("u8", (256, 128)), scale, zero], constant=(1, 2, 3), domain="com.microsoft")
    for m in (1, 16, 128):
        for accuracy in (0, 4):
            packed = random.integers(0, 256, (1024, 32, 16)).astype(np.uint8)
            scales = make("f32", (1024 * 32,), 0.01, 0.1)
            yield Case("MatMulNBits", f"f32 m={m} accuracy {accuracy}", [make("f32", (m, 1024)), packed, scales], constant=(1, 2), domain="com.microsoft", K=1024, N=1024, bits=4, block_size=32, accuracy_level=accuracy)
    yield Case("FusedMatMul", "f32 transB", [make("f32", (8, 64, 64)), make("f32", (8, 64, 64))], domain="com.microsoft", transB=1, alpha=0.125)


def moves() -> Iterator[Case]:
    for kind in ("f32", "u8", "i64", "f16"):
        for label, shape, perm in (("10", (300, 301), (1, 0)), ("021", (8, 100, 101), (0, 2, 1)), ("0213", (2, 64, 12, 64), (0, 2, 1, 3)), ("0231", (2, 31, 29, 30), (0, 2, 3, 1)), ("0312", (2, 31, 29, 30), (0, 3, 1, 2)), ("3210", (13, 14, 15, 16), (3, 2, 1, 0)), ("120 thin", (3, 200, 200), (1, 2, 0)), ("024135", (2, 8, 7, 9, 6, 5), (0, 2, 4, 1, 3, 5))):  # fmt: skip
            yield Case("Transpose", f"{kind} {label}", [make(kind, shape)], perm=perm)
        for axis in (0, 1, 2):
            yield Case("Concat", f"{kind} axis {axis}", [make(kind, (16, 32, 33)), make(kind, (16, 32, 33)), make(kind, (16, 32, 33))], axis=axis)
            yield Case("Split", f"{kind} axis {axis}", [make(kind, (15, 33, 99))], outputs=3, axis=axis, num_outputs=3)
            yield Case("Gather", f"{kind} axis {axis}", [make(kind, (40, 41, 42)), random.integers(0, 40, (37,))], axis=axis)
            yield Case("GatherElements", f"{kind} axis {axis}", [make(kind, (40, 41, 42)), random.integers(0, 40, (40, 41, 42))], axis=axis)
            yield Case("ScatterElements", f"{kind} axis {axis}", [make(kind, (40, 41, 42)), random.integers(0, 40, (40, 41, 42)), make(kind, (40, 41, 42))], axis=axis)
        yield Case("Gather", f"{kind} rows", [make(kind, (5000, 256)), random.integers(0, 5000, (128,))])
        yield Case("GatherND", f"{kind} rows", [make(kind, (100, 100, 33)), random.integers(0, 100, (500, 2))])
        yield Case("GatherND", f"{kind} elements", [make(kind, (100, 100)), random.integers(0, 100, (5000, 2))])
        yield Case("ScatterND", f"{kind} rows", [make(kind, (100, 100, 33)), random.integers(0, 100, (500, 2)), make(kind, (500, 33))])
        yield Case("ScatterND", f"{kind} elements", [make(kind, (100, 100)), random.integers(0, 100, (5000, 2)), make(kind, (5000,))])
        yield Case("Slice", f"{kind} inner", [make(kind, (64, 65, 66)), i64(1, 3), i64(60, 60), i64(1, 2)], constant=(1, 2, 3))
        yield Case("Slice", f"{kind} step 2", [make(kind, (64, 65, 66)), i64(0), i64(66), i64(2), i64(2)], constant=(1, 2, 3, 4))
        yield Case("Slice", f"{kind} reversed", [make(kind, (64, 65, 66)), i64(-1), i64(-1000), i64(2), i64(-1)], constant=(1, 2, 3, 4))
        yield Case("Pad", f"{kind} planes", [make(kind, (4, 16, 31, 31)), i64(0, 0, 1, 1, 0, 0, 1, 1)], constant=(1,))
        yield Case("Expand", f"{kind} rows", [make(kind, (1, 257)), i64(256, 257)], constant=(1,))
        yield Case("Expand", f"{kind} columns", [make(kind, (256, 1)), i64(256, 257)], constant=(1,))
        yield Case("Tile", f"{kind}", [make(kind, (16, 33, 5)), i64(2, 3, 4)], constant=(1,))
        yield Case("Compress", f"{kind} axis 0", [make(kind, (300, 100)), make("bool", (300,))], axis=0)
        yield Case("Compress", f"{kind} flat", [make(kind, (300, 100)), make("bool", (30000,))])
        yield Case("NonZero", f"{kind}", [np.where(make("bool", (200, 201)), make(kind, (200, 201)), 0).astype(TYPES[kind])])
        if kind != "f16":
            yield Case("Unique", f"{kind} sorted", [make(kind, (20000,))], outputs=4)
            yield Case("OneHot", f"{kind}", [random.integers(0, 100, (500,)), i64(100), np.array([0, 1], TYPES[kind])], constant=(1, 2))
        yield Case("Trilu", f"{kind}", [make(kind, (8, 100, 101))])
        yield Case("DepthToSpace", f"{kind}", [make(kind, (1, 64, 30, 31))], blocksize=2)
        yield Case("SpaceToDepth", f"{kind}", [make(kind, (1, 16, 60, 62))], blocksize=2)
        yield Case("ReverseSequence", f"{kind}", [make(kind, (50, 16, 33)), random.integers(1, 50, (16,))], batch_axis=1, time_axis=0)
    for mode in ("reflect", "edge", "wrap"):
        yield Case("Pad", f"f32 {mode}", [make("f32", (4, 16, 31, 31)), i64(0, 0, 3, 3, 0, 0, 3, 3)], constant=(1,), mode=mode)
    yield Case("Unique", "f32 distinct", [make("f32", (100000,))], outputs=4)
    yield Case("Unique", "i64 unsorted", [make("i64", (20000,))], outputs=4, sorted=0)
    yield Case("Unique", "i64 axis 0", [make("i64", (2000, 3), 0, 5)], outputs=4, axis=0)
    yield Case("Unique", "str", [make("str", (5000,))], outputs=4)
    for reduction in ("add", "mul", "max"):
        yield Case("ScatterND", f"f32 {reduction}", [make("f32", (100, 100)), random.integers(0, 100, (5000, 2)), make("f32", (5000,))], reduction=reduction)
        yield Case("ScatterElements", f"f32 {reduction}", [make("f32", (100, 100)), random.integers(0, 100, (100, 100)), make("f32", (100, 100))], reduction=reduction, axis=1)


def casts() -> Iterator[Case]:
    kinds = ["f32", "f64", "f16", "bf16", "i8", "u8", "i32", "i64", "bool"]
    for source in kinds:
        for target in kinds:
            if source != target:
                yield Case("Cast", f"{source} to {target} 64k", [make(source, (65536,))], to=helper.np_dtype_to_tensor_dtype(np.dtype(TYPES[target])))
    for kind in ("f32", "f64", "i32", "i64", "bool", "f16"):
        yield Case("Cast", f"{kind} to str 10k", [make(kind, (10000,))], to=TensorProto.STRING)
        text = make("str", (10000,)) if kind[0] in "f" else np.array([str(v) for v in make("i64", (10000,))], object)
        yield Case("Cast", f"str to {kind} 10k", [text], to=helper.np_dtype_to_tensor_dtype(np.dtype(TYPES[kind]))) if kind != "bool" else None
    scale, zero = np.array(0.03, np.float32), np.array(12, np.uint8)
    x, q = make("f32", (4, 33, 500)), make("u8", (4, 33, 500))
    yield Case("QuantizeLinear", "u8", [x, scale, zero], constant=(1, 2))
    yield Case("DequantizeLinear", "u8", [q, scale, zero], constant=(1, 2))
    many = make("f32", (33,), 0.01, 0.1)
    yield Case("QuantizeLinear", "u8 axis 1", [x, many, make("u8", (33,))], constant=(1, 2))
    yield Case("DequantizeLinear", "u8 axis 1", [q, many, make("u8", (33,))], constant=(1, 2))
    yield Case("DynamicQuantizeLinear", "f32", [x], outputs=3)


def images() -> Iterator[Case]:
    x = make("f32", (1, 16, 60, 61))
    for kind in ("f32", "u8"):
        picture = x if kind == "f32" else make("u8", x.shape)
        for mode in ("nearest", "linear", "cubic"):
            for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
                if kind == "f32" or coordinates == "half_pixel":
                    for scale in (2.0, 0.5, 1.7):
                        if kind == "f32" or mode != "cubic":
                            yield Case("Resize", f"{kind} {mode} {coordinates} {scale}", [picture, None, np.array([1, 1, scale, scale], np.float32)], constant=(2,), mode=mode, coordinate_transformation_mode=coordinates)
    yield Case("Resize", "f32 linear antialias 0.5", [x, None, np.array([1, 1, 0.5, 0.5], np.float32)], constant=(2,), mode="linear", antialias=1)
    yield Case("Resize", "f32 cubic antialias 0.4", [x, None, np.array([1, 1, 0.4, 0.4], np.float32)], constant=(2,), mode="cubic", antialias=1)
    yield Case("Resize", "f32 linear channels last 2", [make("f32", (1, 60, 61, 3)), None, np.array([1, 2, 2, 1], np.float32)], constant=(2,), mode="linear")
    yield Case("Resize", "f32 linear 1-D 2", [make("f32", (4, 16, 500)), None, np.array([1, 1, 2], np.float32)], constant=(2,), mode="linear")
    yield Case("Resize", "f32 linear 3-D 2", [make("f32", (1, 4, 12, 13, 14)), None, np.array([1, 1, 2, 2, 2], np.float32)], constant=(2,), mode="linear")
    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            yield Case("GridSample", f"f32 {mode} {padding}", [x, make("f32", (1, 40, 41, 2), -1.1, 1.1)], mode=mode, padding_mode=padding)
    yield Case("AffineGrid", "f32 2-D", [make("f32", (4, 2, 3)), i64(4, 3, 60, 61)], constant=(1,))
    rois = np.sort(random.uniform(0, 59, (50, 2, 2)), axis=1).reshape(50, 4).astype(np.float32)
    for mode in ("avg", "max"):
        yield Case("RoiAlign", f"f32 {mode}", [x, rois, np.zeros(50, np.int64)], mode=mode, output_height=7, output_width=7, sampling_ratio=2)
    yield Case("MaxRoiPool", "f32", [x, np.concatenate([np.zeros((50, 1), np.float32), rois], 1)], pooled_shape=(7, 7))
    yield Case("Col2Im", "f32 3x3", [make("f32", (1, 16 * 9, 60 * 60)), i64(62, 62), i64(3, 3)], constant=(1, 2))
    yield Case("Col2Im", "f32 2x2 stride 2", [make("f32", (2, 8 * 4, 900)), i64(60, 60), i64(2, 2)], constant=(1, 2), strides=(2, 2))
    for count in (200, 2000, 10000):
        corner = random.uniform(0, 900, (1, count, 2))
        boxes = np.concatenate([corner, corner + random.uniform(10, 100, (1, count, 2))], 2).astype(np.float32)
        limits = [np.array([v], t) for v, t in ((100, np.int64), (0.5, np.float32), (0.1, np.float32))]
        yield Case("NonMaxSuppression", f"{count} boxes", [boxes, random.random((1, 1, count)).astype(np.float32), *limits])
    boxes = np.concatenate([random.uniform(0, 900, (1, 1000, 2)), random.uniform(10, 100, (1, 1000, 2))], 2).astype(np.float32)
    yield Case("NonMaxSuppression", "1000 boxes 20 classes", [boxes, random.random((1, 20, 1000)).astype(np.float32), *limits], center_point_box=1)
    yield Case("MaxUnpool", "f32", [make("f32", (1, 16, 30, 30)), np.arange(16 * 900).reshape(1, 16, 30, 30) * 4], kernel_shape=(2, 2), strides=(2, 2))
    yield Case("DeformConv", "f32", [make("f32", (1, 16, 28, 28)), make("f32", (16, 16, 3, 3)), make("f32", (1, 18, 26, 26))], opset=22)


def norms() -> Iterator[Case]:
    for kind in ("f32", "f64"):
        x, c = make(kind, (4, 33, 31, 31)), make(kind, (33,), 0.5, 1.5)
        yield Case("BatchNormalization", kind, [x, c, c, c, c], constant=(1, 2, 3, 4))
        yield Case("InstanceNormalization", kind, [x, c, c], constant=(1, 2))
        yield Case("LayerNormalization", f"{kind} 768", [make(kind, (128, 768)), make(kind, (768,)), make(kind, (768,))], constant=(1, 2))
        yield Case("LayerNormalization", f"{kind} 33", [make(kind, (3000, 33)), make(kind, (33,)), make(kind, (33,))], constant=(1, 2))
    yield Case("GroupNormalization", "f32", [make("f32", (4, 32, 31, 31)), make("f32", (32,)), make("f32", (32,))], constant=(1, 2), num_groups=8)
    yield Case("LRN", "f32", [make("f32", (1, 64, 28, 28))], size=5)
    yield Case("MeanVarianceNormalization", "f32", [make("f32", (4, 33, 31, 31))])
    yield Case("SimplifiedLayerNormalization", "f32", [make("f32", (128, 768)), make("f32", (768,))], constant=(1,))
    yield Case("SkipLayerNormalization", "f32", [make("f32", (1, 128, 768)), make("f32", (1, 128, 768)), make("f32", (768,)), make("f32", (768,))], constant=(2, 3), domain="com.microsoft")
    yield Case("SkipSimplifiedLayerNormalization", "f32", [make("f32", (1, 128, 768)), make("f32", (1, 128, 768)), make("f32", (768,))], constant=(2,), domain="com.microsoft")
    yield Case("Dropout", "f32 inference", [make("f32", (65536,))])
    yield Case("LpPool", "f32", [make("f32", (1, 16, 60, 60))], kernel_shape=(3, 3))
    for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        yield Case(name, "f32", [make("f32", (1, 64, 31, 31))])
    labels = random.integers(0, 10, (2000,))
    yield Case("NegativeLogLikelihoodLoss", "f32", [make("f32", (2000, 10)), labels])
    yield Case("SoftmaxCrossEntropyLoss", "f32", [make("f32", (2000, 10)), labels])


def sequences() -> Iterator[Case]:
    for name, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for steps, batch, width in ((20, 1, 128), (50, 8, 64), (1, 1, 256)):
            yield Case(name, f"f32 {steps} x {batch} x {width}", [make("f32", (steps, batch, width)), make("f32", (1, gates * width, width), -0.1, 0.1), make("f32", (1, gates * width, width), -0.1, 0.1)], constant=(1, 2), hidden_size=width)
    for n in (256, 400, 1000):
        yield Case("DFT", f"f32 {n}", [make("f32", (32, n, 1)), None, np.array(1, np.int64)], constant=(2,), opset=20)
    yield Case("STFT", "f32 400/160", [make("f32", (1, 16000, 1)), np.array(160, np.int64), make("f32", (400,))], constant=(1, 2))
    for name in ("HannWindow", "HammingWindow", "BlackmanWindow"):
        yield Case(name, "4096", [np.array(4096, np.int64)])
    yield Case("Range", "i64 64k", [np.array(v, np.int64) for v in (0, 65536, 1)])
    yield Case("Range", "f32 64k", [np.array(v, np.float32) for v in (0, 65536, 1)])
    yield Case("ConstantOfShape", "f32 64k", [i64(65536)])
    yield Case("EyeLike", "f32", [make("f32", (256, 256))])
    yield Case("RandomUniformLike", "f32 64k", [make("f32", (65536,))])
    yield Case("RandomNormalLike", "f32 64k", [make("f32", (65536,))])
    yield Case("Bernoulli", "f32 64k", [make("f32", (65536,), 0, 1)])
    yield Case("Multinomial", "f32 8 x 1000", [make("f32", (8, 1000))], sample_size=100)


def forest(trees: int, depth: int, features: int) -> dict[str, Any]:
    rows: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "truenodeids", "falsenodeids", "modes")}
    leaves: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(trees):
        for node in range(2 ** (depth + 1) - 1):
            leaf = node >= 2**depth - 1
            line = (tree, node, int(random.integers(features)), float(random.uniform(-2, 2)), 0 if leaf else 2 * node + 1, 0 if leaf else 2 * node + 2, "LEAF" if leaf else "BRANCH_LEQ")
            for key, value in zip(rows, line):
                rows[key].append(value)
            if leaf:
                for key, value in zip(leaves, (tree, node, 0, float(random.uniform(-1, 1)))):
                    leaves[key].append(value)
    return {**{f"nodes_{key}": value for key, value in rows.items()}, "leaves": leaves}


def learning() -> Iterator[Case]:
    ml: dict[str, Any] = {"domain": "ai.onnx.ml"}
    for rows in (1, 100, 5000):
        for trees, depth in ((1, 3), (10, 4), (100, 6)):
            attributes = forest(trees, depth, 10)
            leaves = attributes.pop("leaves")
            x = make("f32", (rows, 10))
            yield Case("TreeEnsembleRegressor", f"{trees} x {depth}, {rows} rows", [x], n_targets=1, **attributes, **{f"target_{k}": v for k, v in leaves.items()}, **ml)
            yield Case("TreeEnsembleClassifier", f"{trees} x {depth}, {rows} rows", [x], outputs=2, classlabels_int64s=[0, 1], post_transform="LOGISTIC", **attributes, **{f"class_{k}": v for k, v in leaves.items()}, **ml)
        for kind in ("f32", "f64", "i64"):
            x = make(kind, (rows, 20))
            yield Case("LinearRegressor", f"{kind} {rows} rows", [x], coefficients=list(make("f32", (20,)).tolist()), intercepts=[0.5], targets=1, **ml) if kind == "f32" else None
            yield Case("LinearClassifier", f"{kind} {rows} rows", [x], outputs=2, coefficients=make("f32", (60,)).tolist(), intercepts=[0.5, 0.1, 0.2], classlabels_ints=[0, 1, 2], post_transform="SOFTMAX", **ml)
            yield Case("Scaler", f"{kind} {rows} rows", [x], offset=make("f32", (20,)).tolist(), scale=make("f32", (20,)).tolist(), **ml)
            yield Case("Normalizer", f"{kind} {rows} rows", [x], norm="L2", **ml)
        x = make("f32", (rows, 20))
        yield Case("Binarizer", f"{rows} rows", [x], threshold=0.5, **ml)
        yield Case("Imputer", f"{rows} rows", [x], imputed_value_floats=[0.5], replaced_value_float=float("nan"), **ml)
        yield Case("OneHotEncoder", f"{rows} rows", [random.integers(0, 10, (rows, 5))], cats_int64s=list(range(10)), **ml)
        yield Case("LabelEncoder", f"str to i64 {rows}", [np.array([f"k{v}" for v in random.integers(0, 50, rows)], object)], keys_strings=[f"k{v}" for v in range(50)], values_int64s=list(range(50)), **ml)
        yield Case("LabelEncoder", f"i64 to str {rows}", [random.integers(0, 50, rows)], values_strings=[f"k{v}" for v in range(50)], keys_int64s=list(range(50)), **ml)
        yield Case("ArrayFeatureExtractor", f"{rows} rows", [x, i64(1, 3, 5)], **ml)
        yield Case("FeatureVectorizer", f"{rows} rows", [x, x], inputdimensions=[20, 20], **ml)
        for kernel in ("RBF", "LINEAR", "POLY", "SIGMOID"):
            yield Case("SVMRegressor", f"{kernel} {rows} rows", [x], kernel_type=kernel, kernel_params=[0.1, 0.0, 3.0], n_supports=50, support_vectors=make("f32", (1000,)).tolist(), coefficients=make("f32", (50,)).tolist(), rho=[0.1], **ml)
            yield Case("SVMClassifier", f"{kernel} {rows} rows", [x], outputs=2, kernel_type=kernel, kernel_params=[0.1, 0.0, 3.0], classlabels_ints=[0, 1, 2], vectors_per_class=[20, 20, 10], support_vectors=make("f32", (1000,)).tolist(), coefficients=make("f32", (100,)).tolist(), rho=[0.1, 0.2, 0.3], **ml)
    yield Case("TfIdfVectorizer", "i64", [random.integers(0, 20, (50, 200))], max_gram_length=2, min_gram_length=1, max_skip_count=0, mode="TF", ngram_counts=[0, 10], ngram_indexes=list(range(30)), pool_int64s=list(range(10)) + random.integers(0, 20, 40).tolist())
    yield Case("StringNormalizer", "lower", [np.array([f"Word{v}" for v in range(5000)], object)], case_change_action="LOWER", stopwords=["x"])


GROUPS = [unary, pairs, reductions, products, moves, casts, images, norms, sequences, learning]


def seconds_each(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def compare(case: Case, slices: int, slice_seconds: float) -> tuple[float, float]:
    """Microseconds of onnxruntime and of Pinion, each of its fastest slice: what else the machine does only adds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    theirs = onnxruntime.InferenceSession(case.model, options, providers=["CPUExecutionProvider"])
    ours = pinion.Session(case.model, threads=1)
    works: list[Callable[[], Any]] = [lambda: theirs.run(None, case.feeds), lambda: ours.run(case.feeds)]
    results = works[0]()
    works[1]()
    try:
        bound, io = ours.bind(case.feeds), theirs.io_binding()
        for key, array in case.feeds.items():
            io.bind_ortvalue_input(key, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for info, array in zip(theirs.get_outputs(), results):
            io.bind_ortvalue_output(info.name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        works = [lambda: theirs.run_with_iobinding(io), bound.run]
        works[0](), works[1]()
    except Exception:  # strings, shapes that the run decides, types that numpy lacks
        works = [lambda: theirs.run(None, case.feeds), lambda: ours.run(case.feeds)]
    counts = [max(int(slice_seconds / max(seconds_each(work, 2), 1e-9)), 1) for work in works]
    times: list[list[float]] = [[], []]
    for _ in range(slices):
        for index, work in enumerate(works):
            times[index].append(seconds_each(work, counts[index]) * 1e6)
    return min(times[0]), min(times[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--slices", type=int, default=7)
    parser.add_argument("--milliseconds", type=float, default=4, help="of a slice")
    parser.add_argument("--top", type=int, default=0, help="print so many of the worst only")
    arguments = parser.parse_args()
    chosen, measured, refused = re.compile(arguments.only), [], []
    for group in GROUPS:
        for case in group():
            if case is None or not chosen.search(case.name):
                continue
            try:
                peer, own = compare(case, arguments.slices, arguments.milliseconds / 1000)
                measured.append({"case": case.name, "onnxruntime": round(peer, 2), "pinion": round(own, 2), "ratio": round(own / peer, 3)})
            except Exception as error:  # either side's refusal is a result
                side = "pinion" if isinstance(error, pinion.Error) else "onnxruntime"
                refused.append({"case": case.name, "by": side, "message": str(error).split("\n")[0][:150]})
    measured.sort(key=lambda row: -row["ratio"])
    print(f"{'case':58} {'ort us':>11} {'pinion us':>11} {'ratio':>8}")
    for row in measured[: arguments.top or None]:
        print(f"{row['case']:58} {row['onnxruntime']:11.2f} {row['pinion']:11.2f} {row['ratio']:8.2f}")
    for row in refused:
        print(f"refused by {row['by']}: {row['case']}: {row['message']}")
    if measured:
        ratios = [row["ratio"] for row in measured]
        print(f"{len(ratios)} cases, geometric mean {statistics.geometric_mean(ratios):.3f}, {sum(r > 1.2 for r in ratios)} above 1.2")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"onnxruntime": onnxruntime.__version__, "cases": measured, "refused": refused}, file, indent=1)
    if not measured:
        sys.exit("no case ran")


if __name__ == "__main__":
    main()
