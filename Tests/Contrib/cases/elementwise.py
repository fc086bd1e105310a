"""Elementwise operators, softmax and concatenation."""

import numpy as np
from harness import Case, Codes, Numbers

from .draw import F32, I8, U8, generator, quantized


@generator
def gelus(draw):
    op = draw.pick("Gelu", "QuickGelu", "FastGelu", "BiasGelu")
    dtype = F32
    shape = [draw(1, 5), draw(0 if op in ("Gelu", "QuickGelu") else 1, 40)]
    inputs = [draw.numbers(*shape, dtype=dtype, scale=3)]
    if op == "BiasGelu" or (op == "FastGelu" and draw.chance()):
        inputs.append(draw.numbers(shape[-1], dtype=dtype))
    attributes = {"alpha": float(draw.rng.uniform(0.5, 2))} if op == "QuickGelu" and draw.chance() else {}
    # Far below 0 the result is what cancellation leaves of x.
    return Case(op, inputs, attributes, Numbers(1e-6, 1), [dtype], draw.constants(1))


@generator
def qlinear_unary(draw):
    op = draw.pick("QLinearSigmoid", "QLinearLeakyRelu")
    dtype = draw.pick(U8, I8)
    y_scale = draw.single(draw.scale(0.003, 0.008) if op == "QLinearSigmoid" else draw.scale())
    x, x_scale, x_zero = quantized(draw, dtype, draw(1, 3), draw(0, 50), draw(1, 3))
    attributes = {"alpha": float(draw.rng.uniform(0, 0.5))} if op == "QLinearLeakyRelu" and draw.chance() else {}
    # ONNX Runtime dies of an absent zero point, which its schema allows.
    inputs = [x, x_scale, x_zero, y_scale, draw.single(draw.zero(dtype))]
    return Case(op, inputs, attributes, Codes(), [dtype], draw.constants(1, 2, 3, 4))


@generator
def qlinear_softmax(draw):
    # ONNX Runtime takes floor(1 / y_scale) for 1 / y_scale: of a y_scale that is no unit fraction that is one step of difference
    # in any share. It also wraps int8 codes above 127 around, so that the zero point is one under which none arises.
    dtype = draw.pick(U8, I8)
    rank = draw(1, 4)
    shape = [draw(1, 6) for _ in range(rank)]
    if draw.chance(0.3):
        shape[-1] = draw(200, 400)
    exact = draw.chance(0.7)
    y_scale = np.asarray(1 / 256 if exact else draw.rng.uniform(0.004, 0.02), F32)
    if dtype == I8:
        y_zero, y_scale = np.asarray(-128, I8), np.maximum(y_scale, np.asarray(1 / 254 if not exact else 1 / 128, F32))
    else:
        y_zero = np.asarray(draw.pick(0, 0, 3), U8)
    attributes = {"opset": draw.pick(1, 11, 12, 13, 18)}
    # Of a Softmax before opset 13 without axis, the default axis is 1 there, but -1 here: the attribute is always written.
    attributes["axis"] = draw(-rank, rank - 1)
    inputs = [draw.codes(dtype, *shape), draw.single(draw.scale(0.01, 0.3)), draw.maybe(draw.single(draw.zero(dtype))), draw.single(y_scale),
              draw.single(y_zero)]
    return Case("QLinearSoftmax", inputs, attributes, Codes(0.02 if exact else 1), [dtype], draw.constants(1, 2, 3, 4))


@generator
def quantize(draw):
    op = draw.pick("QuantizeLinear", "DequantizeLinear")
    dtype = draw.pick(U8, I8, np.uint16, np.int16)
    shape = [draw(1, 4), draw(1, 7), draw(1, 9)]
    axis = draw(-3, 2)
    per_axis = draw.chance()
    extent = (shape[axis],) if per_axis else ()
    zero = draw.maybe(draw.zero(dtype, *extent))
    attributes = {"axis": axis} if per_axis else {}
    scale = draw.scale(0.01, 0.1, *extent)
    if op == "DequantizeLinear":
        return Case(op, [draw.codes(dtype, *shape), scale, zero], attributes, Numbers(), [F32], draw.constants(1, 2))
    return Case(op, [draw.numbers(*shape, scale=3), scale, zero], attributes, Codes(), [dtype if zero is not None else U8],
                draw.constants(1, 2))


def broadcast_shapes(draw, count):
    full = [draw(1, 5) for _ in range(draw(1, 4))]
    shapes = []
    for _ in range(count):
        shape = [1 if draw.chance(0.25) else extent for extent in full]
        shapes.append(shape[draw(0, len(shape) - 1):] if draw.chance(0.3) else shape)
    return shapes


@generator
def qlinear_pairs(draw):
    op = draw.pick("QLinearAdd", "QLinearMul")
    dtype = draw.pick(U8, I8)
    inputs = []
    # ONNX Runtime refuses absent zero points here, against its schema, and vectors of one element.
    for shape in broadcast_shapes(draw, 2):
        inputs += [draw.codes(dtype, *shape), draw.scale(), draw.zero(dtype)]
    inputs += [draw.scale(), draw.zero(dtype)]
    return Case(op, inputs, {}, Codes(), [dtype], draw.constants(0, 1, 2, 3, 4, 5, 6, 7))


@generator
def qlinear_where(draw):
    dtype = draw.pick(U8, I8)
    condition, x, y = broadcast_shapes(draw, 3)
    zero = draw.single(draw.zero(dtype))
    scale = draw.single(draw.scale())
    inputs = [draw.rng.random(condition) < 0.5]
    inputs += [*quantized(draw, dtype, *x), *quantized(draw, dtype, *y)]
    inputs += [scale, zero]
    if draw.chance(0.3):
        inputs[2:4] = [scale.copy(), zero.copy()]
    # ONNX Runtime dies of quantised operands of which it knows some.
    known = frozenset({2, 3, 5, 6, 7, 8} if draw.chance() else {}) | draw.constants(0, 1, 4)
    return Case("QLinearWhere", inputs, {}, Codes(), [dtype], known)


@generator
def qlinear_concat(draw):
    dtype = draw.pick(U8, I8)
    rank = draw(1, 4)
    shape, axis = [draw(1, 5) for _ in range(rank)], draw(-rank, rank - 1)
    inputs = [draw.single(draw.scale()), draw.single(draw.zero(dtype))]
    for _ in range(draw(1, 4)):
        shape[axis] = draw(0, 6)
        inputs += quantized(draw, dtype, *shape)
    constants = draw.constants(*range(len(inputs)))
    return Case("QLinearConcat", inputs, {"axis": axis}, Codes(), [dtype], constants)
