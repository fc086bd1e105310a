"""Mixtures of experts and their router."""

import numpy as np
from harness import Case, Numbers

from .draw import F32, U8, generator


def activation(draw):
    kind = draw.pick("relu", "gelu", "silu", "swiglu", "identity")
    attributes = {"activation_type": kind, "normalize_routing_weights": draw(0, 1)}
    if kind == "swiglu":
        # The other layouts are not those of its CPU kernel.
        attributes["swiglu_fusion"] = 1
        if draw.chance():
            attributes |= {"activation_alpha": float(draw.rng.uniform(0.5, 2)), "activation_beta": float(draw.rng.uniform(-1, 1))}
        if draw.chance():
            attributes["swiglu_limit"] = float(draw.rng.uniform(0.5, 3))
    return attributes, 2 if kind == "swiglu" else 1


@generator
def moe(draw):
    attributes, width = activation(draw)
    tokens, hidden, inner, experts = draw(1, 90) if draw.chance(0.3) else draw(1, 8), draw(1, 70), draw(1, 60), draw(1, 7)
    attributes["k"] = draw(1, experts)
    lead = (1, tokens) if draw.chance() else (tokens,)
    inputs = [draw.numbers(*lead, hidden), draw.numbers(tokens, experts), draw.numbers(experts, inner * width, hidden),
              draw.maybe(draw.numbers(experts, inner * width)), draw.numbers(experts, hidden, inner), draw.maybe(draw.numbers(experts, hidden))]
    return Case("MoE", inputs, attributes, Numbers(2e-5), [F32], draw.constants(2, 3, 4, 5))


def packed(codes, bits):
    """Codes in bytes, the first in the low bits, each row from a byte of its own."""
    per = 8 // bits
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % per)]).reshape(*codes.shape[:-1], -1, per)
    return sum(codes[..., place] << (place * bits) for place in range(per)).astype(U8)


def expert_weights(draw, experts, rows, depth, bits, block):
    blocks = depth // block if block else 1
    codes = draw.rng.integers(0, 1 << bits, (experts, rows, depth))
    points = draw.rng.integers(0, 1 << bits, (experts, rows, blocks))
    scales = draw.scale(0.01, 0.1, experts, rows, blocks)
    if not block:
        points, scales = points[..., 0], scales[..., 0]
    return packed(codes, bits), scales, draw.maybe(packed(points, bits))


@generator
def qmoe(draw):
    attributes, width = activation(draw)
    bits, block = draw.pick(2, 4, 8), draw.pick(0, 16, 32)
    tokens, experts = draw(1, 90) if draw.chance(0.3) else draw(1, 8), draw(1, 5)
    hidden, inner = max(block, 16) * draw(1, 3), max(block, 16) * draw(1, 2)
    # It normalises there whether it is asked to or not.
    attributes |= {"k": draw(1, experts), "normalize_routing_weights": 1, "expert_weight_bits": bits, "weights_prepacked": draw.pick(0, -1)}
    if block:
        attributes["block_size"] = block
    if bits != 4:
        # Gates of some hundreds, off by one, are on the other side of the limit.
        attributes.pop("swiglu_limit", None)
    w1, s1, z1 = expert_weights(draw, experts, inner * width, hidden, bits, block)
    w2, s2, z2 = expert_weights(draw, experts, hidden, inner, bits, block)
    # Experts of a weight that is not positive are left out there, whatever its documentation says.
    routing = draw.maybe(draw.rng.uniform(0.1, 1, (tokens, experts)).astype(F32), 0.3)
    inputs = [draw.numbers(tokens, hidden), draw.numbers(tokens, experts), w1, s1, draw.maybe(draw.numbers(experts, inner * width)), w2, s2,
              draw.maybe(draw.numbers(experts, hidden)), None, None, None, z1, z2, None, routing]
    # Activations have 8 bits there beside weights of 8 bits, and of 2 in blocks of 32.
    return Case("QMoE", inputs, attributes, Numbers(5e-5 if bits == 4 else 2e-2), [F32], draw.constants(2, 3, 4, 5, 6, 7, 11, 12))


@generator
def moe_group_router(draw):
    groups, size = draw(1, 5), draw(1, 6)
    experts = groups * size
    lead = (draw(1, 4), draw(1, 5)) if draw.chance(0.3) else (draw(1, 9),)
    logits, bias = draw.numbers(*lead, experts), draw.numbers(experts)
    top_groups = draw(1, groups)
    attributes = {"top_k": draw(1, top_groups * size), "n_group": groups, "topk_group": top_groups, "group_topk": draw(1, size + 1)}
    if draw.chance(0.3):
        return Case("MoEGroupRouter", [logits, bias], {"top_k": draw(1, experts)}, Numbers(1e-6, 1), [None, F32, F32])
    return Case("MoEGroupRouter", [logits, bias], attributes, Numbers(1e-6, 1), [F32])
