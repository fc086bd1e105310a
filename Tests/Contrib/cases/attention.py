"""Normalization, embedding and attention."""

import numpy as np
from harness import Case, Numbers

from .draw import F16, F32, I8, I32, I64, U8, generator


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


@generator
def quantized_embed_layer_normalization(draw):
    batch, length, width, dtype = draw(1, 3), draw(1, 6), draw(1, 30), draw.pick(U8, I8)
    words, positions, segments = draw(2, 20), length + draw(0, 3), draw(1, 3)
    ids = lambda high: draw.rng.integers(0, high, (batch, length)).astype(I32)
    mask = draw.maybe((np.arange(length)[None] < draw.rng.integers(0, length + 1, (batch, 1))).astype(I32))
    tables = [draw.codes(dtype, *shape) for shape in ((words, width), (positions, width), (segments, width), (width,), (width,))]
    scales, zeros = [draw.single(draw.scale()) for _ in tables], [draw.single(draw.zero(dtype)) for _ in tables]
    segment_ids = ids(segments)
    if draw.chance():
        segment_ids = tables[2] = scales[2] = zeros[2] = None
    inputs = [ids(words), segment_ids, *tables, mask, *scales, *zeros]
    return Case("QEmbedLayerNormalization", inputs, {"epsilon": 1e-6}, Numbers(2e-5), [F32, I32], draw.constants(*range(2, 7), *range(8, 18)))


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
