"""Products, and rows of quantized tables."""

import ml_dtypes
import numpy as np
from harness import Case, Codes, Numbers

from .draw import F16, F32, I8, I32, I64, U8, generator


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
def matmul_bnb4(draw):
    m, k, n, block = draw(1, 9), draw(1, 150), draw(1, 40), draw.pick(16, 32, 64, 128)
    inputs = [draw.numbers(*[draw(1, 2) for _ in range(draw(0, 1))], m, k), draw.codes(U8, (n * k + 1) // 2), draw.scale(0.01, 1, -(-n * k // block))]
    return Case("MatMulBnb4", inputs, {"K": k, "N": n, "block_size": block, "quant_type": draw(0, 1)}, Numbers(2e-5), [F32], draw.constants(1, 2))


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
