"""Operators that became ONNX's, in the forms that they had before, and some that move or compare."""

import numpy as np
from harness import Case, Numbers

from .draw import F32, I8, I32, I64, U8, generator


@generator
def grid_sample(draw):
    x = draw.numbers(draw(1, 2), draw(1, 3), draw(1, 7), draw(1, 7))
    grid = draw.rng.uniform(-1.6, 1.6, (x.shape[0], draw(1, 6), draw(1, 6), 2)).astype(F32)
    attributes = {"align_corners": draw(0, 1)}
    if draw.chance(0.8):
        attributes |= {"mode": draw.pick("bilinear", "nearest", "bicubic"), "padding_mode": draw.pick("zeros", "border", "reflection")}
    return Case("GridSample", [x, grid], attributes, Numbers(1e-4), [F32])


@generator
def pad(draw):
    shape = [draw(2, 5) for _ in range(draw(1, 4))]
    mode = draw.pick("constant", "reflect", "edge")
    low = -1 if mode == "constant" else 0
    pads = np.asarray([draw(low, 1 if mode == "reflect" else 3) for _ in range(2 * len(shape))], I64)
    value = draw.maybe(draw.single(draw.numbers())) if mode == "constant" else None
    return Case("Pad", [draw.numbers(*shape), pads.reshape(1, -1) if draw.chance() else pads, value], {"mode": mode}, Numbers(), [F32],
                draw.constants(1, 2))


@generator
def trilu(draw):
    dtype = draw.pick(F32, np.float64, I64)
    x = draw.numbers(*[draw(0, 3) for _ in range(draw(0, 2))], draw(1, 6), draw(1, 6), scale=9).astype(dtype)
    return Case("Trilu", [x, draw.maybe(np.asarray(draw(-7, 7), I64))], {"upper": draw(0, 1)}, Numbers(), [dtype], draw.constants(1))


@generator
def ranges(draw):
    dtype = draw.pick(F32, np.float64, I32, I64, np.int16)
    delta = draw.pick(None, 1, 2, -1, -3)
    bounds = [np.asarray(draw(-9, 9), dtype) for _ in range(2)]
    inputs = [draw.single(bound) for bound in bounds] + [None if delta is None else draw.single(np.asarray(delta, dtype))]
    return Case("Range", inputs, {}, Numbers(), [dtype], draw.constants(0, 1, 2))


@generator
def gather_nd(draw):
    data = draw.numbers(*[draw(1, 5) for _ in range(draw(1, 4))])
    depth = draw(1, data.ndim)
    places = [draw.rng.integers(0, extent, [draw(0, 3), 2]) for extent in data.shape[:1]]
    lead = places[0].shape
    indices = np.stack([draw.rng.integers(-extent, extent, lead) for extent in data.shape[:depth]], -1).astype(draw.pick(I32, I64))
    return Case("GatherND", [data, indices], {}, Numbers(), [F32], draw.constants(1))


@generator
def expand_dims(draw):
    dtype = draw.pick(F32, I64, U8, I8)
    x = draw.numbers(*[draw(0, 3) for _ in range(draw(0, 3))], scale=5).astype(dtype)
    return Case("ExpandDims", [x, draw.single(np.asarray(draw(-x.ndim - 1, x.ndim), I32))], {}, Numbers(), [dtype], draw.constants(1))


@generator
def unique(draw):
    return Case("Unique", [draw.rng.integers(-4, 5, draw(1, 30)).astype(F32)], {}, Numbers(), [F32, I64, I64])


@generator
def unfold(draw):
    dtype = draw.pick(F32, I64, I32, np.float64)
    x = draw.numbers(*[draw(1, 6) for _ in range(draw(1, 4))], scale=5).astype(dtype)
    axis = draw(-x.ndim, x.ndim - 1)
    attributes = {"size": draw(1, x.shape[axis]), "step": draw(1, 3)}
    if axis != -1 or draw.chance():
        attributes["dim"] = axis
    return Case("UnfoldTensor", [x], attributes, Numbers(), [dtype])


@generator
def dynamic_time_warping(draw):
    # Small integers, of which many sums are equal.
    costs = draw.rng.integers(0, 3, (draw(1, 9), draw(1, 9))).astype(F32)
    if draw.chance():
        costs = draw.numbers(*costs.shape)
    return Case("DynamicTimeWarping", [costs[None] if draw.chance() else costs], {}, Numbers(), [I32])


@generator
def ngram_repeat_block(draw):
    ids = draw.rng.integers(0, 4, (draw(1, 3), draw(1, 30))).astype(I64)
    return Case("NGramRepeatBlock", [ids, draw.numbers(ids.shape[0], draw(4, 9))], {"ngram_size": draw(1, 4)}, Numbers(), [F32])


@generator
def murmur_hash(draw):
    dtype = draw.pick(I32, np.uint32, I64, np.uint64, F32, np.float64)
    positive = draw.pick(None, 0, 1)
    x = draw.rng.integers(0, 1 << 31, [draw(0, 4) for _ in range(draw(0, 2))]).astype(dtype)
    attributes = {} if positive is None else {"positive": positive}
    if draw.chance():
        attributes["seed"] = draw(0, 1 << 30)
    return Case("MurmurHash3", [x], attributes, Numbers(), [np.uint32 if positive != 0 else I32])


@generator
def crop_and_resize(draw):
    x = draw.numbers(draw(1, 3), draw(1, 3), draw(1, 6), draw(1, 6))
    boxes = draw.rng.uniform(-0.2, 1.2, (draw(0, 5), 4)).astype(F32)
    images = draw.rng.integers(0, x.shape[0], boxes.shape[0]).astype(I32)
    attributes = {}
    if draw.chance():
        attributes["extrapolation_value"] = float(draw(-3, 3))
    if draw.chance():
        attributes["mode"] = draw.pick("bilinear", "nearest")
    return Case("CropAndResize", [x, boxes, images, np.asarray([draw(1, 6), draw(1, 6)], I32)], attributes, Numbers(1e-4), [F32], draw.constants(3))


@generator
def inverse(draw):
    size, dtype = draw(1, 12), draw.pick(F32, np.float64)
    lead = [draw(1, 3) for _ in range(draw(0, 2))]
    # Far enough from singular ones for both sides to have digits.
    x = draw.numbers(*lead, size, size, dtype=dtype) + 4 * np.eye(size, dtype=dtype)[draw.rng.permutation(size)]
    return Case("Inverse", [x.astype(dtype)], {}, Numbers(3e-3 if dtype == F32 else 1e-9), [dtype])


@generator
def products_under_other_names(draw):
    m, k, n = draw(1, 6), draw(1, 9), draw(1, 6)
    if draw.chance():
        limits = 1 << 10
        a, b = (draw.rng.integers(-limits, limits, shape).astype(np.int16) for shape in ((m, k), (k, n)))
        return Case("MatMulInteger16", [a, b], {}, Numbers(), [I32], draw.constants(1))
    attributes = {"transA": draw(0, 1), "transB": draw(0, 1), "alpha": float(draw.rng.uniform(0.5, 2))}
    a, b = draw.numbers(*((k, m) if attributes["transA"] else (m, k))), draw.numbers(*((n, k) if attributes["transB"] else (k, n)))
    return Case("TransposeMatMul", [a, b], attributes, Numbers(), [F32], draw.constants(1))
