"""Random cases of com.microsoft operators: attributes, optional inputs, element types, shapes, constants.

Each function takes a numpy generator and makes one case. Bounds:

* Codes(): both sides round a float32 number to an integer, and compute it in a different order; a number within the last
  place of a half goes either way.
* Numbers(): sums in float32 of some hundred products in a different order, or exponentials by different polynomials.
"""

import ml_dtypes
import numpy as np
from harness import Case, Codes, Numbers

F32, F16, U8, I8, I32, I64 = np.float32, np.float16, np.uint8, np.int8, np.int32, np.int64
GENERATORS = {}


def generator(function):
    GENERATORS[function.__name__] = function
    return function


class Draw:
    def __init__(self, rng):
        self.rng = rng

    def __call__(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, p=0.5):
        return bool(self.rng.random() < p)

    def numbers(self, *shape, dtype=F32, scale=1.0):
        return np.asarray(self.rng.normal(size=shape) * scale).astype(dtype)

    def codes(self, dtype, *shape):
        info = np.iinfo(dtype)
        return np.asarray(self.rng.integers(info.min, info.max + 1, shape)).astype(dtype)

    def scale(self, low=0.01, high=0.1, *shape):
        return np.asarray(self.rng.uniform(low, high, shape)).astype(F32)

    def zero(self, dtype, *shape):
        info = np.iinfo(dtype)
        middle = (int(info.max) + int(info.min) + 1) // 2
        return np.asarray(self.rng.integers(middle - 30, middle + 31, shape)).astype(dtype)

    def single(self, array):
        """A scalar, or a vector of one."""
        return array.reshape(()) if self.chance() else array.reshape((1,))

    def constants(self, *indices):
        return frozenset(index for index in indices if self.chance(0.6))

    def maybe(self, array, p=0.6):
        return array if self.chance(p) else None


def quantized(draw, dtype, *shape):
    """Codes, scale and zero point."""
    return draw.codes(dtype, *shape), draw.single(draw.scale()), draw.single(draw.zero(dtype))


# --- operators of one input


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


# --- pairs, selections, concatenations


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


# --- pools and convolutions


def window(draw, axes, kernel=None, dilates=True):
    """Attributes of a window and the extents of an input that it fits."""
    kernel = kernel or [draw(1, 3) for _ in range(axes)]
    attributes = {"kernel_shape": kernel}
    if draw.chance(0.6):
        attributes["strides"] = [draw(1, 3) for _ in range(axes)]
    if dilates and draw.chance(0.3):
        attributes["dilations"] = [draw(1, 2) for _ in range(axes)]
    mode = draw.pick("pads", "none", "none", "SAME_UPPER", "SAME_LOWER", "VALID")
    if mode == "pads":
        attributes["pads"] = [draw(0, k - 1) for k in kernel + kernel]
    elif mode != "none":
        attributes["auto_pad"] = mode
    extents = [draw(1, 5) + 2 * (k - 1) for k in kernel]
    if mode.startswith("SAME"):
        # ONNX Runtime leaves dilations out of the extents of a pool's result, against ceil(extent / stride), and crops the input where
        # ONNX's formula makes pads negative.
        attributes.pop("dilations", None)
        for extent, k, stride in zip(extents, kernel, attributes.get("strides", [1] * axes)):
            if (-(-extent // stride) - 1) * stride + k < extent:
                del attributes["auto_pad"]
                break
    return attributes, extents


@generator
def nhwc_max_pool(draw):
    dtype = draw.pick(U8, I8)
    attributes, extents = window(draw, draw(1, 3))
    # With VALID, ONNX Runtime rounds up as well, where ONNX has ceil((extent - kernel + 1) / stride) in any case.
    if draw.chance(0.3) and attributes.get("auto_pad") != "VALID":
        attributes["ceil_mode"] = 1
    return Case("NhwcMaxPool", [draw.codes(dtype, draw(0, 2), *extents, draw(1, 70))], attributes, Codes(0, 0), [dtype])


@generator
def qlinear_average_pool(draw):
    dtype = draw.pick(U8, I8)
    axes = draw(1, 3)
    attributes, extents = window(draw, axes, dilates=False)
    # With VALID, ONNX Runtime rounds up as well, where ONNX has ceil((extent - kernel + 1) / stride) in any case.
    if draw.chance(0.3) and attributes.get("auto_pad") != "VALID":
        attributes["ceil_mode"] = 1
    # Where a window reaches beyond the padding, ONNX Runtime counts what lies there, other than the AveragePool that its documentation
    # refers to.
    elif draw.chance():
        attributes["count_include_pad"] = 1
    channels, images = draw(1, 20), draw(1, 2)
    last = draw.chance()
    if last:
        attributes["channels_last"] = 1
    x = draw.codes(dtype, images, *([*extents, channels] if last else [channels, *extents]))
    # As for QLinearAdd, zero points are there and scalars.
    inputs = [x, draw.scale(), draw.zero(dtype), draw.scale(), draw.zero(dtype)]
    return Case("QLinearAveragePool", inputs, attributes, Codes(), [dtype], draw.constants(1, 2, 3, 4))


@generator
def qlinear_global_average_pool(draw):
    dtype = draw.pick(U8, I8)
    channels, images, extents = draw(1, 20), draw(1, 2), [draw(1, 6) for _ in range(draw(1, 3))]
    last = draw.chance()
    x, x_scale, x_zero = quantized(draw, dtype, images, *([*extents, channels] if last else [channels, *extents]))
    inputs = [x, x_scale, x_zero, draw.single(draw.scale(0.01, 0.05)), draw.single(draw.zero(dtype))]
    return Case("QLinearGlobalAveragePool", inputs, {"channels_last": int(last)}, Codes(), [dtype], draw.constants(1, 2, 3, 4))


@generator
def qlinear_conv(draw):
    x_type = draw.pick(U8, U8, I8)
    w_type = I8 if x_type == I8 else draw.pick(U8, I8)
    axes = draw(1, 3)
    group = draw.pick(1, 1, 2, 5)
    channels, outputs = group * draw(1, 4 if group > 1 else 20), group * draw(1, 4 if group > 1 else 20)
    kernel = [1] * axes if draw.chance(0.3) else None
    attributes, extents = window(draw, axes, kernel)
    if group > 1:
        attributes["group"] = group
    kernel = attributes["kernel_shape"]
    if draw.chance():
        del attributes["kernel_shape"]
    last = draw.chance(0.7)
    attributes["channels_last"] = int(last)
    x, x_scale, x_zero = quantized(draw, x_type, draw(1, 2), *([*extents, channels] if last else [channels, *extents]))
    w = draw.codes(w_type, outputs, channels // group, *kernel)
    lines = (outputs,) if draw.chance() else ()
    w_zero = np.zeros(lines, I8) if w_type == I8 else np.full(lines, draw.zero(U8), U8)
    inputs = [x, x_scale, x_zero, w, draw.scale(0.01, 0.1, *lines), w_zero, np.asarray(draw.rng.uniform(0.5, 4), F32), draw.zero(x_type),
              draw.maybe(draw.rng.integers(-3000, 3000, outputs).astype(I32))]
    return Case("QLinearConv", inputs, attributes, Codes(), [x_type], draw.constants(1, 2, 3, 4, 5, 6, 7, 8) | {2, 5, 7})


@generator
def fused_conv(draw):
    axes = 2
    group = draw.pick(1, 1, 3)
    channels, outputs = group * draw(1, 5), group * draw(1, 5)
    attributes, extents = window(draw, axes)
    attributes["group"] = group
    attributes["activation"] = draw.pick("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid")
    parameters = {"LeakyRelu": [0.1], "Clip": [-0.5, 1.0], "HardSigmoid": [0.3, 0.4]}.get(attributes["activation"])
    if parameters:
        attributes["activation_params"] = parameters
    x, w = draw.numbers(draw(1, 2), channels, *extents), draw.numbers(outputs, channels // group, *attributes["kernel_shape"])
    return Case("FusedConv", [x, w, draw.maybe(draw.numbers(outputs))], attributes, Numbers(), [F32], draw.constants(1, 2))


# --- products


def product_shapes(draw):
    m, k, n = draw(1, 9), draw(1, 70), draw(1, 40)
    batch = [draw(1, 3) for _ in range(draw(0, 2))]
    return [*batch, m, k], [*batch, k, n] if draw.chance(0.3) else [k, n], n


@generator
def dynamic_quantize_matmul(draw):
    a, b, n = product_shapes(draw)
    dtype = draw.pick(U8, I8)
    lines = (n,) if draw.chance() and len(b) == 2 else ()
    zero = draw.maybe(draw.zero(dtype, *lines))
    inputs = [draw.numbers(*a), draw.codes(dtype, *b), draw.scale(0.01, 0.1, *lines), zero, draw.maybe(draw.numbers(n))]
    return Case("DynamicQuantizeMatMul", inputs, {}, Numbers(), [F32], draw.constants(1, 2, 3, 4))


@generator
def matmul_integer_to_float(draw):
    a, b, n = product_shapes(draw)
    b_type = draw.pick(U8, I8)
    a_type = draw.pick(U8, I8) if b_type == I8 else U8
    lines = (n,) if draw.chance() and len(b) == 2 else ()
    inputs = [draw.codes(a_type, *a), draw.codes(b_type, *b), draw.scale(), draw.scale(0.01, 0.1, *lines), draw.maybe(draw.zero(a_type)),
              draw.maybe(draw.zero(b_type, *lines)), draw.maybe(draw.numbers(n))]
    return Case("MatMulIntegerToFloat", inputs, {}, Numbers(), [F32], draw.constants(1, 2, 3, 4, 5, 6))


@generator
def qgemm(draw):
    m, k, n = draw(1, 9), draw(1, 70), draw(1, 40)
    b_type = draw.pick(U8, I8)
    a_type = draw.pick(U8, I8) if b_type == I8 else U8
    ta, tb = draw.chance(), draw.chance()
    lines = (n,) if draw.chance() else ()
    y = draw.chance()
    c_shape = draw.pick((n,), (1, n), (m, 1), (m, n), (1,))
    inputs = [draw.codes(a_type, *((k, m) if ta else (m, k))), draw.scale(), draw.zero(a_type), draw.codes(b_type, *((n, k) if tb else (k, n))),
              draw.scale(0.01, 0.1, *lines), draw.zero(b_type, *lines),
              draw.maybe(draw.rng.integers(-3000, 3000, c_shape).astype(I32)), np.asarray(draw.rng.uniform(0.5, 4), F32) if y else None,
              draw.zero(a_type) if y else None]
    attributes = {"transA": int(ta), "transB": int(tb)}
    if draw.chance():
        attributes["alpha"] = float(draw.rng.uniform(0.5, 2))
    return Case("QGemm", inputs, attributes, Codes() if y else Numbers(), [a_type if y else F32], draw.constants(1, 2, 3, 4, 5, 6, 7, 8))


@generator
def matmul_nbits(draw):
    m, k, n = draw(1, 9), draw(1, 150), draw(1, 40)
    bits, block = draw.pick(2, 4, 8), draw.pick(16, 32, 64, 128)
    blocks = -(-k // block)
    zero = draw.pick(None, "packed", "plain")
    zeros = None
    if zero == "packed":
        zeros = draw.codes(U8, n, -(-blocks * bits // 8))
    elif zero == "plain":
        zeros = draw.rng.integers(0, 1 << bits, (n, blocks)).astype(F32)
    inputs = [draw.numbers(*[draw(1, 2) for _ in range(draw(0, 1))], m, k), draw.codes(U8, n, blocks, block * bits // 8),
              draw.scale(0.01, 0.1, n, blocks), zeros, None, draw.maybe(draw.numbers(n))]
    return Case("MatMulNBits", inputs, {"K": k, "N": n, "bits": bits, "block_size": block}, Numbers(2e-5), [F32], draw.constants(2, 3, 5) | {1})


@generator
def fused_matmul(draw):
    dtype = F32
    batch = [draw(1, 3) for _ in range(draw(0, 2))]
    m, k, n = draw(1, 9), draw(1, 40), draw(1, 20)
    attributes = {"transA": draw(0, 1), "transB": draw(0, 1)}
    a, b = [*batch, m, k], [*batch, k, n]
    if attributes["transA"]:
        a[-2:] = a[:-3:-1]
    if attributes["transB"]:
        b[-2:] = b[:-3:-1]
    if batch and draw.chance(0.4):
        attributes["transBatchA"] = 1
        a = [a[-2], *a[:-2], a[-1]]
    if batch and draw.chance(0.4):
        attributes["transBatchB"] = 1
        b = [b[-2], *b[:-2], b[-1]]
    if draw.chance():
        attributes["alpha"] = float(draw.rng.uniform(-2, 2))
    return Case("FusedMatMul", [draw.numbers(*a, dtype=dtype), draw.numbers(*b, dtype=dtype)], attributes, Numbers(), [dtype], draw.constants(1))


@generator
def fused_gemm(draw):
    m, k, n = draw(1, 9), draw(1, 40), draw(1, 20)
    ta, tb = draw.chance(), draw.chance()
    attributes = {"transA": int(ta), "transB": int(tb), "alpha": float(draw.rng.uniform(0.5, 2)), "beta": float(draw.rng.uniform(0.5, 2))}
    attributes["activation"] = draw.pick("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid")
    if attributes["activation"] == "LeakyRelu":
        attributes["activation_alpha"] = 0.2
    if attributes["activation"] == "HardSigmoid":
        attributes |= {"activation_alpha": 0.3, "activation_beta": 0.4}
    inputs = [draw.numbers(*((k, m) if ta else (m, k))), draw.numbers(*((n, k) if tb else (k, n))),
              draw.maybe(draw.numbers(*draw.pick((n,), (1, n), (m, 1), (m, n))))]
    return Case("FusedGemm", inputs, attributes, Numbers(), [F32], draw.constants(1, 2))


@generator
def gather_block_quantized(draw):
    rank = draw(1, 3)
    kind = draw.pick("uint8", "uint8", "int4", "uint4", "float8")
    block, bits = draw.pick(16, 32), draw.pick(2, 4, 8)
    if kind == "uint8":
        rank = max(rank, 2)
        dims = [draw(1, 5) for _ in range(rank - 1)] + [draw(1, 12) * 8]
        gather, axis = 0, rank - 1
    else:
        bits = 4
        dims = [draw(1, 5) for _ in range(rank)]
        axis = draw(0, rank - 1)
        dims[axis] = draw(1, 50)
        gather = draw(0, rank - 1)
    scales = [-(-d // block) if i == axis else d for i, d in enumerate(dims)]
    stored = list(dims)
    zeros = None
    if kind == "uint8":
        stored[-1] = dims[-1] * bits // 8
        data = draw.codes(U8, *stored)
        zeros = draw.maybe(draw.codes(U8, *scales[:-1], -(-scales[-1] * bits // 8)))
    elif kind == "float8":
        element = draw.pick(ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz)
        data = draw.numbers(*dims).astype(element)
        if draw.chance(0.3):
            block, scales[axis] = 0, 1
        for i in range(rank):
            if i != axis and draw.chance(0.3):
                scales[i] = 1
    else:
        element = getattr(ml_dtypes, kind)
        low, high = (-8, 8) if kind == "int4" else (0, 16)
        data = draw.rng.integers(low, high, dims).astype(element)
        zeros = draw.maybe(draw.rng.integers(low, high, scales).astype(element))
    extent = dims[gather]
    outside = draw.chance(0.2)
    indices = draw.rng.integers(-extent - outside, extent + outside, [draw(0, 4) for _ in range(draw(0, 2))])
    dtype = draw.pick(F32, F32, F16)
    attributes = {"block_size": block, "bits": bits, "gather_axis": draw.pick(gather, gather - rank), "quantize_axis": draw.pick(axis, axis - rank)}
    inputs = [data, np.asarray(indices).astype(draw.pick(I32, I64)), draw.scale(0.01, 0.1, *scales).astype(dtype), zeros]
    return Case("GatherBlockQuantized", inputs, attributes, Numbers(1e-6), [dtype], frozenset({0, 3}) | draw.constants(2))


# --- normalisations


@generator
def skip_normalization(draw):
    op = draw.pick("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
    shape = [draw(1, 3), draw(1, 5), draw(1, 40)]
    skip = draw.pick(shape, shape, [1, *shape[1:]], shape[1:])
    dtype = draw.pick(F32, F32, F16)
    width = shape[-1]
    make = lambda *dims: draw.numbers(*dims, dtype=dtype)
    inputs = [make(*shape), make(*skip), make(width)]
    if op == "SkipLayerNormalization":
        inputs.append(draw.maybe(make(width)))
    inputs.append(draw.maybe(make(width)))
    attributes = {"epsilon": 1e-5} if draw.chance() else {}
    outputs = draw.pick([dtype], [dtype, None, None, dtype])
    return Case(op, inputs, attributes, Numbers(2e-5), outputs, draw.constants(2, 3, 4))


@generator
def embed_layer_normalization(draw):
    batch, length, width = draw(1, 3), draw(1, 6), draw(1, 30)
    words, positions, segments = draw(2, 20), length + draw(0, 3), draw(1, 3)
    has_segments = draw.chance()
    ids = lambda high, *shape: draw.rng.integers(0, high, shape).astype(I32)
    mask = (np.arange(length)[None] < draw.rng.integers(0, length + 1, (batch, 1))).astype(I32)
    mask = draw.maybe(mask)
    inputs = [ids(words, batch, length), ids(segments, batch, length) if has_segments else None, draw.numbers(words, width),
              draw.numbers(positions, width), draw.numbers(segments, width) if has_segments else None, draw.numbers(width), draw.numbers(width),
              mask, draw.maybe(ids(positions, draw.pick(1, batch), length), 0.4)]
    outputs = draw.pick([F32, I32], [F32, I32, F32])
    return Case("EmbedLayerNormalization", inputs, {"epsilon": 1e-6}, Numbers(2e-5), outputs, draw.constants(2, 3, 4, 5, 6))


# --- attention


def mask_index(draw, batch, rows, keys, unidirectional):
    """A mask that leaves every query a key: next to -10000, scores have three decimals."""
    kind = draw.pick("none", "none", "ends", "ends and starts", "keys", "rows")
    if kind == "none":
        return None
    if kind == "ends":
        return draw.rng.integers(1, keys + 1, batch).astype(I32)
    if kind == "ends and starts":
        start = np.zeros(batch, I64) if unidirectional else draw.rng.integers(0, keys, batch)
        return np.concatenate([start + 1 + draw.rng.integers(0, keys - start), start]).astype(I32)
    shape = (batch, keys) if kind == "keys" else (batch, rows, keys)
    mask = (draw.rng.random(shape) < 0.7).astype(I32)
    mask[..., 0] = 1
    return mask


def self_attention(draw):
    """Extents, attributes, mask and past that Attention and QAttention share."""
    batch, rows, heads, size, depth = draw(1, 3), draw(1, 7), draw(1, 4), draw(1, 9), draw(1, 30)
    past_rows = draw(0, 5) if draw.chance(0.4) else None
    keys = rows + (past_rows or 0)
    attributes = {"num_heads": heads}
    if draw.chance(0.4):
        attributes["unidirectional"] = 1
    if draw.chance(0.3):
        attributes["scale"] = float(draw.rng.uniform(0.1, 0.6))
    if draw.chance(0.3):
        attributes["mask_filter_value"] = -50000.0
    mask = mask_index(draw, batch, rows, keys, "unidirectional" in attributes)
    past = None if past_rows is None else draw.numbers(2, batch, heads, past_rows, size)
    return batch, rows, heads, size, depth, keys, attributes, mask, past


@generator
def attention(draw):
    batch, rows, heads, size, depth, keys, attributes, mask, past = self_attention(draw)
    value = size
    if past is None and draw.chance(0.3):
        value = draw(1, 9)
        attributes["qkv_hidden_sizes"] = [heads * size, heads * size, heads * value]
    width = heads * (2 * size + value)
    bias = draw.numbers(draw.pick(1, batch), draw.pick(1, heads), rows, keys) if draw.chance(0.3) else None
    inputs = [draw.numbers(batch, rows, depth), draw.numbers(depth, width, scale=0.3), draw.maybe(draw.numbers(width), 0.8), mask, past, bias]
    outputs = [F32, F32] if past is not None else [F32]
    return Case("Attention", inputs, attributes, Numbers(3e-5), outputs, draw.constants(1, 2, 3))


@generator
def qattention(draw):
    batch, rows, heads, size, depth, keys, attributes, mask, past = self_attention(draw)
    width = 3 * heads * size
    w_type = draw.pick(U8, I8)
    lines = (width,) if draw.chance() else ()
    zeros = (width,) if lines and draw.chance() else ()
    inputs = [draw.codes(U8, batch, rows, depth), draw.codes(w_type, depth, width), draw.numbers(width), draw.single(draw.scale(0.01, 0.02)),
              draw.scale(0.002, 0.01, *lines), mask, draw.maybe(draw.single(draw.zero(U8))), draw.maybe(draw.zero(w_type, *zeros)), past]
    outputs = draw.pick([F32], [F32, F32]) if past is None else [F32, F32]
    return Case("QAttention", inputs, attributes, Numbers(3e-5), outputs, draw.constants(1, 2, 3, 4, 5, 6, 7))


@generator
def multi_head_attention(draw):
    batch, rows, heads, size = draw(1, 3), draw(1, 7), draw(1, 4), draw(1, 9)
    value, hidden = draw.pick(size, draw(1, 9)), heads * size
    keys = draw.pick(rows, draw(1, 8))
    form = draw.pick("apart", "apart", "packed", "pairs", "by head")
    attributes = {"num_heads": heads}
    unidirectional = draw.chance(0.3)
    if draw.chance(0.3):
        attributes["scale"] = float(draw.rng.uniform(0.1, 0.6))
    past = None
    if form == "packed":
        keys, value = rows, size
        first = [draw.numbers(batch, rows, heads, 3, size), None, None]
    elif form == "pairs":
        value = size
        first = [draw.numbers(batch, rows, hidden), draw.numbers(batch, keys, heads, 2, size), None]
    elif form == "by head":
        value = size
        first = [draw.numbers(batch, rows, hidden), draw.numbers(batch, heads, keys, size), draw.numbers(batch, heads, keys, size)]
    else:
        first = [draw.numbers(batch, rows, hidden), draw.numbers(batch, keys, hidden), draw.numbers(batch, keys, heads * value)]
        if draw.chance(0.4):
            keys, value = rows, size
            first = [draw.numbers(batch, rows, hidden) for _ in range(3)]
            past = draw(0, 5)
    # With more keys than queries, ONNX Runtime lets the last query attend to all of them, against "each token can only attend to
    # previous tokens".
    if unidirectional and keys <= rows:
        attributes["unidirectional"] = 1
    bias = draw.numbers(2 * hidden + heads * value) if form not in ("pairs",) and draw.chance(0.5) else None
    total = keys + (past or 0)
    mask = draw.pick(None, None, "ends", "keys", "rows")
    if mask == "ends":
        mask = draw.rng.integers(1, total + 1, batch).astype(I32)
    elif mask is not None:
        shape = (batch, total) if mask == "keys" else (batch, rows, total)
        mask = (draw.rng.random(shape) < 0.7).astype(I32)
        mask[..., 0] = 1
    addend = draw.numbers(draw.pick(1, batch), draw.pick(1, heads), rows, total) if draw.chance(0.3) else None
    caches = [None, None] if past is None else [draw.numbers(batch, heads, past, size) for _ in range(2)]
    outputs = [F32] if past is None else [F32, F32, F32]
    rest = [bias, mask, addend, *caches]
    # ONNX Runtime has the packed forms on GPUs only.
    rewritten = None
    if form == "packed":
        rewritten = [*(np.ascontiguousarray(first[0][:, :, :, part]).reshape(batch, rows, hidden) for part in range(3)), *rest]
    if form == "pairs":
        rewritten = [first[0], *(np.ascontiguousarray(first[1][:, :, :, part]).reshape(batch, keys, hidden) for part in range(2)), *rest]
    return Case("MultiHeadAttention", [*first, *rest], attributes, Numbers(3e-5), outputs, draw.constants(3), rewritten)


@generator
def group_query_attention(draw):
    batch, kv_heads, group, size = draw(1, 3), draw(1, 3), draw(1, 3), 8 * draw(1, 2)
    heads = kv_heads * group
    prompt = draw.chance()
    rows = draw(1, 7) if prompt or batch == 1 else 1
    past = 0 if prompt else draw(1, 6)
    total = rows + past
    attributes = {"num_heads": heads, "kv_num_heads": kv_heads}
    if draw.chance(0.3):
        attributes["scale"] = float(draw.rng.uniform(0.1, 0.6))
    if draw.chance(0.3):
        attributes["local_window_size"] = draw(1, 6)
    if draw.chance(0.2):
        attributes["softcap"] = 5.0
    if draw.chance(0.2):
        attributes["smooth_softmax"] = 1
    if draw.chance(0.3):
        first = [draw.numbers(batch, rows, (heads + 2 * kv_heads) * size), None, None]
    else:
        first = [draw.numbers(batch, rows, n * size) for n in (heads, kv_heads, kv_heads)]
    rotary = draw.chance()
    caches = [None, None]
    if rotary:
        attributes["do_rotary"] = 1
        attributes["rotary_interleaved"] = draw(0, 1)
        angles = draw.rng.uniform(0, 6, (total + draw(0, 4), size // 2))
        caches = [np.cos(angles).astype(F32), np.sin(angles).astype(F32)]
    lengths = np.full(batch, total - 1, I32)
    inputs = [*first, draw.numbers(batch, kv_heads, past, size), draw.numbers(batch, kv_heads, past, size), lengths, np.asarray(total, I32), *caches]
    if draw.chance(0.3):
        inputs += [None] * (10 - len(inputs)) + [draw.numbers(draw.pick(1, batch), draw.pick(1, heads), rows, total)]
    return Case("GroupQueryAttention", inputs, attributes, Numbers(3e-5), [F32, F32, F32], draw.constants(7, 8))


@generator
def rotary_embedding(draw):
    batch, rows, heads, size = draw(1, 3), draw(1, 6), draw(1, 4), 8 * draw(1, 3)
    attributes = {"interleaved": draw(0, 1)}
    width = size
    shape = (batch, heads, rows, size)
    if draw.chance():
        shape = (batch, rows, heads * size)
    if draw.chance(0.4):
        width = draw.pick(size, size // 2)
        attributes |= {"rotary_embedding_dim": width, "num_heads": heads}
    longest = rows + draw(0, 5)
    angles = draw.rng.uniform(0, 6, (longest, width // 2))
    if len(shape) == 3 and "num_heads" not in attributes and draw.chance():
        attributes["num_heads"] = heads
    positions = np.asarray([draw(0, longest - rows)], I64) if draw.chance() else draw.rng.integers(0, longest, (batch, rows))
    inputs = [draw.numbers(*shape), positions, np.cos(angles).astype(F32), np.sin(angles).astype(F32)]
    return Case("RotaryEmbedding", inputs, attributes, Numbers(), [F32], draw.constants(2, 3))


# --- recurrence


@generator
def dynamic_quantize_lstm(draw):
    steps, batch, depth, hidden = draw.pick(1, draw(1, 6)), draw(1, 4), draw(1, 30), draw(1, 20)
    direction = draw.pick("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    attributes = {"hidden_size": hidden, "direction": direction}
    if draw.chance(0.2):
        attributes["input_forget"] = 1
    initial_c = draw.maybe(draw.numbers(directions, batch, hidden, scale=0.3), 0.4)
    # ONNX Runtime leaves the cell as it is before the last activation, against "applied to the input of activations": here it stays
    # below the bound.
    if draw.chance(0.4) and (steps == 1 or draw.chance(0.3)):
        attributes["clip"] = 0.8 if steps == 1 and initial_c is None else 20.0
    if draw.chance(0.3):
        attributes["activations"] = [draw.pick("Sigmoid", "HardSigmoid"), draw.pick("Tanh", "Relu", "Softsign"), draw.pick("Tanh", "Relu")] * directions
    width = 4 * hidden
    scales, zeros, weights = [], [], []
    dtype = draw.pick(U8, I8)
    for depth_or_hidden in (depth, hidden):
        lines = (directions, width) if draw.chance() else (directions,)
        weights.append(draw.codes(dtype, directions, depth_or_hidden, width))
        scales.append(draw.scale(0.001, 0.004, *lines))
        zeros.append(np.zeros(lines, I8) if dtype == I8 else np.full(lines, 128 + draw(-5, 5), U8))
    lengths = draw.rng.integers(1, steps + 1, batch).astype(I32) if draw.chance(0.4) else None
    inputs = [draw.numbers(steps, batch, depth), *weights, draw.maybe(draw.numbers(directions, 2 * width, scale=0.3)), lengths,
              draw.maybe(draw.numbers(directions, batch, hidden, scale=0.3), 0.4), initial_c,
              draw.maybe(draw.numbers(directions, 3 * hidden, scale=0.3), 0.3), scales[0], zeros[0], scales[1], zeros[1]]
    outputs = draw.pick([F32], [F32, F32, F32], [F32, F32])
    # A hidden state that rounds to another code changes its share of a sum by a step of the weights' scale.
    return Case("DynamicQuantizeLSTM", inputs, attributes, Numbers(5e-3), outputs, frozenset({1, 2}) | draw.constants(3, 8, 9, 10, 11))


@generator
def causal_conv_with_state(draw):
    batch, channels, length, kernel = draw(1, 3), draw(1, 9), draw(1, 12), draw(2, 5)
    inputs = [draw.numbers(batch, channels, length), draw.numbers(channels, 1, kernel), draw.maybe(draw.numbers(channels)),
              draw.maybe(draw.numbers(batch, channels, kernel - 1))]
    attributes = {"activation": draw.pick("silu", "swish", "none")} if draw.chance() else {}
    return Case("CausalConvWithState", inputs, attributes, Numbers(), [F32, F32], draw.constants(1, 2))
