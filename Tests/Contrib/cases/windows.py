"""Pooling and convolution."""

import numpy as np
from harness import Case, Codes, Numbers

from .draw import F32, I8, I32, U8, generator, quantized


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
