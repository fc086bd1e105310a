"""Small models that ONNX Runtime's quantisers and optimiser wrote, against ONNX Runtime."""

import warnings

import harness
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import pinion

quantization = pytest.importorskip("onnxruntime.quantization")
RNG = np.random.default_rng(11)


def weight(name, *shape, scale=0.3):
    return numpy_helper.from_array((RNG.normal(size=shape) * scale).astype(np.float32), name)


def model(nodes, inputs, outputs, weights):
    info = lambda pair: helper.make_tensor_value_info(pair[0], TensorProto.FLOAT, pair[1])
    graph = helper.make_graph(nodes, "graph", [info(pair) for pair in inputs], [info(pair) for pair in outputs], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def convolutional():
    n = helper.make_node
    nodes = [
        n("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        n("Relu", ["c1"], ["r1"]),
        n("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        n("Conv", ["p1", "w2"], ["c2"], group=8, pads=[1, 1, 1, 1]),
        n("LeakyRelu", ["c2"], ["l2"], alpha=0.1),
        n("Conv", ["l2", "w3", "b3"], ["c3"]),
        n("Sigmoid", ["c3"], ["s3"]),
        n("Add", ["s3", "p1"], ["a"]),
        n("Mul", ["a", "s3"], ["m"]),
        n("Concat", ["m", "p1"], ["j"], axis=1),
        n("AveragePool", ["j"], ["v"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        n("GlobalAveragePool", ["v"], ["g"]),
        n("Flatten", ["g"], ["f"]),
        n("Gemm", ["f", "w4", "b4"], ["e"], transB=1),
        n("Softmax", ["e"], ["y"], axis=-1),
    ]
    weights = [weight("w1", 8, 3, 3, 3), weight("b1", 8), weight("w2", 8, 1, 3, 3), weight("w3", 8, 8, 1, 1), weight("b3", 8), weight("w4", 5, 16),
               weight("b4", 5)]
    return model(nodes, [("x", [1, 3, 8, 8])], [("y", [1, 5])], weights), {"x": (1, 3, 8, 8)}


def recurrent():
    n = helper.make_node
    nodes = [
        n("LSTM", ["x", "w", "r", "b"], ["h", "", ""], hidden_size=6, direction="bidirectional"),
        n("Transpose", ["h"], ["t"], perm=[0, 2, 1, 3]),
        n("Reshape", ["t", "shape"], ["q"]),
        n("MatMul", ["q", "m"], ["d"]),
        n("Add", ["d", "bias"], ["y"]),
    ]
    weights = [weight("w", 2, 24, 5), weight("r", 2, 24, 6), weight("b", 2, 48), numpy_helper.from_array(np.array([0, 0, 12]), "shape"),
               weight("m", 12, 4), weight("bias", 4)]
    return model(nodes, [("x", [7, 2, 5])], [("y", [7, 2, 4])], weights), {"x": (7, 2, 5)}


def attention():
    made = model(
        [helper.make_node("Attention", ["x", "w", "b"], ["y"], domain="com.microsoft", num_heads=2, unidirectional=1)],
        [("x", [2, 5, 8])], [("y", [2, 5, 8])], [weight("w", 8, 24), weight("b", 24)])
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made, {"x": (2, 5, 8)}


class Calibration(quantization.CalibrationDataReader if hasattr(quantization, "CalibrationDataReader") else object):
    def __init__(self, shapes):
        rng = np.random.default_rng(3)
        self.batches = iter([{name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()} for _ in range(4)])

    def get_next(self):
        return next(self.batches, None)


def operators(path):
    return {(node.domain, node.op_type) for node in onnx.load(path).graph.node}


def check(path, shapes, bound, threads=(1, 2)):
    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = 1
    session.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    oracle = onnxruntime.InferenceSession(path, session, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(5)
    for _ in range(3):
        fed = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        [expected] = oracle.run(None, fed)
        for count in threads:
            [found] = pinion.Session(path, threads=count).run(fed)
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= bound, f"{np.abs(found - expected).max()} > {bound}"


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activation", ["QUInt8", "QInt8"])
def test_static_quantisation(tmp_path, per_channel, activation):
    made, shapes = convolutional()
    source, target = str(tmp_path / "float.onnx"), str(tmp_path / "int8.onnx")
    onnx.save(made, source)
    quantization.quantize_static(
        source, target, Calibration(shapes), quant_format=quantization.QuantFormat.QOperator, per_channel=per_channel,
        activation_type=getattr(quantization.QuantType, activation), weight_type=quantization.QuantType.QInt8)
    assert ("", "QLinearConv") in operators(target) and ("com.microsoft", "QLinearAdd") in operators(target)
    # A code of the output, and one of an intermediate result, may differ by a step, which a softmax does not enlarge.
    check(target, shapes, 2 / 128)
    # What ONNX Runtime itself would run: channels last, its own forms of QLinearConv and MaxPool.
    saved = str(tmp_path / "saved.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = saved
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    onnxruntime.InferenceSession(target, options, providers=["CPUExecutionProvider"])
    if activation == "QUInt8":
        assert ("com.microsoft", "QLinearConv") in operators(saved)
    check(saved, shapes, 2 / 128)


@pytest.mark.parametrize("build", [recurrent, attention])
# onnxruntime's DynamicQuantizeLSTM takes no zero points of columns that differ, as QUInt8 makes them.
@pytest.mark.parametrize("weights, per_channel", [("QInt8", False), ("QInt8", True), ("QUInt8", False)])
def test_dynamic_quantisation(tmp_path, build, per_channel, weights):
    if harness.saturates():
        pytest.skip("onnxruntime's products of codes saturate on this processor")
    made, shapes = build()
    source, target = str(tmp_path / "float.onnx"), str(tmp_path / "int8.onnx")
    onnx.save(made, source)
    quantization.quantize_dynamic(source, target, per_channel=per_channel, weight_type=getattr(quantization.QuantType, weights))
    wanted = "DynamicQuantizeLSTM" if build is recurrent else "QAttention"
    assert ("com.microsoft", wanted) in operators(target)
    # A hidden state on the edge of a code may take either, and moves what follows by a step of the weights.
    check(target, shapes, 5e-3)


def test_optimised_transformer(tmp_path):
    # What the optimiser infers shapes with.
    pytest.importorskip("sympy")
    optimizer = pytest.importorskip("onnxruntime.transformers.optimizer", exc_type=ImportError)
    n = helper.make_node
    nodes = [
        n("MatMul", ["x", "w"], ["m"]), n("Add", ["m", "b"], ["a"]),
        n("Div", ["a", "root"], ["d"]), n("Erf", ["d"], ["e"]), n("Add", ["e", "one"], ["o"]), n("Mul", ["a", "o"], ["u"]), n("Mul", ["u", "half"], ["g"]),
        n("MatMul", ["g", "w2"], ["m2"]), n("Add", ["m2", "b2"], ["a2"]), n("Add", ["a2", "x"], ["s"]),
        n("LayerNormalization", ["s", "gamma", "beta"], ["y"], axis=-1, epsilon=1e-5),
    ]
    scalar = lambda name, value: numpy_helper.from_array(np.float32(value), name)
    weights = [weight("w", 8, 16), weight("b", 16), weight("w2", 16, 8), weight("b2", 8), weight("gamma", 8), weight("beta", 8),
               scalar("root", 2**0.5), scalar("one", 1), scalar("half", 0.5)]
    source, target = str(tmp_path / "float.onnx"), str(tmp_path / "optimised.onnx")
    onnx.save(model(nodes, [("x", [2, 5, 8])], [("y", [2, 5, 8])], weights), source)
    optimizer.optimize_model(source, model_type="bert", num_heads=2, hidden_size=8, opt_level=0).save_model_to_file(target)
    assert any(domain == "com.microsoft" for domain, _ in operators(target))
    check(target, {"x": (2, 5, 8)}, 1e-4)
