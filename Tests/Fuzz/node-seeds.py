"""node-seeds.py FILE: writes models of one node, with inputs that they take, for fuzz-nodes; needs the Python package onnx.

ONNX's own operators come from the cases of its backend tests, all others from the list below. `fuzz-nodes FILE --check` fails
where an operator of the catalog has no seed, so an operator that is new needs a few lines here: every optional input and
every attribute should appear once.
"""
import struct
import sys
import warnings

import ml_dtypes
import numpy as np

warnings.filterwarnings("ignore")
import onnx  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

NAMES = {
    "FLOAT": "float32", "DOUBLE": "float64", "FLOAT8E4M3FN": "float8e4m3fn", "FLOAT8E4M3FNUZ": "float8e4m3fnuz", "FLOAT8E5M2": "float8e5m2",
    "FLOAT8E5M2FNUZ": "float8e5m2fnuz", "FLOAT4E2M1": "float4e2m1", "FLOAT8E8M0": "float8e8m0",
}
LIMIT = 4096


def hexadecimal(data):
    return "x" + bytes(data).hex()


def counted(values):
    values = list(values)
    return " ".join([str(len(values)), *values])


def element_name(element_type):
    name = TensorProto.DataType.Name(element_type)
    return NAMES.get(name, name.lower())


def tensor_text(array, element_type=None):
    array = np.asarray(array)
    if element_type is None:
        element_type = TensorProto.STRING if array.dtype.kind in "OUS" else helper.np_dtype_to_tensor_dtype(array.dtype)
    dims = counted(map(str, array.shape))
    if element_type == TensorProto.STRING:
        texts = [item if isinstance(item, bytes) else str(item).encode() for item in array.reshape(-1).tolist()]
        return f"string {dims} {counted(map(hexadecimal, texts))}"
    array = array.astype(helper.tensor_dtype_to_np_dtype(element_type), copy=False)
    return f"{element_name(element_type)} {dims} {hexadecimal(np.ascontiguousarray(array).tobytes())}"


def proto_tensor(tensor):
    return tensor_text(numpy_helper.to_array(tensor), tensor.data_type)


def attribute_text(attribute):
    kind = attribute.type
    f32 = lambda value: struct.pack(">f", value).hex()  # noqa: E731
    if kind == onnx.AttributeProto.INT:
        return f"int {attribute.i}"
    if kind == onnx.AttributeProto.INTS:
        return "ints " + counted(map(str, attribute.ints))
    if kind == onnx.AttributeProto.FLOAT:
        return "float " + f32(attribute.f)
    if kind == onnx.AttributeProto.FLOATS:
        return "floats " + counted(map(f32, attribute.floats))
    if kind == onnx.AttributeProto.STRING:
        return "string " + hexadecimal(attribute.s)
    if kind == onnx.AttributeProto.STRINGS:
        return "strings " + counted(map(hexadecimal, attribute.strings))
    if kind == onnx.AttributeProto.TENSOR:
        return "tensor " + proto_tensor(attribute.t)
    if kind == onnx.AttributeProto.GRAPH:
        return "graph " + hexadecimal(attribute.g.SerializeToString())
    if kind == onnx.AttributeProto.TYPE_PROTO:
        return "type " + hexadecimal(attribute.tp.SerializeToString())
    return None


def value_text(value):
    if value is None:
        return "none"
    if isinstance(value, dict):
        return f"map {tensor_text(list(value))} {tensor_text(np.array(list(value.values())))}"
    if isinstance(value, (list, tuple)):
        return "sequence " + counted(tensor_text(item) for item in value)
    return "tensor " + tensor_text(value)


def input_text(value, declared=None):
    """A tensor, or another value with the TypeProto that the model declares."""
    if declared is None or declared.WhichOneof("value") == "tensor_type":
        return "tensor " + tensor_text(value, None if declared is None else declared.tensor_type.elem_type)
    return f"other {hexadecimal(declared.SerializeToString())} {value_text(value)}"


def write(file, node, opset, inputs):
    attributes = [(attribute.name, attribute_text(attribute)) for attribute in node.attribute]
    if any(text is None for _, text in attributes):
        return False
    print("node", node.domain or "-", node.op_type, opset, counted("1" if name else "0" for name in node.output), file=file)
    for name, text in attributes:
        print("attribute", name, text, file=file)
    for text in inputs:
        print("input", text, file=file)
    print("end", file=file)
    return True


def onnx_cases(file, most=10):
    """Cases of ONNX's backend tests: for each operator those that use different attributes, inputs and element types first."""
    found = {}
    with np.errstate(all="ignore"):
        cases = collect_testcases(None)
    for case in cases:
        graph = case.model.graph
        if len(graph.node) != 1 or graph.initializer or graph.sparse_initializer or not case.data_sets:
            continue
        node, values = graph.node[0], [numpy_helper.to_array(v) if isinstance(v, TensorProto) else v for v in case.data_sets[0][0]]
        if len(values) != len(graph.input) or sum(np.asarray(value).nbytes for value in values if not isinstance(value, (list, dict, type(None)))) > LIMIT:
            continue
        types = tuple(str(getattr(value, "dtype", type(value))) for value in values)
        form = (tuple(sorted(a.name for a in node.attribute)), types, tuple(bool(n) for n in node.input), len(node.output))
        found.setdefault((node.domain, node.op_type), {}).setdefault(form, []).append((case, node, values))
    count = 0
    for forms in found.values():
        rounds = [group[turn] for turn in range(most) for group in forms.values() if turn < len(group)]
        for case, node, values in rounds[:most]:
            by_name = {info.name: input_text(value, info.type) for info, value in zip(case.model.graph.input, values)}
            versions = {opset.domain: opset.version for opset in case.model.opset_import}
            inputs = ["absent" if not name else by_name[name] for name in node.input]
            count += write(file, node, versions.get(node.domain, 1), inputs)
    return count


random = np.random.RandomState(7)


def f(*dims):
    return random.uniform(-1, 1, dims).astype(np.float32)


def b(*dims, dtype=np.uint8):
    return random.randint(0 if dtype == np.uint8 else -60, 120, dims).astype(dtype)


def i32(*values):
    return np.array(values, np.int32)


def i64(*values):
    return np.array(values, np.int64)


def s(value=0.05):
    return np.array(value, np.float32)


def z(value=3, dtype=np.uint8):
    return np.array(value, dtype)


def tensor_sequence(element_type=TensorProto.FLOAT):
    return helper.make_sequence_type_proto(helper.make_tensor_type_proto(element_type, None))


def map_type(key, value=TensorProto.FLOAT):
    return helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, []))


TREES = dict(
    nodes_treeids=[0, 0, 0, 0, 0], nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[1, 0, 0, 0, 0],
    nodes_modes=["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF"], nodes_values=[0.1, -0.2, 0.0, 0.0, 0.0],
    nodes_truenodeids=[1, 2, 0, 0, 0], nodes_falsenodeids=[4, 3, 0, 0, 0], nodes_missing_value_tracks_true=[0, 1, 0, 0, 0])

MS = "com.microsoft"


def experts():
    router = [f(5, 3), f(5, 4)]
    yield MS, "MoE", 1, [*router, f(4, 6, 3), f(4, 6), f(4, 3, 6), f(4, 3)], dict(k=2, normalize_routing_weights=1, activation_type="gelu", use_sparse_mixer=0)
    yield MS, "MoE", 1, [*router, f(4, 12, 3), None, f(4, 3, 6)], dict(
        activation_type="swiglu", swiglu_fusion=1, activation_alpha=1.5, activation_beta=0.5, swiglu_limit=2.0, swiglu_limit_after_activation=0)
    yield MS, "MoE", 1, [f(1, 5, 3), router[1], f(4, 6, 3), None, f(4, 3, 6), None, f(4, 6, 3), f(4, 6)], dict(activation_type="silu", k=3)
    quantized = [f(5, 32), f(5, 3)]
    yield MS, "QMoE", 1, [*quantized, b(3, 16, 16), f(3, 16, 2), f(3, 16), b(3, 32, 8), f(3, 32, 1), f(3, 32), None, None, None, b(3, 16, 1), b(3, 32, 1)], dict(
        k=2, expert_weight_bits=4, block_size=16, activation_type="silu", weights_prepacked=0, accuracy_level=4, quant_type="int")
    yield MS, "QMoE", 1, [
        *quantized, b(3, 32, 32), f(3, 32), None, b(3, 32, 16), f(3, 32), None, None, None, None, b(3, 32), b(3, 32), None, np.abs(f(5, 3))
    ], dict(k=2, expert_weight_bits=8, activation_type="swiglu", swiglu_fusion=2, normalize_routing_weights=1)
    yield MS, "QMoE", 1, [*quantized, b(3, 16, 8), f(3, 16), None, b(3, 32, 8), f(3, 32), None, b(3, 16, 8), f(3, 16), f(3, 16), None, None, b(3, 4)], dict(
        fc1_expert_weight_bits=2, fc2_expert_weight_bits=4, fc3_expert_weight_bits=2, activation_type="relu")
    yield MS, "MoEGroupRouter", 1, [f(3, 8), f(8)], dict(top_k=2, n_group=4, topk_group=2, group_topk=2, router_sentinel=-5.0)
    yield MS, "MoEGroupRouter", 1, [f(3, 8), f(8)], dict(top_k=2), 3


def hybrids():
    q, cache = [f(4, 1, 8), f(4, 1, 8), f(4, 1, 8)], [f(4, 2, 5, 4), f(4, 2, 5, 4)]
    beams = [i32(2), np.zeros((2, 2, 5), np.int32)]
    yield MS, "DecoderMaskedMultiHeadAttention", 1, [*q, np.ones((4, 4), np.int32), f(1, 2, 1, 4), *cache, i32(3), *beams, f(24)], dict(
        num_heads=2, past_present_share_buffer=1, scale=0.3, mask_filter_value=-5.0, output_qk=1), 4
    yield MS, "DecoderMaskedMultiHeadAttention", 1, [*q, None, None, *cache], dict(num_heads=2), 3
    yield MS, "DecoderMaskedMultiHeadAttention", 1, [f(4, 1, 24), None, None, None, None, *cache, i32(2)], dict(num_heads=2, past_present_share_buffer=1), 3
    yield MS, "DecoderMaskedMultiHeadAttention", 1, [q[0], *cache, np.ones((4, 5), np.int32)], dict(num_heads=2)
    rotary = [np.zeros((3, 2, 3), np.int64), f(10, 3), f(10, 3)]
    yield MS, "MRotaryEmbedding", 1, [f(2, 2, 3, 6), *rotary], dict(mrope_section=[1, 1, 1])
    yield MS, "MRotaryEmbedding", 1, [f(2, 3, 16), *rotary], dict(
        mrope_section=[2, 1, 0], mrope_layout=1, interleaved=1, rotary_embedding_dim=6, num_heads=2, is_packed_batching=0, scale=1.0)
    yield MS, "GatedRMSNorm", 1, [f(2, 8), f(4), f(2, 8)], dict(epsilon=1e-3, activation="sigmoid")
    yield MS, "BranchwiseRMSNorm", 1, [f(2, 2, 4), f(4)], dict(epsilon=1e-3)
    yield MS, "BranchwiseRMSNorm", 1, [f(2, 8), f(2, 4)], dict(num_branches=2)
    yield MS, "LinearAttentionGate", 1, [f(1, 2, 3), f(3), f(3), f(1, 2, 3)], {}, 2
    yield MS, "ScaledSiLU", 1, [f(2, 3), s()], dict(alpha=2.0)
    yield MS, "ScaledSiLU", 1, [f(2, 3)], {}
    yield MS, "GatedAdd", 1, [f(2, 3), f(2, 3), f(2, 1)], {}
    yield MS, "LinearAttention", 1, [f(1, 2, 6), f(1, 2, 6), f(1, 2, 20), f(1, 4, 3, 5), f(1, 2, 4), f(1, 2, 4)], dict(
        q_num_heads=2, kv_num_heads=4, scale=0.5, chunk_size=16, update_rule="gated_delta", state_window=0), 2
    gated = [f(6, 2, 3), f(6, 2, 3), f(6, 4, 5), i32(0, 2, 6), f(6, 4, 3), f(6, 4), f(2, 4, 5, 3), f(4), f(4, 3)]
    yield MS, "GatedDeltaNet", 1, gated, dict(
        gate_activation="softplus", beta_activation="sigmoid", qk_l2_norm=1, scale=0.5, chunk_size=32, update_rule="gated_delta", state_update_capacity=0), 2
    yield MS, "GatedDeltaNet", 1, [f(6, 32), None, None, None, f(6, 4), f(6, 4), f(2, 4, 5, 3), f(4), f(4)], dict(gate_activation="kda", gate_lower_bound=-3.0), 2
    yield MS, "GatedDeltaNet", 1, [f(2, 3, 2, 3), f(2, 3, 2, 3), f(2, 3, 2, 5)], dict(update_rule="linear")


def older_forms():
    for mode in ("bilinear", "nearest", "bicubic"):
        yield MS, "GridSample", 1, [f(1, 2, 4, 5), f(1, 3, 2, 2)], dict(mode=mode, padding_mode="border", align_corners=1)
    yield MS, "Pad", 1, [f(2, 3), np.array([[1, 0, 0, 2]]), s()], dict(mode="constant")
    yield MS, "Pad", 1, [f(2, 3), i64(1, 0, 0, 2)], dict(mode="reflect")
    yield MS, "Trilu", 1, [f(2, 3, 4), np.array(1)], dict(upper=0)
    yield MS, "Range", 1, [np.array(1), np.array(9), np.array(3)], {}
    yield MS, "Range", 1, [s(0.5), s(3.0)], {}
    yield MS, "GatherND", 1, [f(2, 3), np.array([[0, 1], [1, -1]])], {}
    yield MS, "ExpandDims", 1, [f(2, 3), np.array(-2, np.int32)], {}
    yield MS, "Unique", 1, [np.array([2, 1, 1, 3], np.float32)], {}, 3
    yield MS, "UnfoldTensor", 1, [f(3, 7)], dict(dim=1, size=3, step=2)
    yield MS, "DynamicTimeWarping", 1, [f(3, 4)], {}
    yield MS, "NGramRepeatBlock", 1, [np.array([[1, 2, 1, 2, 1]]), f(1, 4)], dict(ngram_size=2)
    yield MS, "MurmurHash3", 1, [i64(1, 2)], dict(positive=0, seed=7)
    yield MS, "MurmurHash3", 1, [np.array(["a", "abcdef"])], dict(positive=1)
    yield MS, "CropAndResize", 1, [f(2, 1, 4, 5), f(3, 4), i32(0, 1, 0), i32(2, 3)], dict(mode="nearest", extrapolation_value=1.0)
    yield MS, "CropAndResize", 1, [f(2, 1, 4, 5), np.abs(f(3, 4)), i32(0, 1, 0), i32(2, 3)], {}
    ids = np.array([[1, 2, 0], [3, 1, 1]], np.int32)
    yield MS, "QEmbedLayerNormalization", 1, [
        ids, ids % 2, b(5, 8), b(4, 8), b(2, 8), b(8), b(8), ids * 0 + 1, s(), s(), s(), s(), s(), z(), z(), z(), z(), z()], dict(epsilon=1e-5), 2
    yield MS, "QEmbedLayerNormalization", 1, [
        ids, None, b(5, 8), b(4, 8), None, b(8), b(8), None, s(), s(), None, s(), s(), z(), z(), None, z(), z()], {}, 2


def microsoft():
    yield MS, "BiasGelu", 1, [f(2, 3, 5), f(5)], {}
    yield MS, "FastGelu", 1, [f(2, 5), f(5)], {}
    yield MS, "FastGelu", 1, [f(2, 5)], {}
    yield MS, "Gelu", 1, [f(2, 5)], {}
    yield MS, "QuickGelu", 1, [f(2, 5)], dict(alpha=1.5)
    for kind in (np.uint8, np.int8):
        for name in ("QLinearAdd", "QLinearMul"):
            yield MS, name, 1, [b(2, 3, dtype=kind), s(), z(3, kind), b(3, dtype=kind), s(0.1), z(1, kind), s(0.2), z(2, kind)], {}
            yield MS, name, 1, [b(2, 3, dtype=kind), s(), None, b(2, 3, dtype=kind), s(0.1), None, s(0.2)], {}
        yield MS, "QLinearSigmoid", 1, [b(2, 3, dtype=kind), s(), z(3, kind), s(0.01), z(1, kind)], {}
        yield MS, "QLinearLeakyRelu", 1, [b(2, 3, dtype=kind), s(), z(3, kind), s(0.1), z(1, kind)], dict(alpha=0.2)
        yield MS, "QLinearLeakyRelu", 1, [b(2, 3, dtype=kind), s(), None, s(0.1)], {}
        for last in (0, 1):
            yield MS, "QLinearGlobalAveragePool", 1, [b(1, 3, 4, 5, dtype=kind), s(), z(3, kind), s(0.1), z(1, kind)], dict(channels_last=last)
            yield MS, "QLinearAveragePool", 1, [b(1, 3, 6, 5, dtype=kind), s(), z(3, kind), s(0.1), z(1, kind)], dict(
                kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], channels_last=last, ceil_mode=1, count_include_pad=last)
        yield MS, "QLinearConcat", 1, [s(), z(3, kind), b(2, 3, dtype=kind), s(0.1), z(1, kind), b(2, 2, dtype=kind), s(0.2), z(2, kind)], dict(axis=1)
        yield MS, "QuantizeLinear", 1, [f(2, 3), s(), z(3, kind)], {}
        yield MS, "QuantizeLinear", 1, [f(2, 3), np.array([0.1, 0.2], np.float32), b(2, dtype=kind)], dict(axis=0)
        yield MS, "DequantizeLinear", 1, [b(2, 3, dtype=kind), s(), z(3, kind)], {}
        yield MS, "DequantizeLinear", 1, [b(2, 3, dtype=kind), np.array([0.1, 0.2], np.float32), b(2, dtype=kind)], dict(axis=0)
        yield MS, "QGemm", 1, [b(3, 4), s(), z(3), b(4, 5, dtype=kind), s(0.1), z(1, kind), np.arange(5, dtype=np.int32), s(0.2), z(2)], dict(alpha=1.5)
        yield MS, "QGemm", 1, [b(4, 3), s(), z(3), b(5, 4, dtype=kind), f(5), b(5, dtype=kind)], dict(transA=1, transB=1)
        yield MS, "MatMulIntegerToFloat", 1, [b(2, 3, 4), b(4, 5, dtype=kind), s(), f(5), z(3), b(5, dtype=kind), f(5)], {}
        yield MS, "MatMulIntegerToFloat", 1, [b(3, 4), b(4, 5, dtype=kind), s(), s(0.1)], {}
        yield MS, "DynamicQuantizeMatMul", 1, [f(2, 3, 4), b(4, 5, dtype=kind), s(0.1), z(1, kind), f(5)], {}
        yield MS, "DynamicQuantizeMatMul", 1, [f(3, 4), b(4, 5, dtype=kind), f(5)], {}
        yield MS, "QLinearWhere", 1, [b(2, 1) > 60, b(2, 3, dtype=kind), s(), z(3, kind), b(3, dtype=kind), s(0.1), z(1, kind), s(0.2), z(2, kind)], {}
        yield MS, "QLinearSoftmax", 1, [b(2, 3, 4, dtype=kind), s(), z(3, kind), s(1 / 128), z(1, kind)], dict(opset=13, axis=1)
        yield MS, "QLinearSoftmax", 1, [b(2, 3, 4, dtype=kind), s(), None, s(1 / 128), z(1, kind)], dict(opset=11)
        yield MS, "NhwcMaxPool", 1, [b(1, 6, 5, 3, dtype=kind)], dict(
            kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], dilations=[1, 2], ceil_mode=1)
        yield MS, "NhwcMaxPool", 1, [b(1, 6, 3, dtype=kind)], dict(kernel_shape=[2], auto_pad="SAME_UPPER")
        for last in (0, 1):
            x = [b(1, 5, 4, 2, dtype=kind), b(1, 2, 5, 4, dtype=kind)][1 - last]
            yield MS, "QLinearConv", 1, [x, s(), z(3, kind), b(3, 2, 2, 3, dtype=kind), s(0.1), z(1, kind), s(0.2), z(2, kind)], dict(
                channels_last=last, pads=[1, 1, 0, 1], strides=[1, 2])
            yield MS, "QLinearConv", 1, [
                x, s(), z(3, kind), b(4, 1, 1, 1, dtype=kind), f(4), b(4, dtype=kind), s(0.2), z(2, kind), np.arange(4, dtype=np.int32)], dict(
                channels_last=last, group=2, kernel_shape=[1, 1], dilations=[1, 1], auto_pad="VALID")
        yield MS, "QLinearConv", 1, [
            b(1, 3, 4, dtype=kind), s(), z(3, kind), b(5, 4, 1, dtype=kind), s(), z(1, kind), s(0.2), z(2, kind), np.arange(5, dtype=np.int32)], dict(
            channels_last=1)
        quantized = [b(2, 3, 8), b(8, 24, dtype=kind), f(24), s(0.02), s(0.01)]
        yield MS, "QAttention", 1, quantized, dict(num_heads=2)
        yield MS, "QAttention", 1, [*quantized[:4], f(24), i32(3, 2), z(3), b(24, dtype=kind), f(2, 2, 2, 4, 4)], dict(
            num_heads=2, unidirectional=1, scale=0.3, mask_filter_value=-100.0), 2
        per_tensor = [f(2), z([1, 2], kind), f(2), z([3, 4], kind)]
        per_column = [f(2, 12), b(2, 12, dtype=kind), f(2, 12), b(2, 12, dtype=kind)]
        lstm = [f(4, 2, 5), b(2, 5, 12, dtype=kind), b(2, 3, 12, dtype=kind)]
        yield MS, "DynamicQuantizeLSTM", 1, [*lstm, f(2, 24), i32(4, 2), f(2, 2, 3), f(2, 2, 3), f(2, 9), *per_tensor], dict(
            hidden_size=3, direction="bidirectional", clip=1.0, input_forget=1), 3
        yield MS, "DynamicQuantizeLSTM", 1, [*lstm, None, None, None, None, None, *per_column], dict(
            direction="bidirectional", activations=["HardSigmoid", "Relu", "Tanh"] * 2, activation_alpha=[0.3, 0.3], activation_beta=[0.4, 0.4]), 3
        yield MS, "DynamicQuantizeLSTM", 1, [
            f(4, 2, 5), b(1, 5, 12, dtype=kind), b(1, 3, 12, dtype=kind), None, None, None, None, None, f(1), z([1], kind), f(1), z([2], kind)], dict(
            hidden_size=3, direction="reverse")
    for bits in (2, 4, 8):
        packed = b(3, 2, 4 * bits)
        yield MS, "GatherBlockQuantized", 1, [packed, i64(0, -1, 7), f(3, 2, 2), b(3, 2, (2 * bits + 7) // 8)], dict(bits=bits, block_size=16, quantize_axis=2)
        yield MS, "GatherBlockQuantized", 1, [packed, i32(2), f(3, 2, 2).astype(np.float16)], dict(bits=bits, block_size=16, quantize_axis=-1)
    for kind in (ml_dtypes.int4, ml_dtypes.uint4):
        yield MS, "GatherBlockQuantized", 1, [b(20, 3).astype(kind), i64(1, 0), f(2, 3), b(2, 3).astype(kind)], dict(
            block_size=16, quantize_axis=0, gather_axis=1)
    for kind in (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2):
        yield MS, "GatherBlockQuantized", 1, [f(4, 6).astype(kind), i64(1, -1), f(1, 1)], dict(block_size=0)
    for bits, blob in ((4, 8), (8, 16)):
        yield MS, "MatMulNBits", 1, [f(2, 32), b(6, 2, blob), f(12), b(6 * (1 if bits == 4 else 2))], dict(K=32, N=6, bits=bits, block_size=16)
        yield MS, "MatMulNBits", 1, [f(2, 32), b(6, 2, blob), f(12), None, None, f(6)], dict(K=32, N=6, bits=bits, block_size=16, accuracy_level=4)
    yield MS, "MatMulNBits", 1, [f(2, 32), b(6, 2, 8), f(12), f(12), None, f(6)], dict(K=32, N=6, bits=4, block_size=16)
    for domain in (MS, "pinion"):
        activation = dict(activation="Relu")
        yield domain, "FusedConv", 1, [f(1, 2, 6, 6), f(3, 2, 3, 3), f(3), f(1, 3, 6, 6)], dict(pads=[1, 1, 1, 1], **activation)
        yield domain, "FusedConv", 1, [f(1, 2, 6), f(2, 1, 3)], dict(group=2, activation="LeakyRelu", activation_params=[0.1])
        yield domain, "FusedGemm", 1, [f(3, 4), f(4, 5), f(5)], dict(alpha=0.5, beta=2.0, **activation)
        yield domain, "FusedGemm", 1, [f(4, 3), f(5, 4)], dict(transA=1, transB=1, **activation)
    yield MS, "FusedMatMul", 1, [f(2, 4, 3), f(2, 5, 4)], dict(transA=1, transB=1, alpha=0.5)
    yield MS, "FusedMatMul", 1, [f(3, 2, 4), f(2, 4, 5)], dict(transBatchA=1)
    yield MS, "CDist", 1, [f(3, 4), f(2, 4)], dict(metric="euclidean")
    yield MS, "CDist", 1, [f(3, 20).astype(np.float64), f(2, 20).astype(np.float64)], {}
    yield MS, "TransposeMatMul", 1, [f(2, 4, 3), f(2, 5, 4)], dict(transA=1, transB=1, alpha=0.5)
    yield MS, "MatMulInteger16", 1, [b(2, 3).astype(np.int16), b(3, 4).astype(np.int16)], {}
    yield MS, "MatMulBnb4", 1, [f(2, 20), b(60), f(8)], dict(K=20, N=6, block_size=16, quant_type=1)
    yield MS, "MatMulBnb4", 1, [f(6, 20), b(60), f(8)], dict(K=20, N=6, block_size=16, quant_type=0, transB=1, training_mode=0)
    yield MS, "Inverse", 1, [f(2, 3, 3)], {}
    yield MS, "Inverse", 1, [f(2, 2).astype(np.float64)], {}
    yield "pinion", "AlignAxes", 1, [f(3), f(2, 3, 4)], dict(axis=1)
    yield "pinion", "AlignAxes", 1, [f(2, 1), f(2, 3, 4)], dict(axis=-3)
    yield "pinion", "FusedMatMul", 1, [f(2, 3, 4), f(4, 5), f(5)], dict(activation="Relu")
    yield MS, "CausalConvWithState", 1, [f(1, 3, 6), f(3, 1, 4), f(3), f(1, 3, 3)], dict(activation="silu"), 2
    yield MS, "SkipLayerNormalization", 1, [f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)], dict(epsilon=1e-5), 4
    yield MS, "SkipLayerNormalization", 1, [f(2, 3, 8), f(1, 3, 8), f(8)], {}
    yield MS, "SkipSimplifiedLayerNormalization", 1, [f(2, 3, 8), f(2, 3, 8), f(8), f(8)], {}, 4
    yield MS, "SkipSimplifiedLayerNormalization", 1, [f(3, 8), f(3, 8), f(8)], {}
    ids = np.array([[1, 2, 0], [3, 1, 1]], np.int32)
    yield MS, "EmbedLayerNormalization", 1, [ids, ids % 2, f(5, 8), f(4, 8), f(2, 8), f(8), f(8), ids * 0 + 1, ids], dict(epsilon=1e-5), 3
    yield MS, "EmbedLayerNormalization", 1, [ids, None, f(5, 8), f(4, 8), None, f(8), f(8)], {}, 2
    yield MS, "RotaryEmbedding", 1, [f(2, 3, 8), i64(0), f(10, 2), f(10, 2)], dict(num_heads=2)
    yield MS, "RotaryEmbedding", 1, [f(2, 2, 3, 6), np.zeros((2, 3), np.int64), f(10, 3), f(10, 3)], dict(interleaved=1)
    yield MS, "RotaryEmbedding", 1, [f(2, 2, 3, 8), i64(2), f(10, 2), f(10, 2)], dict(rotary_embedding_dim=4, num_heads=2)
    attention = [f(2, 3, 8), f(8, 24), f(24)]
    yield MS, "Attention", 1, attention, dict(num_heads=2)
    yield MS, "Attention", 1, [*attention, i32(3, 2), f(2, 2, 2, 4, 4), f(1, 2, 3, 7)], dict(num_heads=2, unidirectional=1), 2
    yield MS, "Attention", 1, [*attention, np.ones((2, 3), np.int32)], dict(num_heads=2, scale=0.3, mask_filter_value=-100.0)
    yield MS, "Attention", 1, [*attention, i32(3, 2, 0, 1)], dict(num_heads=2)
    yield MS, "Attention", 1, [*attention, np.ones((2, 3, 3), np.int32)], dict(num_heads=2)
    yield MS, "Attention", 1, [f(2, 3, 8), f(8, 20), f(20)], dict(num_heads=2, qkv_hidden_sizes=[8, 8, 4])
    yield MS, "Attention", 1, [f(2, 3, 8), f(8, 24), f(24), None, f(2, 2, 2, 4, 4)], dict(num_heads=2), 2
    q = [f(2, 3, 8), f(2, 5, 8), f(2, 5, 8)]
    yield MS, "MultiHeadAttention", 1, q, dict(num_heads=2)
    yield MS, "MultiHeadAttention", 1, [*q, f(24), i32(5, 4), f(2, 2, 3, 5)], dict(num_heads=2)
    yield MS, "MultiHeadAttention", 1, [*q, f(24), np.ones((2, 5), np.int32), f(1, 1, 3, 5)], dict(num_heads=2, scale=0.2, mask_filter_value=-10.0)
    yield MS, "MultiHeadAttention", 1, [*q, None, None, None, f(2, 2, 2, 4), f(2, 2, 2, 4)], dict(num_heads=2, unidirectional=1), 3
    yield MS, "MultiHeadAttention", 1, [f(2, 3, 8), f(2, 2, 5, 4), f(2, 2, 5, 4)], dict(num_heads=2)
    yield MS, "MultiHeadAttention", 1, [f(2, 3, 2, 3, 4)], dict(num_heads=2)
    yield MS, "MultiHeadAttention", 1, [f(2, 3, 8), f(2, 5, 2, 2, 4)], dict(num_heads=2)
    cache = [f(2, 1, 6, 4), f(2, 1, 6, 4)]
    rotary = [f(10, 2), f(10, 2)]
    yield MS, "GroupQueryAttention", 1, [f(2, 3, 8), f(2, 3, 4), f(2, 3, 4), *cache, i32(2, 2), i32(3)], dict(num_heads=2, kv_num_heads=1), 3
    yield MS, "GroupQueryAttention", 1, [f(2, 1, 16), None, None, *cache, i32(4, 3), i32(5), *rotary], dict(
        num_heads=2, kv_num_heads=1, do_rotary=1, local_window_size=3, softcap=5.0), 3
    yield MS, "GroupQueryAttention", 1, [
        f(2, 3, 8), f(2, 3, 4), f(2, 3, 4), None, None, i32(2, 2), i32(3), *rotary, np.zeros((2, 3), np.int64), f(1, 2, 3, 3), f(2)], dict(
        num_heads=2, kv_num_heads=1, do_rotary=1, rotary_interleaved=1, scale=0.4, smooth_softmax=1, qk_output=1), 4
    yield from experts()
    yield from hybrids()
    yield from older_forms()
    yield MS, "Tokenizer", 1, [np.array(["a b c", "dd"])], dict(mark=1, pad_value="#", mincharnum=1, separators=[" "])
    yield MS, "Tokenizer", 1, [np.array([["a b c", "dd"]])], dict(mark=0, pad_value="", mincharnum=1, tokenexp="[a-c]")
    yield MS, "Tokenizer", 1, [np.array(["abc"])], dict(mark=0, pad_value="#", mincharnum=1, separators=[""])


ML = "ai.onnx.ml"


def machine_learning():
    for key, values in ((TensorProto.INT64, {0: np.float32(1.5), 2: np.float32(-2)}),):
        for form in ("DENSE", "SPARSE"):
            for cast in ("TO_FLOAT", "TO_STRING", "TO_INT64"):
                yield ML, "CastMap", 1, [(values, map_type(key))], dict(cast_to=cast, map_form=form, max_map=4 if form == "SPARSE" else 1)
    yield ML, "CategoryMapper", 1, [np.array(["a", "x"])], dict(cats_int64s=[1, 2], cats_strings=["a", "b"], default_int64=-3)
    yield ML, "CategoryMapper", 1, [i64(1, 5)], dict(cats_int64s=[1, 2], cats_strings=["a", "b"], default_string="?")
    yield ML, "DictVectorizer", 1, [({"a": np.float32(1), "c": np.float32(2)}, map_type(TensorProto.STRING))], dict(string_vocabulary=["a", "b"])
    yield ML, "DictVectorizer", 1, [({1: np.float32(1), 3: np.float32(2)}, map_type(TensorProto.INT64))], dict(int64_vocabulary=[1, 2, 3])
    yield ML, "FeatureVectorizer", 1, [f(2, 3), i64(1, 2).reshape(2, 1)], dict(inputdimensions=[3, 1])
    yield ML, "Imputer", 1, [f(2, 3)], dict(imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))
    yield ML, "Imputer", 1, [np.array([[1, 2]], np.int64)], dict(imputed_value_int64s=[7], replaced_value_int64=2)
    for kind in (np.float32, np.int64, np.float64):
        x = (f(3, 4) * 3).astype(kind)
        for transform in ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"):
            yield ML, "LinearClassifier", 1, [x], dict(
                coefficients=f(8).tolist(), intercepts=f(2).tolist(), classlabels_ints=[5, 7], post_transform=transform), 2
        yield ML, "LinearRegressor", 1, [x], dict(coefficients=f(8).tolist(), intercepts=f(2).tolist(), targets=2)
        yield ML, "Scaler", 1, [x], dict(offset=[1.0], scale=[2.0, 3.0, 4.0, 5.0][:1])
        yield ML, "Scaler", 1, [x], dict(offset=[1.0, 2.0, 3.0, 4.0], scale=[2.0, 3.0, 4.0, 5.0])
        for norm in ("MAX", "L1", "L2"):
            yield ML, "Normalizer", 1, [x], dict(norm=norm)
    yield ML, "LinearClassifier", 1, [f(3, 4)], dict(coefficients=f(12).tolist(), classlabels_strings=["a", "b", "c"]), 2
    yield ML, "LinearClassifier", 1, [f(3, 4)], dict(coefficients=f(4).tolist(), intercepts=[0.1], classlabels_ints=[0, 1]), 2
    yield ML, "OneHotEncoder", 1, [i64(1, 2, 9)], dict(cats_int64s=[1, 2], zeros=1)
    yield ML, "OneHotEncoder", 1, [np.array(["a", "b"])], dict(cats_strings=["a", "b"], zeros=0)
    for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        parameters = dict(kernel_type=kernel, kernel_params=[0.5, 0.1, 2.0])
        yield ML, "SVMRegressor", 1, [f(3, 4)], dict(coefficients=f(2).tolist(), support_vectors=f(8).tolist(), n_supports=2, rho=[0.1], **parameters)
        yield ML, "SVMClassifier", 1, [f(3, 4)], dict(
            classlabels_ints=[4, 5, 6], coefficients=f(8).tolist(), support_vectors=f(16).tolist(), vectors_per_class=[1, 2, 1],
            rho=[0.1, 0.2, 0.3], prob_a=[1.0, 1.0, 1.0], prob_b=[0.0, 0.1, 0.0], **parameters), 2
    yield ML, "SVMRegressor", 1, [f(3, 4)], dict(coefficients=f(4).tolist(), rho=[0.1], one_class=1)
    yield ML, "SVMClassifier", 1, [f(3, 4)], dict(classlabels_strings=["a", "b"], coefficients=f(8).tolist(), rho=[0.1]), 2
    for kind in (np.float32, np.float64, np.int64, np.int32):
        x = (f(3, 4) * 2).astype(kind)
        yield ML, "TreeEnsembleClassifier", 3, [x], dict(
            TREES, class_treeids=[0, 0, 0], class_nodeids=[2, 3, 4], class_ids=[0, 1, 2], class_weights=[0.2, 0.3, 0.9], classlabels_int64s=[1, 5, 7],
            post_transform="SOFTMAX"), 2
        yield ML, "TreeEnsembleRegressor", 3, [x], dict(
            TREES, target_treeids=[0, 0, 0], target_nodeids=[2, 3, 4], target_ids=[0, 1, 0], target_weights=[0.2, 0.3, 0.9], n_targets=2,
            aggregate_function="MAX", base_values=[0.5, 0.1])
    yield ML, "TreeEnsembleClassifier", 3, [f(3, 4)], dict(
        TREES, class_treeids=[0, 0, 0], class_nodeids=[2, 3, 4], class_ids=[0, 0, 0], class_weights=[0.2, 0.3, 0.9], classlabels_strings=["a", "b"],
        base_values=[0.1]), 2
    yield ML, "ZipMap", 1, [f(2, 3)], dict(classlabels_strings=["a", "b", "c"])
    yield ML, "ZipMap", 1, [f(2, 2)], dict(classlabels_int64s=[3, 4])


def standard():
    yield "", "Erf", 13, [f(2, 3)], {}
    yield "", "Mish", 22, [f(2, 3)], {}
    three = ([f(2, 3), f(2, 3), f(2, 3)], tensor_sequence())
    yield "", "ConcatFromSequence", 11, [three], dict(axis=1)
    yield "", "ConcatFromSequence", 11, [three], dict(axis=0, new_axis=1)
    yield "", "GlobalLpPool", 2, [f(1, 3, 4, 5)], dict(p=3)
    yield "", "MaxRoiPool", 1, [f(1, 3, 6, 6), np.array([[0, 0, 0, 3, 3], [0, 1, 1, 5, 4]], np.float32)], dict(pooled_shape=[2, 2], spatial_scale=0.5)
    yield "", "Multinomial", 7, [f(2, 4)], dict(sample_size=5, seed=1.0, dtype=7)
    yield "", "Optional", 15, [f(2)], {}
    yield "", "Optional", 15, [], dict(type=helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    for name in ("RandomNormal", "RandomUniform"):
        yield "", name, 1, [], dict(shape=[2, 3], seed=1.0, dtype=1)
        yield "", name + "Like", 1, [f(2, 3)], dict(seed=1.0, dtype=11)
    for position in (i64(1).reshape(()), i32(-1).reshape(())):
        yield "", "SequenceAt", 11, [three, position], {}
        yield "", "SequenceErase", 11, [three, position], {}
    yield "", "SequenceErase", 11, [three], {}
    yield "", "SequenceConstruct", 11, [f(2), f(3)], {}
    yield "", "SequenceEmpty", 11, [], dict(dtype=1)
    yield "", "SequenceLength", 11, [three], {}
    yield "", "SimplifiedLayerNormalization", 1, [f(2, 3, 4), f(4)], dict(axis=-1, epsilon=1e-5, stash_type=1), 2
    yield "", "QLinearConv", 10, [b(1, 2, 5, 5), s(), z(3), b(4, 2, 3, 3, dtype=np.int8), f(4), b(4, dtype=np.int8), s(0.2), z(1), np.arange(4, dtype=np.int32)], dict(
        pads=[1, 1, 1, 1], strides=[2, 1])
    yield "", "QLinearConv", 10, [b(1, 4, 5), s(), z(3), b(4, 1, 3), s(), z(5), s(0.2), z(1)], dict(group=4, dilations=[2])
    yield "", "ConvInteger", 10, [b(1, 2, 5, 5), b(4, 2, 3, 3, dtype=np.int8), z(3), b(4, dtype=np.int8)], dict(pads=[1, 1, 1, 1])
    yield "", "DynamicQuantizeLinear", 11, [f(3, 4)], {}, 1
    info = lambda name, kind, dims: helper.make_tensor_value_info(name, kind, dims)  # noqa: E731
    body = helper.make_graph(
        [helper.make_node("Add", ["v", "s"], ["w"]), helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Mul", ["w", "s"], ["o"])], "body",
        [info("i", 7, []), info("c", 9, []), info("v", 1, [2]), ], [info("d", 9, []), info("w", 1, [2]), info("o", 1, [2])],
        [helper.make_tensor("s", 1, [2], [1.0, 2.0])])
    yield "", "Loop", 21, [i64(3).reshape(()), np.array(True), f(2)], dict(body=body), 2
    scan = helper.make_graph(
        [helper.make_node("Add", ["v", "x"], ["w"]), helper.make_node("Neg", ["w"], ["o"])], "body", [info("v", 1, [2]), info("x", 1, [2])],
        [info("w", 1, [2]), info("o", 1, [2])])
    yield "", "Scan", 21, [f(2), f(4, 2)], dict(body=scan, num_scan_inputs=1, scan_input_directions=[1], scan_output_axes=[1], scan_output_directions=[1]), 2
    branches = [helper.make_graph([helper.make_node("Constant", [], ["y"], value=helper.make_tensor("t", 1, [n], [1.0] * n))], "b", [], [info("y", 1, None)]) for n in (1, 2)]
    yield "", "If", 21, [np.array(True)], dict(then_branch=branches[0], else_branch=branches[1])
    each = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "b", [info("x", 1, None)], [info("y", 1, None)])
    yield "", "SequenceMap", 17, [three], dict(body=each)


def written(file, source):
    count = 0
    for domain, name, opset, inputs, attributes, *outputs in source:
        output_names = [f"y{index}" for index in range(outputs[0] if outputs else 1)]
        node = helper.make_node(name, [f"x{index}" for index in range(len(inputs))], output_names, domain=domain, **attributes)
        texts = ["absent" if value is None else input_text(*value) if isinstance(value, tuple) else input_text(value) for value in inputs]
        if not write(file, node, opset, texts):
            raise SystemExit(f"{name}: an attribute of this kind is not known here")
        count += 1
    return count


with open(sys.argv[1], "w") as output:
    total = onnx_cases(output)
    for source in (standard(), machine_learning(), microsoft()):
        total += written(output, source)
print(total, "seeds")
