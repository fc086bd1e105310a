"""What carries a state from step to step."""

import numpy as np
from harness import Case, Numbers

from .draw import F32, I8, I32, U8, generator


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
