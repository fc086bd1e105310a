"""Random forms of Resize against the reference evaluator of the onnx package."""
import numpy as np
import onnx
import pytest
from conftest import tensor
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import pinion

TRANSFORMATIONS = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def counts_agree(extents, scales):
    """ONNX does not say in which precision floor(extent * scale) is taken; its shape inference takes float, its evaluator double."""
    return all(int(np.float32(e) * np.float32(s)) == int(e * float(np.float32(s))) > 0 for e, s in zip(extents, scales))


def form(random):
    rank = int(random.integers(1, 5))
    shape = [int(e) for e in random.integers(1, 7, rank)]
    mode, transformation = str(random.choice(["nearest", "linear", "cubic"])), str(random.choice(TRANSFORMATIONS))
    attributes = {"mode": mode, "coordinate_transformation_mode": transformation}
    if mode == "nearest":
        attributes["nearest_mode"] = str(random.choice(ROUNDINGS))
    elif random.random() < 0.3:
        attributes["antialias"] = 1
    # Where an axis of one element has all its taps outside, the evaluator divides by 0.
    if mode != "nearest" and min(shape) > 1 and random.random() < 0.3:
        attributes["exclude_outside"] = 1
    if mode == "cubic":
        attributes["cubic_coeff_a"] = float(random.choice([-0.5, -0.75, -1]))
    axes = list(range(rank))
    if random.random() < 0.4:
        axes = sorted(int(a) for a in random.permutation(rank)[: random.integers(1, rank + 1)])
        attributes["axes"] = axes
    count, inputs, constants = len(axes), ["x", "", "", ""], []
    if transformation == "tf_crop_and_resize":
        attributes["extrapolation_value"] = 7.5
        # Drawn so that no place falls on an edge, where rounding decides between inside and outside.
        start = random.uniform(-0.3, 0.6, count)
        region = np.concatenate([start, start + random.uniform(0.2, 1.2, count)]).astype(np.float32)
        inputs[1] = "roi"
        constants.append(helper.make_tensor("roi", TensorProto.FLOAT, [2 * count], region))
    if random.random() < 0.5:
        scales = random.uniform(0.3, 3, count).round(2)
        while not counts_agree([shape[a] for a in axes], scales):
            scales = random.uniform(1, 3, count).round(2)
        inputs[2] = "scales"
        constants.append(helper.make_tensor("scales", TensorProto.FLOAT, [count], scales.astype(np.float32)))
    else:
        inputs[3] = "sizes"
        constants.append(helper.make_tensor("sizes", TensorProto.INT64, [count], random.integers(1, 10, count)))
        if random.random() < 0.3:
            attributes["keep_aspect_ratio_policy"] = str(random.choice(["not_larger", "not_smaller"]))
    node = helper.make_node("Resize", inputs, ["y"], **attributes)
    graph = helper.make_graph([node], "g", [tensor("x", TensorProto.FLOAT, shape)], [tensor("y", TensorProto.FLOAT, None)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), shape


@pytest.mark.parametrize("seed", range(8))
def test_forms(seed):
    random = np.random.default_rng(seed)
    for _ in range(75):
        made, shape = form(random)
        feed = {"x": random.normal(size=shape).astype(np.float32)}
        with np.errstate(all="ignore"):
            expected = ReferenceEvaluator(made).run(None, feed)[0]
        found = np.asarray(pinion.Session(made.SerializeToString()).run(feed)[0])
        text = onnx.printer.to_text(made)
        assert found.shape == expected.shape, text
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4, err_msg=text)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_a_scale_that_is_slightly_more_in_double_precision(mode):
    """One element of the result takes the place 0 with pytorch_half_pixel; 0.2 as a float is more than 0.2, and 5 times as much is 1."""
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], mode=mode, coordinate_transformation_mode="pytorch_half_pixel")
    scales = helper.make_tensor("s", TensorProto.FLOAT, [1], [0.2])
    graph = helper.make_graph([node], "g", [tensor("x", TensorProto.FLOAT, [5])], [tensor("y", TensorProto.FLOAT, [1])], [scales])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    (y,) = pinion.Session(made.SerializeToString()).run({"x": np.array([3, 5, 7, 9, 11], np.float32)})
    np.testing.assert_array_equal(y, [3])
