"""What models of attention and recurrent states have beside it."""

import numpy as np
from harness import Case, Numbers

from .draw import F32, I32, I64, generator


@generator
def decoder_masked_attention(draw):
    heads, size, beams = draw(1, 3), draw.pick(4, 8, 16), draw.pick(1, 1, 2, 3)
    batch = beams * draw(1, 2)
    hidden = heads * size
    attributes = {"num_heads": heads}
    if draw.chance():
        attributes["scale"] = float(draw.rng.uniform(0.1, 1))
    if draw.chance():
        attributes["mask_filter_value"] = float(-draw.rng.uniform(1, 20))
    query = draw.numbers(batch, 1, hidden)
    bias = draw.maybe(draw.numbers(3 * hidden), 0.4)
    if draw.chance(0.3):
        keys = draw(1, 9)
        mask = draw.maybe((draw.rng.random((batch, keys)) < 0.7).astype(I32))
        scores = draw.chance(0.4)
        attributes |= {"output_qk": 1} if scores else {}
        inputs = [query, draw.numbers(batch, heads, keys, size), draw.numbers(batch, heads, keys, size), mask]
        return Case("DecoderMaskedMultiHeadAttention", inputs, attributes, Numbers(2e-5), [F32, None, None, F32] if scores else [F32])
    room = draw(1, 12)
    past = draw(0, room - 1)
    attributes["past_present_share_buffer"] = 1
    mask = draw.maybe((draw.rng.random((batch, past + 1)) < 0.7).astype(I32))
    # An addend for each batch entry that all heads share is read there as if each head had one, and beams have none of their own.
    added = draw.maybe(draw.numbers(*draw.pick((1, 1), (1, heads), (batch, heads) if beams == 1 else (1, 1)), 1, past + 1), 0.3)
    table = draw.rng.integers(0, beams, (batch // beams, beams, room)).astype(I32) if beams > 1 else None
    scores = draw.chance(0.4)
    attributes |= {"output_qk": 1} if scores else {}
    inputs = [query, draw.numbers(batch, 1, hidden), draw.numbers(batch, 1, hidden), mask, added, draw.numbers(batch, heads, room, size),
              draw.numbers(batch, heads, room, size), np.asarray([past], I32), np.asarray([beams], I32) if beams > 1 else None, table, bias]
    return Case("DecoderMaskedMultiHeadAttention", inputs, attributes, Numbers(2e-5), [F32, F32, F32, F32] if scores else [F32, F32, F32])


@generator
def mrotary_embedding(draw):
    batch, rows, heads, pairs = draw(1, 3), draw(1, 6), draw(1, 3), draw(1, 9)
    cuts = np.sort(draw.rng.integers(0, pairs + 1, 2))
    sections = [int(cuts[0]), int(cuts[1] - cuts[0]), int(pairs - cuts[1])]
    attributes = {"mrope_section": sections, "mrope_layout": draw(0, 1), "interleaved": draw(0, 1)}
    size = 2 * pairs
    if draw.chance(0.3):
        size += 2 * draw(1, 4)
        attributes |= {"rotary_embedding_dim": 2 * pairs, "num_heads": heads}
    flat = draw.chance()
    attributes |= {"num_heads": heads} if flat else {}
    x = draw.numbers(batch, rows, heads * size) if flat else draw.numbers(batch, heads, rows, size)
    places = draw.rng.integers(0, 20, (3, batch, rows)).astype(I64)
    angles = draw.rng.uniform(-3, 3, (20, pairs))
    return Case("MRotaryEmbedding", [x, places, np.cos(angles).astype(F32), np.sin(angles).astype(F32)], attributes, Numbers(1e-6), [F32],
                draw.constants(2, 3))


@generator
def gated_norms(draw):
    width, groups = draw(1, 40), draw(1, 3)
    lead = [draw(1, 4) for _ in range(draw(0, 2))]
    epsilon = {} if draw.chance() else {"epsilon": float(draw.rng.uniform(1e-6, 1e-1))}
    if draw.chance():
        x = draw.numbers(*lead, groups * width)
        attributes = epsilon | ({"activation": draw.pick("silu", "swish", "sigmoid")} if draw.chance() else {})
        return Case("GatedRMSNorm", [x, draw.numbers(width), draw.numbers(*x.shape)], attributes, Numbers(1e-5), [F32], draw.constants(1))
    flat = draw.chance()
    x = draw.numbers(*lead, groups * width) if flat else draw.numbers(*lead, groups, width)
    scale = draw.maybe(draw.numbers(*draw.pick((width,), (groups, width), (groups * width,))), 0.8)
    attributes = epsilon | ({"num_branches": groups} if flat else {})
    return Case("BranchwiseRMSNorm", [x, scale], attributes, Numbers(1e-5), [F32], draw.constants(1))


@generator
def gates(draw):
    shape = [draw(1, 3), draw(1, 4), draw(1, 9)]
    kind = draw(0, 2)
    if kind == 0:
        b = draw.maybe(draw.numbers(*shape))
        inputs = [draw.numbers(*shape, scale=4), draw.numbers(shape[-1]), draw.numbers(shape[-1]), b]
        return Case("LinearAttentionGate", inputs, {}, Numbers(1e-6, 1), [F32] if b is None else [F32, F32], draw.constants(1, 2))
    if kind == 1:
        attributes = {"alpha": float(draw.rng.uniform(0.5, 2))} if draw.chance() else {}
        scale = draw.maybe(np.asarray(draw.rng.uniform(0.5, 2), draw.pick(F32, np.float16)), 0.4)
        return Case("ScaledSiLU", [draw.numbers(*shape, scale=3), scale], attributes, Numbers(1e-6, 1), [F32], draw.constants(1))
    return Case("GatedAdd", [draw.numbers(*shape), draw.numbers(*shape), draw.numbers(*shape[:-1], 1)], {}, Numbers(), [F32])


def heads_and_sizes(draw):
    key_heads, repeats = draw(1, 3), draw(1, 3)
    return key_heads, key_heads * repeats, draw(1, 9), draw(1, 9)


@generator
def linear_attention(draw):
    key_heads, heads, size, value_size = heads_and_sizes(draw)
    queries = draw.pick(heads * draw(1, 2), key_heads)
    batch, steps = draw(1, 2), draw(1, 6)
    rule = draw.pick("linear", "gated", "delta", "gated_delta")
    decay = -draw.rng.uniform(0, 1, (batch, steps, heads * draw.pick(1, size))).astype(F32) if "gated" in rule else None
    beta = draw.rng.uniform(0, 1, (batch, steps, draw.pick(1, heads))).astype(F32) if "delta" in rule else None
    attributes = {"q_num_heads": queries, "kv_num_heads": heads, "update_rule": rule} | ({"scale": 0.5} if draw.chance() else {})
    inputs = [draw.numbers(batch, steps, queries * size), draw.numbers(batch, steps, key_heads * size, scale=0.4),
              draw.numbers(batch, steps, heads * value_size), draw.maybe(draw.numbers(batch, heads, size, value_size)), decay, beta]
    return Case("LinearAttention", inputs, attributes, Numbers(2e-5), [F32, F32])


@generator
def gated_delta_net(draw):
    key_heads, heads, size, value_size = heads_and_sizes(draw)
    rule = draw.pick("linear", "gated", "delta", "gated_delta")
    lengths = [draw(1, 5) for _ in range(draw(1, 3))]
    ragged = draw.chance()
    if not ragged:
        lengths = lengths[:1] * len(lengths)
    tokens, sequences = sum(lengths), len(lengths)
    lead = [tokens]
    packed = draw.chance(0.3)
    if not ragged and not packed and draw.chance():
        lead = [sequences, lengths[0]]
    state = draw.numbers(sequences, heads, value_size, size)
    if ragged and not packed:
        state = draw.maybe(state)
    q, k, v = draw.numbers(*lead, key_heads, size), draw.numbers(*lead, key_heads, size, scale=0.4), draw.numbers(*lead, heads, value_size)
    if packed:
        q, k, v = np.concatenate([part.reshape(tokens, -1) for part in (q, k, v)], -1), None, None
    gate = draw.pick("none", "softplus", "sigmoid", "qwen", "kda")
    width = draw.pick((), (size,))
    decay = -draw.rng.uniform(0, 1, (*lead, heads, *width)).astype(F32) if "gated" in rule else None
    beta = draw.rng.uniform(0, 1, (*lead, heads)).astype(F32) if "delta" in rule else None
    attributes = {"update_rule": rule, "qk_l2_norm": draw(0, 1)}
    logarithm = bias = None
    if decay is not None and gate != "none":
        attributes["gate_activation"] = gate
        logarithm, bias = draw.numbers(heads), draw.numbers(heads, *(width if draw.chance() else ()))
    if beta is not None and draw.chance():
        attributes["beta_activation"] = "sigmoid"
    if draw.chance():
        attributes["scale"] = 0.5
    ends = np.cumsum([0, *lengths]).astype(I32) if ragged else None
    # Of functions of the gate it has fewer digits: 3e-4 from sums in float64 that Pinion is 1e-7 from.
    bound = Numbers(1e-3 if gate != "none" else 5e-5)
    return Case("GatedDeltaNet", [q, k, v, ends, decay, beta, state, logarithm, bias], attributes, bound, [F32, F32])
